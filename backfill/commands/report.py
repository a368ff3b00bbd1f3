"""A job's progress in plain lines."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backfill.ledger.verdict import sentence
from backfill.parameters import shown
from backfill.states import JobState
from backfill.texts import duration, one_line, percent

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress


def lines(now: "Progress") -> Iterator[str]:
    """The job's progress as plain lines."""
    yield f"Job {now.job_id}: {now.backfill}, mode {now.mode}, priority {now.priority}, opened by {now.created_by}"
    if now.parameters:
        yield f"Parameters: {shown(now.parameters)}"
    since = now.completed_at or now.state_since or now.created_at
    why = now.error_message or now.pause_reason
    by = f" by {now.paused_by}" if now.paused_by else ""
    reason = f" ({one_line(why)})" if why else ""
    yield f"State: {now.state.value}{by} since {since:%Y-%m-%d %H:%M:%S} UTC{_but(now)}{reason}"
    # What a worker says of a changed definition names both ways on, and an operator's reason none that is meant.
    if now.state is JobState.PAUSED and not (now.needs_correction and "backfill resume" in reason):
        yield f"  {how_to_go_on(now)}"
    planning = "" if now.is_planned else ", still planning"
    yield (
        f"Partitions: {now.completed_partitions:,}/{now.total_partitions:,} completed, "
        f"{now.failed_partitions:,} failed, {now.skipped_partitions:,} skipped, "
        f"{now.running_partitions:,} running{planning}"
    )
    if now.is_left:
        yield f"  its producer has gone; go on with: backfill-queue --resume {now.job_id}"
    yield (
        f"Records: {now.done:,}/{now.matched:,} ({100 * now.share:.1f}%) | Updated: {now.updated:,} | "
        f"Unchanged: {now.unchanged:,} | Skipped: {now.skipped:,} | Failed: {now.failed:,} | Deleted: {now.deleted:,}"
    )
    for reason, count in now.skip_reasons.items():
        yield f"  skipped {count:,}: {reason}"
    if now.failed:
        yield f"  see the failed records with: backfill failures {now.job_id}"
    if now.retried_recovered or now.retried_failed:
        yield f"Tried again: {now.retried_recovered:,} records recovered, {now.retried_failed:,} failed at last"
    if now.calls_made or now.calls_refused:
        yield f"Calls: {now.calls_made:,} made, {now.calls_refused:,} refused; see: backfill limits"
    if now.replanned:
        yield f"Planned again: {now.replanned:,} records that others had undone; they are counted each time"
    if now.records_left:
        yield f"Left: {sentence(now.left_reasons or {'written': now.records_left})}"
    if now.result:
        yield f"Result: {one_line(shown(now.result))}"
    if now.waiting_partitions:
        yield f"Retries: {now.waiting_partitions:,} partitions wait, the next until {now.next_retry_at:%H:%M:%S} UTC"
    if now.held_partitions and now.held_since:
        yield f"Held: {now.held_partitions:,} partitions since {now.held_since:%H:%M:%S} UTC; it {now.held_reason}"
    if now.rate is not None:
        yield f"Rate: {now.rate:,.1f}/sec{_left(now)}"
    if now.sla:
        yield f"Deadline: {now.sla_deadline_at:%Y-%m-%d %H:%M:%S} UTC, {now.sla.replace('_', ' ')}"
    if now.max_workers or now.pause_ms:
        yield f"Limits: at most {now.max_workers or 'any number of'} workers, {now.pause_ms:,} ms rest a partition"
    yield from _passes(now)
    if (found := now.coverage) is not None:
        about = "about " if found.is_estimate else ""
        shares = [percent(part, found.in_scope) for part in (found.before, found.now, found.projected)]
        yield f"Coverage: {about}{' -> '.join(shares)} (before, now, projected) of {found.in_scope:,} records"
    if now.parent_job:
        yield f"Retries the failed records of job {now.parent_job}"


def _passes(now: "Progress") -> Iterator[str]:
    """Of a pass: all of them, and what they have come to."""
    if now.pass_number is None:
        return
    yield f"Pass: {now.pass_number} of those that began with job {now.first_job}"
    for one in now.passes:
        left = f", about {duration(one['seconds_left'])} left" if one["seconds_left"] is not None else ""
        yield (
            f"  pass {one['pass']}: {one['state']}, {one['matched']:,} matched, {one['updated']:,} updated, "
            f"{one['skipped']:,} skipped, {one['failed']:,} failed{left}"
        )


def how_to_go_on(now: "Progress") -> str:
    """What brings a paused job back."""
    first = "correct its definition or table, restart the workers, then " if now.needs_correction else ""
    return f"{first}go on with: backfill resume {now.job_id}"


def _but(now: "Progress") -> str:
    """Failed records, of a job that is completed all the same."""
    if now.state is not JobState.COMPLETED or not now.failed:
        return ""
    return (
        f", but all {now.failed:,} records failed" if now.failed == now.matched else f"; {now.failed:,} records failed"
    )


def _left(now: "Progress") -> str:
    if now.seconds_left is None:
        return ""
    text = f" | about {duration(now.seconds_left)} left"
    if now.estimated_completion_at and now.earliest_completion_at and now.latest_completion_at:
        text += f" (done {now.earliest_completion_at:%H:%M:%S} to {now.latest_completion_at:%H:%M:%S} UTC)"
    return text


def burden(cpu_percent: float | None, memory_bytes: int | None) -> str:
    """What a worker takes of its machine, as far as it is known."""
    parts = [
        "" if cpu_percent is None else f"{cpu_percent:.0f}% CPU",
        "" if memory_bytes is None else f"{memory_bytes / 1_000_000:,.0f} MB",
    ]
    return ", ".join(filter(None, parts)) or "-"
