"""A job's report as Markdown, for a ticket or a chat."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from backfill.ledger import verdict
from backfill.ledger.progress import Progress
from backfill.ledger.views.page import Item
from backfill.ledger.views.report import Report
from backfill.markdown import code, table
from backfill.parameters import shown
from backfill.states import ENDED, OUTCOMES, JobState
from backfill.texts import counted, duration, percent

MINUTES = 15  # that are written out
MOST_GROUPS = 20
TITLES = {
    "accepts_work": "accepts work",
    "errors_zero": "no record failed",
    "rate_steady": "rate is steady",
    "half": "50 % done",
    "whole": "100 % done",
    "no_violations": "no constraint violated",
    "values_checked": "values checked",
}


def markdown(report: Report) -> str:
    """The report as a text whose every line is ours, and whatever is somebody else's in a code span."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    now = report.now
    yield f"# Backfill {code(now.backfill)}: {now.state.value}"
    yield ""
    yield from _status(now)
    yield f"- Read at {_at(report.read_at)}"
    for title, lines in (
        ("Records", _records(now)),
        ("Coverage", _coverage(now)),
        ("Phases", _phases(now)),
        ("Rate and capacity", _rates(report)),
        ("When", _when(report)),
        ("Checklist", _checklist(report)),
        ("Failures", _failures(report)),
        ("Changes of settings", _changes(report)),
        ("Timeline", _timeline(report)),
    ):
        if found := list(lines):
            yield from ("", f"## {title}", "", *found)


def _status(now: Progress) -> Iterator[str]:
    yield f"- Job {code(now.job_id)}, mode {now.mode}, priority {now.priority}, opened by {code(now.created_by)}"
    if now.parameters:
        yield f"- Parameters: {code(shown(now.parameters))}"
    since = now.completed_at or now.state_since or now.created_at
    by = f" by {code(now.paused_by)}" if now.paused_by else ""
    why = now.error_message or now.pause_reason
    yield f"- State: {now.state.value}{by} since {_at(since)}{f': {code(why)}' if why else ''}"
    planning = "" if now.is_planned else ", still planning"
    yield (
        f"- Partitions: {now.completed_partitions:,} of {now.total_partitions:,} completed, "
        f"{now.failed_partitions:,} failed, {now.skipped_partitions:,} skipped, "
        f"{now.running_partitions:,} running{planning}"
    )
    if now.is_left:
        yield "- **Its producer has gone**; go on with `backfill-queue --resume`"
    if now.held_partitions:
        yield f"- Held: {counted(now.held_partitions, 'partition')}, it {code(now.held_reason)}"
    if now.waiting_partitions and now.next_retry_at:
        yield f"- Retries: {counted(now.waiting_partitions, 'partition')} wait, the next until {_at(now.next_retry_at)}"
    if now.calls_made or now.calls_refused:
        yield f"- Calls: {now.calls_made:,} made, {now.calls_refused:,} refused"
    if now.max_workers or now.pause_ms:
        yield f"- Limits: at most {now.max_workers or 'any number of'} workers, {now.pause_ms:,} ms rest a partition"
    if now.records_left:
        yield f"- Left: {code(verdict.sentence(now.left_reasons or {'written': now.records_left}))}"
    if now.result:
        yield f"- Result: {code(shown(now.result))}"


def _records(now: Progress) -> Iterator[str]:
    matched = f"{now.matched:,}" if now.is_planned else f"at least {now.matched:,}"
    share = percent(now.done, now.matched) if now.matched or now.state is JobState.COMPLETED else "0.0%"
    yield from table(
        ["matched", "done", "share", *OUTCOMES],
        [[matched, f"{now.done:,}", share, *(f"{getattr(now, outcome):,}" for outcome in OUTCOMES)]],
    )
    if now.skip_reasons:
        yield ""
    for reason, count in now.skip_reasons.items():
        yield f"- skipped {count:,}: {code(reason)}"


def _coverage(now: Progress) -> Iterator[str]:
    if (found := now.coverage) is None:
        return
    about = "about " if found.is_estimate else ""
    rows = [("before", found.before), ("now", found.now), ("projected", found.projected)]
    yield from table(
        ["", "records with a value", f"of {about}{found.in_scope:,} in scope"],
        [[name, f"{about}{count:,}", f"{about}{percent(count, found.in_scope)}"] for name, count in rows],
    )


def _phases(now: Progress) -> Iterator[str]:
    if now.pass_number is None:
        return
    yield from table(
        ["pass", "state", "matched", "updated", "skipped", "failed", "left"],
        [
            [
                f"{one['pass']}" + (" (this)" if one["pass"] == now.pass_number else ""),
                one["state"],
                *(f"{one[name]:,}" for name in ("matched", "updated", "skipped", "failed")),
                "" if one["seconds_left"] is None else f"about {duration(one['seconds_left'])}",
            ]
            for one in now.passes
        ],
    )


def _rates(report: Report) -> Iterator[str]:
    if report.rates:
        yield from table(
            ["of", "records a second", "an hour", "a day"],
            [
                [one["of"], f"{one['per_second']:,.1f}", f"{one['per_hour']:,}", f"{one['per_day']:,}"]
                for one in report.rates
            ],
        )
    if report.minutes:
        if report.rates:
            yield ""
        columns = ["records", *OUTCOMES]
        yield from table(
            ["minute (UTC)", *columns, "a second"],
            [
                [
                    f"{one['minute']:%Y-%m-%d %H:%M}",
                    *(f"{one[column]:,}" for column in columns),
                    f"{one['records_per_second']:,.1f}",
                ]
                for one in report.minutes[-MINUTES:]
            ],
        )


def _when(report: Report) -> Iterator[str]:
    rows = []
    for one in report.milestones:
        if one["reached_at"] is not None:
            rows.append([f"{one['percent']} %", "reached", _at(one["reached_at"]), ""])
        elif one["is_reached"]:
            rows.append([f"{one['percent']} %", "reached", "", ""])
        elif one["expected_at"] is not None:
            rows.append(
                [f"{one['percent']} %", *(_at(one[f"{name}_at"]) for name in ("earliest", "expected", "latest"))]
            )
        else:
            rows.append([f"{one['percent']} %", "", "not known", ""])
    yield from table(["", "earliest", "expected", "latest"], rows)
    if report.now.sla:
        yield ""
        yield f"- Deadline: {_at(report.now.sla_deadline_at)}, {report.now.sla.replace('_', ' ')}"


def _checklist(report: Report) -> Iterator[str]:
    marks = {"yes": "[x]", "no": "[ ] **no**,", "waiting": "[ ]"}
    for one in report.checklist:
        yield f"- {marks[one['state']]} {TITLES[one['name']]}: {code(one['text'])}"


def _failures(report: Report) -> Iterator[str]:
    for one in report.failures.items[:MOST_GROUPS]:
        examples = ", ".join(code(record, 100) for record in one["sample"])
        yield (
            f"- {counted(one['failed'], 'record')}: {code(one['error_class'], 100)} {code(one['message'])}, "
            f"such as {examples}"
        )
    if report.failures.is_cut or len(report.failures.items) > MOST_GROUPS:
        yield f"- … of the newest {report.failures.looked_at:,} failed records; there are more"


def _changes(report: Report) -> Iterator[str]:
    for one in report.changes:
        rates = [_rate(one[f"rate_{when}"]) for when in ("before", "after")]
        details = code(shown(one["details"]))
        yield f"- {_at(one['at'])} {details} by {code(one['actor'], 100)}: {rates[0]} before, {rates[1]} after"


def _timeline(report: Report) -> Iterator[str]:
    if report.is_cut:
        yield "- … older ones: `backfill events`"
    for one in report.events:
        yield f"- {_at(one['at'])} {_event(one)}"
    yield f"- next: {_next(report.now)}"


def _event(one: Item) -> str:
    states = f" ({one['from_state'] or 'new'} → {one['to_state']})" if one["to_state"] else ""
    reason = f": {code(one['reason'])}" if one["reason"] else ""
    details = f" {code(shown(one['details']))}" if one["details"] else ""
    return f"{code(one['event'], 100)}{states} by {code(one['actor'], 100)}{reason}{details}"


def _next(now: Progress) -> str:
    if now.state in ENDED:
        return "nothing, it has ended" + ("; its failed records can be tried again" if now.failed else "")
    if now.state is JobState.PAUSED:
        return "nothing before somebody resumes it"
    if now.is_left:
        return "nothing before a producer goes on planning it"
    if now.state is not JobState.RUNNING:
        return "a worker claims its first partition" if now.state is JobState.PENDING else "a worker goes on with it"
    if now.estimated_completion_at is None:
        return "more of it is planned" if not now.is_planned else "more of its partitions end"
    return f"it ends at about {_at(now.estimated_completion_at)}"


def _rate(rate: float | None) -> str:
    return "not known" if rate is None else f"{rate:,.1f} records a second"


def _at(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if isinstance(moment, datetime) else "not known"
