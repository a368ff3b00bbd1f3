"""Jobs of ours: the ledger knows what they do, and what needs somebody to look."""

from dataclasses import replace
from typing import Final

from backfill.monitor.amounts import foreign, moment, plain, span
from backfill.monitor.judging.case import Case
from backfill.monitor.readings import Job
from backfill.monitor.report import Finding, Level, State
from backfill.texts import counted, one_line, percent

CRITICAL: Final = {"producer_gone", "no_worker", "stuck", "job_failed", "paused_by_definition", "deadline_breached"}
NEW: Final = 60.0  # seconds since it was started
STANDING: Final = ("stuck", "no_worker")  # what of that means that nothing moves


def state(case: Case) -> tuple[State, Finding] | None:
    """What the first job does that is not over; None where none was read."""
    if not case.jobs:
        return None
    what, found = _judged(case, case.jobs[0])
    if len(case.jobs) > 1:
        found = replace(found, text=f"{found.text}; one of {len(case.jobs)} jobs")
    return what, found


def findings(case: Case) -> list[Finding]:
    """What needs somebody to look, of each job, and what the other jobs do."""
    found = [_judged(case, job)[1] for job in case.jobs[1:]]
    for number, job in enumerate(case.jobs):
        for kind, text, step in job.attention:
            if number == 0 and kind in STANDING:
                continue  # that is what it is called stuck for
            level = Level.CRITICAL if kind in CRITICAL else Level.WARNING
            found.append(Finding("attention", level, one_line(text), [f"job {job.id}"], one_line(step) or None))
    return found


def _judged(case: Case, job: Job) -> tuple[State, Finding]:
    name, far = foreign(job.backfill, 100), _how_far(job)
    reason = foreign(job.reason, 300) if job.reason else "no reason is given"
    evidence = [f"job {one_line(job.id, 60)}, mode {one_line(job.mode, 20)}, {job.state}"]
    match job.state:
        case "completed":
            return _finished(job, name, far, evidence)
        case "failed":
            step = f"see what failed: backfill failures {job.id}"
            return State.DEAD, Finding("dead", Level.CRITICAL, f"{name} failed: {reason}; {far}", evidence, step)
        case "cancelled":
            text = f"{name} was cancelled: {reason}; {far}"
            return State.DEAD, Finding("dead", Level.WARNING, text, evidence)
        case "paused":
            step = f"let it go on: backfill resume {job.id}"
            return State.PAUSED, Finding("paused", Level.WARNING, f"{name} is paused: {reason}; {far}", evidence, step)
    evidence.append(counted(job.live_workers, "live worker"))
    for kind, text, step in job.attention:
        waits = _waits(case, job)
        if kind in STANDING and waits < (case.profile.stuck_after if job.done == 0 else NEW):
            text = f"{name} waits for a worker since {span(waits)}" if kind == "no_worker" else one_line(text)
            return State.RUNNING, Finding("running", Level.WARNING, text, evidence, one_line(step) or None)
        if kind in STANDING:
            finding = Finding("stuck", Level.CRITICAL, one_line(text), evidence, one_line(step) or None)
            return State.STUCK, finding
    pending = " waits to be started;" if job.state == "pending" else ""
    return State.RUNNING, Finding("running", Level.OK, f"{name}{pending} {far}", evidence)


def _waits(case: Case, job: Job) -> float:
    """Seconds since it was started, or since the ledger heard of it last: its workers may yet be on their way."""
    heard = next((one.newest_at for one in case.readings if one.job is job), None)
    since = job.started_at if job.started_at is not None else heard
    return max(case.now - since, 0.0) if since is not None else 0.0


def _finished(job: Job, name: str, far: str, evidence: list[str]) -> tuple[State, Finding]:
    ended = moment(job.completed_at)
    if ended is not None:
        evidence.append(f"it ended at {ended:%Y-%m-%d %H:%M:%S} UTC")
    if job.failed:
        step = f"see which and why: backfill failures {job.id}"
        return State.FINISHED, Finding("finished", Level.WARNING, f"{name} {far}", evidence, step)
    return State.FINISHED, Finding("finished", Level.OK, f"{name} {far}", evidence)


def _how_far(job: Job) -> str:
    matched = f"{job.matched:,}" if job.is_planned else f"at least {job.matched:,}"
    share = f"{percent(job.done, job.matched)[:-1]} % done, " if job.is_planned else ""
    parts = [f"{share}{job.done:,} of {matched} records", f"{job.updated:,} updated"]
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    if job.rate_per_second and job.state in ("running", "resuming"):
        parts.append(f"{plain(60 * job.rate_per_second)} records a minute")
    return ", ".join(parts)
