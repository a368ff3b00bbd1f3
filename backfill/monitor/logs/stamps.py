"""The time at the beginning of a line, in any of the common shapes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Final

from backfill.monitor import zones

MOST_LOOKED_AT: Final = 240  # bytes of a line
MOST_KNOWN: Final = 4_096  # minutes that were worked out
AHEAD: Final = 300.0  # seconds that a time without a date may be ahead of when the file was written
DAY: Final = 86_400.0
MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

_MONTH: Final = b"|".join(MONTHS)
# What may stand before a time: a level, a name with a bar, something in brackets. Never a sentence: its times are data.
_LEAD: Final = (
    rb"(?:[\s\x00\"'(<]|\[(?:[^\[\]\n]{1,80}\]:?\s?)?|[\w./-]{1,64}\s+\|\s|<\d{1,3}>\d?\s?"
    rb"|(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|FATAL|CRITICAL|trace|debug|info|warn|warning|error)[:\]]?\s){0,6}"
)
_SUPERVISED: Final = rb"(?:\d\d:\d\d:\d\d\s[\w.-]{1,64}\s+\|\s)?"  # whose own time has no date
_CLOCK: Final = rb"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
_ZONE: Final = rb"(?:\s?(Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d\b))?"
_DATED: Final = re.compile(_SUPERVISED + _LEAD + rb"(\d{4})[-/.](\d\d)[-/.](\d\d)(?:T|_|\s)" + _CLOCK + _ZONE)
_SYSLOG: Final = re.compile(_LEAD + rb"(" + _MONTH + rb")\s+(\d{1,2})\s" + _CLOCK)
_TIMED: Final = re.compile(_LEAD + _CLOCK + rb"(?![\d:])")
_ACCESS: Final = re.compile(rb"\[(\d\d)/(" + _MONTH + rb")/(\d{4}):" + _CLOCK + _ZONE)
_EPOCH: Final = re.compile(rb"[\s\[]{0,4}(1\d{9})(\d{3})?(?:\.(\d{1,9}))?[\s\]]")
_KEYED: Final = re.compile(
    rb"\"(?:@?timestamp|time|ts|at|date|datetime|asctime)\"\s*:\s*(?:\"([^\"\n]{8,40})\"|(1\d{9})(\d{3})?(?:\.(\d{1,9}))?)"
)


class Stamps:
    """Reads times, as seconds since the epoch; of one file, whose last writing says what lines leave out."""

    def __init__(self, timezone: str | None, written_at: float) -> None:
        """Times that name no zone are of that one, or of this machine's.

        Raises ValueError where there is no such zone.
        """
        self.zone: tzinfo | None = zones.named(timezone or None)
        self._written_at = written_at
        self._written = datetime.fromtimestamp(written_at, UTC).astimezone(self.zone)
        self.is_dateless = False  # the time that was read last: its day is a guess
        self._known: dict[tuple[bytes | None, ...], float | None] = {}

    def of(self, line: bytes) -> float | None:
        """The time of a line, or None where it begins with none."""
        start = line[:MOST_LOOKED_AT]
        self.is_dateless = False
        if found := _DATED.match(start):
            year, month, day, hour, minute, second, fraction, zone = found.groups()
            return self._at(year, month, day, hour, minute, second, fraction, zone)
        if start.lstrip()[:1] == b"{" and (keyed := self._keyed(line)) is not None:
            return keyed
        if found := _SYSLOG.match(start):
            month, day, hour, minute, second, fraction = found.groups()
            return self._at(None, month, day, hour, minute, second, fraction, None)
        if found := _TIMED.match(start):
            hour, minute, second, fraction = found.groups()
            self.is_dateless = True
            return self._at(None, None, None, hour, minute, second, fraction, None)
        if found := _ACCESS.search(start):
            day, month, year, hour, minute, second, fraction, zone = found.groups()
            return self._at(year, month, day, hour, minute, second, fraction, zone)
        if found := _EPOCH.match(start):
            return _epoch(*found.groups())
        return None

    def _keyed(self, line: bytes) -> float | None:
        found = _KEYED.search(line[: 8 * 1024])
        if found is None:
            return None
        return self.of(found[1]) if found[1] else _epoch(found[2], found[3], found[4])

    def _at(self, *parts: bytes | None) -> float | None:
        *minute, second, fraction, zone = parts
        key = (*minute, zone)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._minute(*key)
        base = self._known[key]
        seconds = int(second or 0)
        if base is None or seconds > 60:
            return None
        return base + seconds + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)

    def _minute(self, *parts: bytes | None) -> float | None:
        year, month, day, hour, minute, zone = parts
        try:
            clock = int(hour or 0), int(minute or 0)
            if year is not None and month is not None and day is not None:
                number = MONTHS.index(month) + 1 if month in MONTHS else int(month)
                return self._moment(int(year), number, int(day), *clock, zone)
            if month is not None and day is not None:
                return self._of_a_year(MONTHS.index(month) + 1, int(day), *clock)
            return self._of_a_day(*clock)
        except (ValueError, OverflowError, OSError):
            return None

    def _moment(self, year: int, month: int, day: int, hour: int, minute: int, zone: bytes | None = None) -> float:
        if zone is None:
            # Without a zone of its own a moment is of this machine's, which is what timestamp() takes it for.
            return datetime(year, month, day, hour, minute, tzinfo=self.zone).timestamp()
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()
        if zone[:1] not in (b"+", b"-"):
            return moment
        ahead = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        return moment - ahead if zone[:1] == b"+" else moment + ahead

    def _of_a_year(self, month: int, day: int, hour: int, minute: int) -> float | None:
        for at in self._years(month, day, hour, minute):
            if at <= self._written_at + DAY:
                return at
        return None

    def _years(self, month: int, day: int, hour: int, minute: int) -> Iterator[float]:
        for back in range(-1, 9):  # a leap day may be so long ago
            try:
                yield self._moment(self._written.year - back, month, day, hour, minute)
            except ValueError:
                continue

    def _of_a_day(self, hour: int, minute: int) -> float | None:
        at = self._moment(self._written.year, self._written.month, self._written.day, hour, minute)
        if at > self._written_at + AHEAD:
            return at - DAY
        return at + DAY if at + DAY <= self._written_at + AHEAD else at


def _epoch(seconds: bytes, milliseconds: bytes | None, fraction: bytes | None) -> float:
    return int(seconds) + int(milliseconds or 0) / 1000 + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)
