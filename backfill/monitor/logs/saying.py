"""What one line says: which patterns are in it, and how far which worker came."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from backfill.monitor.logs import defaults, objects, prefixes
from backfill.monitor.logs.ending import is_of_a_part
from backfill.monitor.logs.harmless import HARMLESS, OTHER_BEFORE, OTHER_BEHIND, SUMS
from backfill.monitor.logs.ways import PERCENT, SHARE
from backfill.monitor.patterns import Patterns

MOST_PERCENT: Final = 1_000.0  # more is no percentage of work
PROGRESS: Final = frozenset(
    {"worker_percent", "worker_position", "worker_finished", "rolling", "rolled", "percent", "object", "amount"}
)
# An error that one of these is is counted as that alone.
EXACT: Final = frozenset({"attempt_failed", "gave_up", "recovered", "http_503", "rate_limit", "fatal", "disk_full"})
ENDING: Final = frozenset({"finished", "worker_finished"})
_AGAIN: Final = re.compile(defaults.TRIES_AGAIN.encode())
_DIGITS: Final = re.compile(rb"\d{1,18}(?:\.\d{1,18})?")
COUNT: Final = "#record"  # the unit of our own workers' lines: a count, and no place like "record 7"


@dataclass(slots=True)
class Said:
    """One line."""

    names: set[str]  # of the patterns whose lines are counted
    worker: str | None = None
    numbers: list[tuple[str, float]] = field(default_factory=list)  # unit and how far
    amount: tuple[str, float, float] | None = None  # of the whole: what, how much is done, of how much
    is_progress: bool = False
    is_worker_finished: bool = False
    is_finished: bool = False  # of the whole


class Reader:
    """Reads lines; of one file, whose name is that of a worker which no line names."""

    def __init__(self, patterns: Patterns, attempts: int, name: str) -> None:
        self._patterns = patterns
        self._attempts = attempts
        self._name = name

    def said(self, line: bytes) -> Said:
        """What a line says."""
        names = self._patterns.names(line)
        if (ending := names & ENDING - self._patterns.own) and is_of_a_part(line):
            names -= ending
        said = Said(set())
        if names & PROGRESS:
            self._progress(line, names, said)
        said.is_finished = "finished" in names and said.worker is None
        names = self._meant(line, names, said.is_progress)
        said.names = names & self._patterns.counted
        return said

    def _meant(self, line: bytes, names: set[str], is_progress: bool) -> set[str]:
        default = names - self._patterns.own
        if default & {"error", "fatal", "rate_limit", "recovered"}:
            text = HARMLESS.sub(b" ", line)
            if is_progress:
                text = SUMS.sub(b" ", text)
            if text != line:
                left = self._patterns.names(text)
                names = names - {
                    name for name in ("error", "fatal", "rate_limit", "recovered") if name in default - left
                }
        if "recovered" in names:
            names = names - {"attempt_failed", "gave_up"}
        elif "gave_up" in names:
            names = names - {"attempt_failed"}
        elif "attempt_failed" in names and self._is_last(line):
            names = names - {"attempt_failed"} | {"gave_up"}
        if "error" in names and names & EXACT and "error" not in self._patterns.own:
            names = names - {"error"}
        return names

    def _is_last(self, line: bytes) -> bool:
        groups, _ = self._patterns.groups("attempt_failed", line)
        attempt = _number(groups.get("attempt") or groups.get("attempt_behind"))
        of = _number(groups.get("of") or groups.get("of_behind"))
        if attempt is None:
            return False
        if of is not None:
            return attempt >= of
        return attempt >= self._attempts and not _AGAIN.search(line)

    def _progress(self, line: bytes, names: set[str], said: Said) -> None:
        process, rest = prefixes.parted(line)
        if "object" in names and (told := objects.told(rest)) is not None:
            self._object(told, said)
        if "rolling" in names or "rolled" in names:
            self._rolling(rest, process, names, said)
        if said.worker is not None:
            return
        for name in ("worker_percent", "worker_position"):
            if name in names:
                self._number(name, rest, process, said)
        if "worker_finished" in names and not said.numbers:
            groups, _ = self._patterns.groups("worker_finished", rest)
            if (worker := _worker(groups) or process) is not None:
                said.worker, said.is_worker_finished, said.is_progress = worker, True, True
        if said.worker is None and "amount" in names:
            self._amount(rest, said)
        elif said.worker is None and "percent" in names:
            self._number("percent", rest, process, said)

    def _object(self, told: objects.Told, said: Said) -> None:
        said.numbers = [
            (unit, value)
            for unit, value in ((PERCENT, told.percent), (SHARE, told.share), (told.unit, told.position))
            if value is not None and value >= 0 and (unit not in (PERCENT, SHARE) or value <= MOST_PERCENT)
        ]
        said.is_worker_finished = told.is_finished
        if said.numbers or told.is_finished:
            said.worker, said.is_progress = told.worker, True

    def _rolling(self, line: bytes, process: str | None, names: set[str], said: Said) -> None:
        groups, _ = self._patterns.groups("rolling" if "rolling" in names else "rolled", line)
        if (count := _number(groups.get("count"))) is not None:
            said.worker, said.is_progress = _worker(groups) or process or self._name, True
            said.numbers = [(COUNT, count)]
            said.is_worker_finished = "rolled" in names

    def _amount(self, line: bytes, said: Said) -> None:
        groups, _ = self._patterns.groups("amount", line)
        count, total = _number(groups.get("count")), _number(groups.get("total"))
        if count is not None and total is not None and count <= total:
            said.amount, said.is_progress = (groups["counted"].decode().lower(), count, total), True

    def _number(self, name: str, line: bytes, process: str | None, said: Said) -> None:
        groups, found = self._patterns.groups(name, line)
        percent = _number(groups.get("percent") or groups.get("percent_before"))
        position = _number(groups.get("position") or groups.get("count"))
        total = _number(groups.get("total") or groups.get("of"))
        unit = (groups.get("unit") or groups.get("counted") or b"").decode("utf-8", "replace").lower()[:32]
        if percent is not None and (percent > MOST_PERCENT or _is_other(line, found)):
            percent = None
        if (
            percent is None
            and position is not None
            and total
            and position <= total
            and unit not in ("block", "offset", "id")
        ):
            percent = 100 * position / total
        if percent is None and position is None:
            return
        said.worker, said.is_progress = _worker(groups) or said.worker or process or self._name, True
        if percent is not None and not any(one == PERCENT for one, _ in said.numbers):
            said.numbers.append((PERCENT, percent))
        if position is not None:
            said.numbers.append((unit, position))


def _is_other(line: bytes, found: Any) -> bool:
    """Whether it is the percentage of something else, such as of a processor."""
    return bool(OTHER_BEFORE.search(found[0]) or OTHER_BEHIND.match(line[found.end() : found.end() + 20]))


def _worker(groups: dict[str, bytes]) -> str | None:
    name = groups.get("worker") or groups.get("worker_named")
    return name.decode("utf-8", "replace")[:64] if name else None


def _number(text: bytes | None) -> float | None:
    if text is None:
        return None
    plain = text.replace(b",", b"").replace(b"_", b"").strip()
    if not _DIGITS.fullmatch(plain):
        return None
    return float(plain) if b"." in plain else int(plain)
