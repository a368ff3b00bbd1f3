"""Numbers, spans, moments and names as a report writes them; none of it raises, whatever it is given."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from backfill.monitor.readings import Value
from backfill.texts import counted, duration, one_line

DAY: Final = 86_400.0
YEAR: Final = 365 * DAY
MOST: Final = 1e30  # of a number: more is a mistake
MOST_PIECES: Final = 8  # of a list of names
MOST_OF_A_NAME: Final = 60
SIZES: Final = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_NUMBERED: Final = re.compile(r"(.*?)(\d{1,15})")


def numeric(value: Value | None) -> float | None:
    """The value as a finite number of at least 0; None for whatever is none."""
    if value is None or isinstance(value, datetime | bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number < MOST else None


def moment(value: Value | float | None) -> datetime | None:
    """The value as a time with its zone, seconds since the epoch or ISO 8601; None for whatever is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    number = numeric(value)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def clock(at: float | None, now: float) -> str:
    """A time for people: with its date where that is not today's."""
    found, today = moment(at), moment(now)
    if found is None:
        return "an unknown time"
    is_today = today is not None and found.date() == today.date()
    return f"{found:%H:%M:%S} UTC" if is_today else f"{found:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float | None) -> str:
    """How long, in the two largest units; nothing longer than a year is told exactly."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    seconds = max(seconds, 0.0)
    if seconds > YEAR:
        return "more than a year"
    if seconds >= 2 * DAY:
        days, rest = divmod(round(seconds / 3600), 24)
        return f"{days} d {rest} h"
    return duration(seconds)


def about(seconds: float) -> str:
    """The same for times that are guessed: nobody wants their seconds."""
    if not 600 <= seconds < 6_000:
        return span(seconds)
    return f"{round(seconds / 60)} min"


def plain(number: float) -> str:
    """A number with as many digits as mean something: 312,400, 45.2, 0.013."""
    if abs(number) >= 100 or number == int(number):
        return f"{round(number):,}"
    return f"{number:,.1f}" if abs(number) >= 1 else f"{number:.2g}"


def size(number: float) -> str:
    """Bytes for people."""
    for least, name in SIZES:
        if abs(number) >= least:
            return f"{number / least:,.1f} {name}"
    return counted(round(number), "byte")


def amount(number: float, unit: str) -> str:
    """A number of units; of bytes as a size, of percent as a share."""
    if unit == "bytes":
        return size(number)
    if unit == "percent":
        return f"{number:.2g} %" if number < 1 else f"{number:,.1f} %"
    told = plain(number)
    name = one_line(unit, MOST_OF_A_NAME)
    return f"{told} {name.removesuffix('s') if told == '1' else name}".rstrip()


def part(number: float, of: float | None, unit: str) -> str:
    """A number of units, and of how many, where that is known: 600 of 1,000 calls."""
    if not of:
        return amount(number, unit)
    done = size(number) if unit == "bytes" else plain(number)
    return f"{done} of {amount(of, unit)}"


def share(percent: float) -> str:
    """A share of the whole, never 100 % unless it is all of it."""
    return f"{percent:.1f} %" if percent >= 100 else f"{min(percent, 99.9):.1f} %"


def foreign(value: object, most: int = MOST_OF_A_NAME) -> str:
    """A name of others, to stand in a sentence of ours: in it no colon ends what we say, and no command follows."""
    return re.sub(r":\s+", ":", one_line(value, most))


def in_order(names: Sequence[str]) -> list[str]:
    """Names as people count: 2 before 10."""
    return sorted(names, key=order)


def order(name: str) -> tuple[str, int, str]:
    """Where a name stands among others, as people count."""
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2]), name) if found else (name, -1, name)


def listed(names: Sequence[str]) -> str:
    """Names in few words: 0-7, 9, 12-15 and 38 more."""
    pieces: list[tuple[str, int]] = []  # with how many names each has
    run: list[str] = []
    for name in [*in_order(names), ""]:
        if run and not _follows(run[-1], name):
            pieces.extend(_pieces(run))
            run = []
        run.append(name)
    shown, rest = pieces[:MOST_PIECES], sum(many for _, many in pieces[MOST_PIECES:])
    text = ", ".join(piece for piece, _ in shown)
    return f"{text} and {rest:,} more" if rest else text


def _follows(before: str, name: str) -> bool:
    one, other = _NUMBERED.fullmatch(before), _NUMBERED.fullmatch(name)
    return bool(one and other and one[1] == other[1] and int(one[2]) + 1 == int(other[2]))


def _pieces(run: Sequence[str]) -> list[tuple[str, int]]:
    if len(run) < 3:
        return [(one_line(name, MOST_OF_A_NAME), 1) for name in run]
    between = "-" if run[0].isdecimal() else " to "
    return [(one_line(f"{run[0]}{between}{run[-1]}", 2 * MOST_OF_A_NAME), len(run))]
