"""Runs of the plainest lines of progress, of which logs may consist: counted together, as one by one would be.

A line that is one of them says nothing else, by every default pattern; a profile with patterns of its own has none.
"""

import re
from itertools import pairwise
from operator import gt
from typing import Final

from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.logs.ways import PERCENT, At

# At most a time with its date and a level before it: with words there might be more in a line.
_DATED: Final = rb"[\[ ]{0,2}(?:\d{4}[-/.]\d\d[-/.]\d\d[T _]\d\d:|1\d{9})[\d:.,TZ+ \]-]{0,36}"
_LEAD: Final = rb"(?:" + _DATED + rb")?(?:\[?(?:INFO|DEBUG|info|debug)\]?:? {1,2})?"
_SHARE: Final = rb"[Ww]orker (\d{1,18}): (\d{1,2}(?:\.\d{1,9})?|100(?:\.0{1,9})?)%(?: complete| done)?"
_PLACE: Final = rb"[Ww]orker (\d{1,18}: (?:[Bb]lock|[Pp]age|[Rr]ecord|[Rr]ow)) (\d{1,3}(?:,\d{3}){1,5}|\d{1,18})"
SHARES: Final = re.compile(rb"(?:" + _LEAD + _SHARE + rb" ?\n)+")
PLACES: Final = re.compile(rb"(?:" + _LEAD + _PLACE + rb" ?\n)+")
_SHARES: Final = re.compile(_SHARE + rb" ?\n")
_PLACES: Final = re.compile(_PLACE + rb" ?\n")


def end(text: bytes, start: int, most: int) -> int:
    """Where a run ends that begins there; the same place when none does."""
    found = SHARES.match(text, start, most) or PLACES.match(text, start, most)
    return found.end() if found else start


def count(run: bytes, cell: int, tally: Tally, stamps: Stamps) -> None:
    """Add a run within one cell."""
    lines = run.split(b"\n")
    found: list[tuple[bytes, bytes]] = _SHARES.findall(run) or _PLACES.findall(run)
    told: dict[bytes, tuple[list[int], list[bytes]]] = {}
    for number, (who, value) in enumerate(found):
        lists = told.get(who)
        if lists is None:
            lists = told[who] = [], []
        lists[0].append(number)
        lists[1].append(value)
    for who, (numbers, texts) in told.items():
        worker, _, unit = who.decode().partition(": ")
        values: list[float] = [int(text.replace(b",", b"")) if unit else float(text) for text in texts]
        _add(worker, unit.lower() or PERCENT, values, [lines[number] for number in numbers], cell, tally, stamps)


def _add(
    worker: str, unit: str, values: list[float], lines: list[bytes], cell: int, tally: Tally, stamps: Stamps
) -> None:
    way = tally.way(worker)
    if way is None:
        return
    way.add(unit, stamps.of(lines[0]), values[0], cell)
    way.is_finished = False
    at = _last(lines, stamps)
    way.heard_at = at if at is not None else way.heard_at
    series = way.series.get(unit)
    if series is None or len(values) == 1:
        return
    if any(map(gt, values, values[1:])):
        for before, after in pairwise(values):
            if after < before:
                series.fall(before, after)
    changed = next((number for number in range(len(values) - 1, 0, -1) if values[number] != values[number - 1]), 0)
    if changed:
        series.is_flat = False
        series.grown_at = stamps.of(lines[changed])
    series.last, series.last_at = values[-1], at if at is not None else series.last_at
    series.seen += len(values) - 1


def _last(lines: list[bytes], stamps: Stamps) -> At:
    return next((at for line in reversed(lines) if (at := stamps.of(line)) is not None), None)
