"""Jobs that never were, in the shape in which the API shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

OUTCOMES = ("updated", "unchanged", "skipped", "failed", "deleted")
ENDED = ("completed", "failed", "cancelled")
ALLOWED = {
    "pending": ["pause", "cancel", "patch", "reset-stuck"],
    "running": ["pause", "cancel", "patch", "reset-stuck"],
    "paused": ["resume", "cancel", "patch"],
    "resuming": ["pause", "cancel", "patch"],
    "completed": ["retry", "delete"],
    "failed": ["retry", "delete"],
    "cancelled": ["retry", "delete"],
}
LIST = (
    "job", "backfill", "mode", "state", "priority", "is_planned", "matched", "done", *OUTCOMES, "total_partitions",
    "completed_partitions", "failed_partitions", "skipped_partitions", "rate", "seconds_left", "earliest_completion_at",
    "estimated_completion_at", "latest_completion_at", "sla_deadline_at", "sla", "created_by", "created_at",
    "started_at", "completed_at", "state_since", "heartbeat_at", "pass_number", "first_job", "error_message",
    "pause_reason",
)  # fmt: skip


def at(seconds: float) -> str:
    """So many seconds from now, as the API writes times."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def name(number: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"made-up:{number}"))


def job(number: int, state: str = "running", backfill: str = "killmail_values", **more: Any) -> dict[str, Any]:
    """A job; what is not given follows from its state."""
    matched = more.get("matched", 500_000)
    done = matched if state == "completed" else more.pop("done", 0 if state == "pending" else matched * 62 // 100)
    failed = more.get("failed", 0)
    outcomes = {"updated": done - failed - done // 20, "unchanged": done // 20, "skipped": 0, "failed": failed}
    partitions = max(1, matched // 500)
    is_active = state not in ENDED
    rate = {"running": 2_412.5, "paused": None, "pending": None}.get(state, 2_188.0)
    left = (matched - done) / rate if state == "running" and rate else None
    found = {
        "job": name(number), "backfill": backfill, "mode": "null", "state": state, "priority": "normal",
        "parameters": {}, "definition_hash": "f" * 64, "is_planned": True, "is_left": False,
        "total_partitions": partitions, "completed_partitions": done // 500, "failed_partitions": 0,
        "skipped_partitions": 0, "running_partitions": 4 if state == "running" else 0, "waiting_partitions": 0,
        "next_retry_at": None, "held_partitions": 0, "held_since": None, "held_reason": None, "matched": matched,
        "deleted": 0, "calls_made": 0, "calls_refused": 0, "retried_recovered": 0, "retried_failed": 0, "replanned": 0,
        "records_left": 0, "left_reasons": None, "skip_reasons": {}, "rate": rate, "avg_partition_duration_ms": 812.0,
        "estimated_completion_at": at(left) if left else None,
        "earliest_completion_at": at(left * 0.9) if left else None,
        "latest_completion_at": at(left * 1.25) if left else None, "seconds_left": left, "sla_deadline_at": None,
        "sla": None, "max_workers": None, "pause_ms": 0, "parent_job": None, "pass_number": None, "first_job": None,
        "passes": [], "coverage": None, "version": 7, "created_at": at(-4000), "started_at": at(-3900),
        "paused_at": at(-300) if state == "paused" else None, "completed_at": None if is_active else at(-60),
        "heartbeat_at": at(-1), "checkpoint_partition_key": None, "error_message": None, "pause_reason": None,
        "pause_cause": None, "paused_by": None, "created_by": "token:ops", "result": None, "state_since": at(-3900),
        **outcomes,
    }  # fmt: skip
    return found | more


def shown(found: dict[str, Any]) -> dict[str, Any]:
    """The object of a single job, as it is read now."""
    done = sum(found[outcome] for outcome in OUTCOMES)
    read = {"done": done, "allowed": ALLOWED[found["state"]], "read_at": at(0), "total_is_final": found["is_planned"]}
    return found | read


def row(found: dict[str, Any]) -> dict[str, Any]:
    """The same in a list."""
    whole = shown(found)
    return {field: whole[field] for field in LIST}


def many(count: int) -> list[dict[str, Any]]:
    """So many ended jobs, the newest first."""
    states = ("completed", "completed", "completed", "failed", "cancelled")
    return [job(1000 + n, states[n % 5], ("killmail_values", "prices")[n % 2]) for n in range(count)]
