"""What a report says below its headline, in the order in which it is read: the same for Markdown, screen and HTML."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from backfill.monitor.report import Error, Eta, Finding, Level, Quality, Report, Seen, Stat, WorkerGroup
from backfill.texts import counted

MARKS: Final = {Level.OK: "✓", Level.WARNING: "!", Level.CRITICAL: "✗", Level.UNKNOWN: "?"}
ALIKE: Final = timedelta(minutes=1)  # times of the end that differ by less are one
FEWEST_MINUTES: Final = 3  # that have a spread
SHOWN_MINUTES: Final = 15  # that are written out


@dataclass(frozen=True, slots=True)
class Item:
    """One point; a label and texts may hold names and lines of others."""

    text: str
    label: str = ""
    level: Level | None = None
    is_said: bool = True  # a sentence of ours; else a line, or a number, as it was found
    reach: tuple[float, float] | None = None  # percent, from the last to the first of some workers
    under: list["Item"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """A title and its points; of throughput also the minutes, the oldest first."""

    title: str
    items: list[Item]
    minutes: list[tuple[str, int]] = field(default_factory=list)
    is_ordered: bool = False


def sections(report: Report) -> list[Section]:
    """Those that have something to say."""
    steps = [Item(one) for one in report.next]
    told = [text for one in report.findings for text in one.evidence]
    made = (
        Section("Findings", [_finding(one, report.next) for one in report.findings]),
        Section("What to do", steps, is_ordered=len(steps) > 1),
        Section("Numbers", [_stat(one) for one in report.stats]),
        Section("By status", [_group(one) for one in report.groups]),
        Section("Workers", list(_workers(report.workers, report.slowest))),
        Section("Errors", [_error(one) for one in report.errors]),
        Section("Data quality", [_quality(one) for one in report.quality]),
        Section("ETA", list(_eta(report.eta))),
        Section("Throughput", list(_throughput(report.minutes)), [_minute(one) for one in report.minutes]),
        Section("Sources", [_seen(one, told) for one in report.sources]),
    )
    return [one for one in made if one.items or one.minutes]


def facts(report: Report) -> list[Item]:
    """What stands beside the headline: how bad it is, and of what and when this is true."""
    found = [Item(report.level.value, "Level", report.level)]
    if report.profile:
        found.append(Item(report.profile, "Profile", is_said=False))
    found.append(Item(at(report.at), "Looked at"))
    if report.since:
        found.append(Item(f"only what happened after {at(report.since)}", "Counted"))
    return found


def at(moment: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "not known" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def percent(share: float) -> str:
    """A share that may be tiny, to the digits that matter; never 100 for nearly all, never 0 for nearly none."""
    if 0 < share < 0.0001:
        return "< 0.0001 %"
    if 99.99 < share < 100:
        return "> 99.99 %"
    return f"{f'{share:.{4 if share < 1 else 2}f}'.rstrip('0').rstrip('.')} %"


def _finding(one: Finding, steps: Sequence[str]) -> Item:
    under = [Item(text, is_said=False) for text in one.evidence]
    if one.next and one.next not in steps:
        under.append(Item(one.next, "next"))
    return Item(one.text, level=one.level, under=under)


def _stat(one: Stat) -> Item:
    share = float(one.value) if one.name == "percent" and isinstance(one.value, int | float) else None
    return Item(one.text, one.label, is_said=False, reach=None if share is None else (share, share))


def _group(one: dict[str, Any]) -> Item:
    return Item(f"{one['count']:,}", str(one["name"]), is_said=False)


def _workers(groups: Sequence[WorkerGroup], slowest: str | None) -> Iterator[Item]:
    for one in groups:
        reach = None
        if one.unit == "percent" and one.lowest is not None and one.highest is not None:
            reach = (one.lowest, one.highest)
        yield Item(one.text, level=Level.OK if one.is_finished else None, reach=reach)
    if slowest:
        yield Item(slowest, "slowest")


def _error(one: Error) -> Item:
    said = [f"{one.total:,}"]
    if one.last_hour is not None:
        said.append(f"{one.last_hour:,} in the last hour")
    if one.target is not None:
        said.append(f"target {one.target}")
    if not one.is_within:
        said.append("not within it" if one.target is not None else "too many")
    under = [Item(f"{example.get('place', '')}: {example.get('text', '')}", is_said=False) for example in one.examples]
    return Item(", ".join(said), one.label, _within(one.is_within, one.target is not None), under=under)


def _quality(one: Quality) -> Item:
    said = f"{one.count:,}" if one.of is None else f"{one.count:,} of {one.of:,}"
    if one.share is not None:
        said += f" ({percent(one.share)})"
    if one.limit is not None:
        said += f", limit {percent(one.limit)}"
    if not one.is_within:
        said += ", not within it" if one.limit is not None else ", none are allowed"
    return Item(said, one.label, _within(one.is_within, one.limit is not None))


def _within(is_within: bool, is_judged: bool) -> Level | None:
    return (Level.OK if is_judged else None) if is_within else Level.WARNING


def _eta(eta: Eta) -> Iterator[Item]:
    if eta.text:
        yield Item(eta.text)
    known = [one for one in (eta.by_slowest_at, eta.by_overall_at, eta.earliest_at, eta.latest_at) if one]
    if known and max(known) - min(known) > ALIKE:
        if eta.by_slowest_at:
            yield Item(at(eta.by_slowest_at), "by the slowest worker")
        if eta.by_overall_at:
            yield Item(at(eta.by_overall_at), "by the overall rate")
        if eta.earliest_at and eta.latest_at and {*known[-2:]} != {eta.by_slowest_at, eta.by_overall_at}:
            yield Item(f"{at(eta.earliest_at)} to {at(eta.latest_at)}", "range")
    if eta.bottleneck:
        yield Item(eta.bottleneck, "bottleneck")


def _throughput(minutes: Sequence[dict[str, Any]]) -> Iterator[Item]:
    if counts := [int(one["count"]) for one in minutes]:
        mean = round(sum(counts) / len(counts))
        spread = f", at least {min(counts):,}, at most {max(counts):,}" if len(counts) >= FEWEST_MINUTES else ""
        yield Item(f"{mean:,} a minute over {counted(len(counts), 'minute')}{spread}")


def _minute(one: dict[str, Any]) -> tuple[str, int]:
    moment, count = one["minute"], int(one["count"])
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if isinstance(moment, datetime) else str(moment), count


def _seen(one: Seen, told: Sequence[str]) -> Item:
    """A source, with its problems but for those that are a finding's evidence."""
    new = [text for text in one.problems if f"{one.name}: {text}" not in told]
    problems = [Item(text, level=Level.WARNING) for text in new]
    notes = [Item(text) for text in one.notes]
    return Item(one.text, one.name, Level.WARNING if one.problems else Level.OK, under=problems + notes)
