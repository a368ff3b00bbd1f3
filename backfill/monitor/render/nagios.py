"""A report as the one line, and the exit code, that Nagios and its kin expect of a check."""

import math
import re
from collections.abc import Iterator
from typing import Final

from backfill.monitor.report import Level, Report, State
from backfill.texts import one_line

EXIT_CODES: Final = {Level.OK: 0, Level.WARNING: 1, Level.CRITICAL: 2, Level.UNKNOWN: 3}
MOST: Final = 500  # characters of the headline
MOST_NUMBERS: Final = 40  # Nagios cuts a line off at 4 or 8 KB


def line(report: Report) -> str:
    """Level and headline, then after a bar the numbers: `OK - running: 61.7 % done | rows=617 errors=0`."""
    found = list(dict(_numbers(report)).items())[:MOST_NUMBERS]
    numbers = f" | {' '.join(f'{name}={value}' for name, value in found)}" if found else ""
    return said(report.level, _told(report)) + numbers


def _told(report: Report) -> str:
    """The headline; where nothing could be told, why: it is all that a pager shows."""
    if report.state is not State.UNKNOWN:
        return report.headline
    for one in report.sources:
        if one.problems:
            return one.problems[0] if one.name in one.problems[0] else f"{one.name}: {one.problems[0]}"
    return report.headline.removeprefix(f"{report.state.value}: ")


def said(level: Level, text: object) -> str:
    """The line without numbers, also for what has no report; a bar would begin them, and is written as a slash."""
    return f"{level.value.upper()} - {one_line(text, MOST).replace('|', '/')}"


def exit_code(report: Report) -> int:
    """0 OK, 1 warning, 2 critical, 3 unknown."""
    return EXIT_CODES[report.level]


def _numbers(report: Report) -> Iterator[tuple[str, str]]:
    for stat in report.stats:
        value = stat.value
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield _name(stat.name), f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    for error in report.errors:
        yield _name(error.name), str(error.total)


def _name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)[:60]
