"""Workers in a few lines, however many there are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import Final

from backfill.monitor.amounts import foreign, listed, share
from backfill.monitor.readings import Reading
from backfill.monitor.report import WorkerGroup
from backfill.monitor.ways import Way

GAP: Final = 15.0  # percent points between neighbours that begin another group
MOST_GROUPS: Final = 6


def worker_groups(ways: Sequence[Way], stalled: Sequence[Way]) -> list[WorkerGroup]:
    """Those that have finished, those that stand alike, and those that stand still."""
    finished = [one for one in ways if one.worker.is_finished]
    still = {one.name for one in stalled}
    open_ = [one for one in ways if not one.worker.is_finished and one.name not in still]
    found = [_group(finished, "finished", is_finished=True)] if finished else []
    found.extend(_bands([one for one in open_ if one.percent is not None]))
    found.extend(_positions([one for one in open_ if one.percent is None]))
    if stalled:
        found.append(_still(stalled))
    return found


def of_jobs(readings: Sequence[Reading]) -> tuple[list[WorkerGroup], str | None]:
    """Workers of jobs of ours, of whom the ledger knows what they have in hand; and the one that is slowest at it."""
    some = [worker for one in readings if one.kind == "job" for worker in one.workers]
    names = list(dict.fromkeys(foreign(worker.name) for worker in some))
    slow = [f"worker {foreign(one.name)} holds {one.in_hand}" for one in some if one.in_hand]
    groups = [WorkerGroup(names, f"{len(names):,} live: {listed(names)}", False, None, None, "")] if names else []
    return groups, slow[0] if slow else None


def _bands(ways: Sequence[Way]) -> Iterator[WorkerGroup]:
    ordered = sorted(ways, key=lambda one: one.percent or 0.0)
    gaps = sorted(
        ((after.percent or 0.0) - (before.percent or 0.0), number)
        for number, (before, after) in enumerate(pairwise(ordered), 1)
    )
    wide = list(takewhile(lambda gap: gap[0] >= GAP, reversed(gaps)))[: MOST_GROUPS - 1]
    cuts = [0, *sorted(number for _, number in wide), len(ordered)]
    for first, last in reversed(list(pairwise(cuts))):
        band = ordered[first:last]
        if band:
            low, high = band[0].percent or 0.0, band[-1].percent or 0.0
            yield _group(band, f"at {_shares(low, high)}", low, high, "percent")


def _positions(ways: Sequence[Way]) -> Iterator[WorkerGroup]:
    units = dict.fromkeys(one.unit for one in ways)
    for unit in list(units)[:MOST_GROUPS]:
        band = [one for one in ways if one.unit == unit]
        at = sorted(one.position for one in band)
        text = f"at {unit} {_between(at[0], at[-1], ',.0f')}" if unit else f"at {_between(at[0], at[-1], ',.0f')}"
        yield _group(band, text, at[0], at[-1], unit)


def _between(low: float, high: float, form: str) -> str:
    first, last = f"{low:{form}}", f"{high:{form}}"
    return first if first == last else f"{first} to {last}"


def _shares(low: float, high: float) -> str:
    first, last = share(low), share(high)
    return last if first == last else f"{first.removesuffix(' %')} to {last}"


def _still(ways: Sequence[Way]) -> WorkerGroup:
    known = [one.percent for one in ways if one.percent is not None]
    at = f" at {_shares(min(known), max(known))}" if known else ""
    return _group(ways, f"standing still{at}", min(known, default=None), max(known, default=None), "percent")


def _group(
    ways: Sequence[Way],
    text: str,
    low: float | None = None,
    high: float | None = None,
    unit: str = "percent",
    *,
    is_finished: bool = False,
) -> WorkerGroup:
    names = [one.name for one in ways]
    return WorkerGroup(names, f"{listed(names)} {text}", is_finished, low, high, unit)
