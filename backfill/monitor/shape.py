"""The numbers of a report, in the shape that fits the kind of backfill."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from backfill.monitor.amounts import amount, moment, numeric, part, plain, share, size, span
from backfill.monitor.judging.case import Case
from backfill.monitor.judging.tries import failed_retries, is_recovered
from backfill.monitor.profile import Profile
from backfill.monitor.progress import trusted
from backfill.monitor.readings import Happened, Measure, Reading, Value
from backfill.monitor.report import Kind, Stat, State
from backfill.texts import counted, one_line

MOVING = (State.RUNNING, State.SLOW, State.UNKNOWN)
OF_FILES = (Measure.FILES, Measure.BYTES)


def kind(profile: Profile, readings: Sequence[Reading]) -> Kind:
    """As the profile says, else by what is measured."""
    if profile.kind is not None:
        return profile.kind
    there = {measure for one in readings for measure in one.measures}
    if Measure.ROWS in there or any(one.job is not None for one in readings):
        return Kind.DATABASE
    if Measure.CALLS in there:
        return Kind.API
    if there.intersection(OF_FILES):
        return Kind.FILES
    limited = any(one.happened.get("rate_limit", Happened()).total for one in readings)
    return Kind.API if limited else Kind.DATABASE


def stats(case: Case, state: State) -> list[Stat]:
    """The numbers that are known; those that the kind is about first."""
    about = {Kind.DATABASE: _database, Kind.FILES: _files, Kind.API: _api}
    own = about.pop(case.kind)
    speed = () if state is State.FINISHED else (_speed, _moved) if state in MOVING else (_moved,)
    found = [stat for one in (_share, own, _progress, *speed, *about.values(), _around) for stat in one(case)]
    return list({stat.name: stat for stat in reversed(found)}.values())[::-1]


def value(case: Case, measure: Measure) -> Value | None:
    """What the source that knows best tells of something that may be no number."""
    return next((one.measures[measure] for one in trusted(case.readings) if measure in one.measures), None)


def _share(case: Case) -> Iterator[Stat]:
    percent = case.pace.progress.percent
    if percent is not None:
        shown = percent if percent >= 100 else min(round(percent, 2), 99.99)
        yield Stat("percent", "Done", shown, share(percent))


def _progress(case: Case) -> Iterator[Stat]:
    progress = case.pace.progress
    if progress.done is not None and progress.unit != "percent":
        name = progress.measure.value if progress.measure is not None else "done"
        yield Stat(
            name, _label(progress.unit), round(progress.done), part(progress.done, progress.total, progress.unit)
        )


def _label(unit: str) -> str:
    label = one_line(unit, 40)
    return label[:1].upper() + label[1:] or "Done"


def _speed(case: Case) -> Iterator[Stat]:
    rate, progress = case.pace.rate, case.pace.progress
    if rate is not None:
        text = f"{amount(max(rate.a_minute, 0.0), progress.unit)} a minute, {rate.way} over {span(rate.seconds)}"
        yield Stat("rate_per_minute", "Throughput", round(rate.a_minute, 3), text)
    if case.pace.share is not None:
        speed = case.pace.share
        text = f"{plain(max(speed.a_minute, 0.0))} % a minute, {speed.way}"
        yield Stat("percent_per_minute", "Progress", round(speed.a_minute, 4), text)


def _moved(case: Case) -> Iterator[Stat]:
    if case.pace.moved_at is not None:
        found = moment(case.pace.moved_at)
        text = f"{case.at(case.pace.moved_at)}, {case.ago(case.pace.moved_at)}"
        yield Stat("moved_at", "Moved last", found.isoformat() if found else None, text)


def _database(case: Case) -> Iterator[Stat]:
    first, last = value(case, Measure.RANGE_START), value(case, Measure.RANGE_END)
    if first is not None:
        yield Stat("range_start", "Range from", _shown(first), _written(first))
    if last is not None:
        yield Stat("range_end", "Range to", _shown(last), _written(last))
    newest = value(case, Measure.NEWEST)
    found = moment(newest)
    if newest is not None and found is not None:
        age = case.now - found.timestamp()
        text = f"{_written(found)}, {span(age)} old" if age >= 0 else f"{_written(found)}, {span(-age)} ahead of now"
        yield Stat("newest", "Newest timestamp", found.isoformat(), text)
    for job in case.jobs[:1]:
        yield Stat("updated", "Updated", job.updated, f"{job.updated:,} records")
        yield Stat("failed", "Failed", job.failed, f"{job.failed:,} records")
        rest = job.done - job.updated - job.failed
        if rest > 0:
            yield Stat("left_as_is", "Unchanged or skipped", rest, f"{rest:,} records")
        yield Stat("live_workers", "Live workers", job.live_workers, f"{job.live_workers:,}")


def _files(case: Case) -> Iterator[Stat]:
    yield from _number(case, Measure.BYTES, "Size", "bytes", Measure.BYTES_TOTAL)
    yield from _number(case, Measure.FILES, "Files", "files", Measure.FILES_TOTAL)
    yield from _number(case, Measure.READ_ERRORS, "Read errors", "")
    yield from _number(case, Measure.VALIDATION_ERRORS, "Validation errors", "")


def _api(case: Case) -> Iterator[Stat]:
    yield from _number(case, Measure.CALLS, "Calls", "calls", Measure.CALLS_TOTAL)
    rate = case.pace.rate
    if rate is not None and case.pace.progress.measure is Measure.CALLS:
        second = max(rate.a_minute, 0.0) / 60
        yield Stat("requests_per_second", "Requests", round(second, 3), f"{plain(second)} a second")
    limited = case.happened("rate_limit")
    hits = max(limited.total, round(case.measure(Measure.LIMIT_HITS) or 0))
    if hits or case.kind is Kind.API:
        is_well = not failed_retries(case) and (not hits or is_recovered(case, limited))
        text = f"{hits:,}, all recovered" if hits and is_well else f"{hits:,}"
        yield Stat("limit_hits", "Limit hits", hits, text)
    yield from _number(case, Measure.RETRIES, "Retries", "")


def _number(case: Case, measure: Measure, label: str, unit: str, whole: Measure | None = None) -> Iterator[Stat]:
    count = case.measure(measure)
    if count is None:
        return
    total = case.measure(whole) if whole is not None else None
    if case.pace.progress.measure is measure:
        total = case.pace.progress.total
    of = f", {share(100 * count / total)}" if total else ""
    yield Stat(measure.value, label, round(count), part(count, total, unit) + of)


def _around(case: Case) -> Iterator[Stat]:
    if many := len(case.pace.ways):
        ended = sum(one.worker.is_finished for one in case.pace.ways)
        yield Stat("workers", "Workers", many, f"{many:,}, {counted(ended, 'has', 'have')} finished")
    alive = case.alive
    if alive:
        pids = ", ".join(str(one.pid) for one in alive[:5])
        since = min(one.started_at for one in alive)
        yield Stat("processes", "Processes", len(alive), f"{pids}, up for {span(case.now - since)}")
        if any(one.memory_bytes is not None for one in alive):
            memory = sum(one.memory_bytes or 0 for one in alive)
            yield Stat("memory_bytes", "Memory", memory, size(memory))
        if any(one.cpu_percent is not None for one in alive):
            busy = sum(numeric(one.cpu_percent) or 0.0 for one in alive)
            yield Stat("cpu_percent", "CPU", round(busy, 1), f"{busy:.0f} %")
        if any(one.open_files is not None for one in alive):
            files = sum(one.open_files or 0 for one in alive)
            yield Stat("open_files", "Open files", files, f"{files:,}")
    free = [one.free_bytes for one in alive if one.free_bytes is not None]
    measured = case.measure(Measure.FREE_BYTES)
    known = [*free, *([round(measured)] if measured is not None else [])]
    if known:
        yield Stat("free_bytes", "Free disk", min(known), size(min(known)))
    for one in case.readings:
        if one.target is not None and (took := numeric(one.target.milliseconds)) is not None:
            address = one_line(one.target.address, 100)
            yield Stat(f"target_ms_{address}", address, took, f"{plain(took)} ms")


def _shown(value: Value) -> int | float | str | None:
    if isinstance(value, datetime):
        return _written(value)
    return one_line(value, 200) if isinstance(value, str) or numeric(abs(value)) is None else value


def _written(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}{' UTC' if value.tzinfo and not value.utcoffset() else ''}"
    return f"{value:,}" if isinstance(value, int) else one_line(value, 200)
