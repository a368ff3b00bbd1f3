"""What belongs to a made-up job: partitions, minutes, failures, events, workers and the checklist."""

import math
from typing import Any

from tests.support.page.made_up_jobs import OUTCOMES, at

GROUPS = [
    {"error_class": "ValueError", "message": "killmail … has no victim ship", "failed": 213},
    {"error_class": "LookupError", "message": "no price for type …", "failed": 41},
    {
        "error_class": "CheckViolationError",
        "message": "value violates check constraint total_value_not_negative",
        "failed": 3,
    },
]


def cells(job: dict[str, Any], bins: int = 200) -> list[dict[str, Any]]:
    """The map: worked off from the left, with a few that failed, are held or in hand."""
    total, done = job["total_partitions"], job["completed_partitions"]
    bins = min(bins, total)
    found = []
    for n in range(bins):
        first, last = total * n // bins, total * (n + 1) // bins - 1
        size = last - first + 1
        completed = max(0, min(size, done - first))
        cell = {
            "first_key": f"{first + 1:010}",
            "last_key": f"{last + 1:010}",
            "partitions": size,
            "completed": completed,
            "pending": size - completed,
            "running": 0,
            "failed": 0,
            "skipped": 0,
            "held": 0,
        }
        if job["failed"] and n in (31, 87) and completed:
            cell |= {"failed": 1, "completed": completed - 1}
        if n == 12 and completed:
            cell |= {"skipped": completed, "completed": 0}
        if job["running_partitions"] and size - completed > 0 and first <= done + 2 * size and cell["pending"]:
            cell |= {"running": 1, "pending": cell["pending"] - 1}
        if job["held_partitions"] and n == bins - 9:
            cell["held"] = cell["pending"]
        found.append(cell)
    return found


def partition(job: dict[str, Any], key: str, state: str = "completed") -> dict[str, Any]:
    number = int(key)
    is_done = state == "completed"
    ids = [str(9_007_199_254_740_993 + number * 500 + n) for n in range(500)]
    return {
        "partition_key": key,
        "state": state,
        "attempt_count": 1,
        "record_count": 500,
        "updated": 497 * is_done,
        "unchanged": 0,
        "skipped": 0,
        "failed": 3 * is_done,
        "deleted": 0,
        "duration_ms": 812 if is_done else None,
        "worker": "w1",
        "host": "worker-1",
        "pid": 4101,
        "started_at": at(-900),
        "completed_at": at(-899) if is_done else None,
        "not_before": None,
        "held_since": None,
        "held_reason": None,
        "error_message": None,
        "record_ids": ids,
        "remaining_ids": [] if is_done else ids,
        "failures": [failure(0, "ValueError", "killmail 9007199254740993 has no victim ship")] if is_done else [],
    }


def failure(number: int, error: str, message: str) -> dict[str, Any]:
    return {
        "id": str(77_000 + number),
        "record_id": str(9_007_199_254_740_993 + number),
        "partition_key": "0000000044",
        "error_class": error,
        "error_message": message,
        "attempts": 1,
        "failed_at": at(-500 - number),
    }


def minutes(job: dict[str, Any], count: int = 60) -> dict[str, Any]:
    """An hour with two changes of settings, and a slow quarter of an hour in the middle."""
    found = []
    for ago in range(count - 1, -1, -1):
        rate = 0 if ago > 55 else 1_350 + 90 * math.sin(ago) if ago > 30 else 2_350 + 130 * math.sin(ago * 2)
        records = 0 if job["completed_at"] and ago < 2 else int(rate * 60 * (0.4 if not ago else 1))
        failed = records // 400 if job["failed"] and ago in (22, 23, 41) else 0
        found.append(
            {"minute": at(-60 * ago)[:-3] + "00Z", "partitions": records // 500, "updated": records - failed}
            | dict.fromkeys(OUTCOMES[1:], 0)
            | {"failed": failed, "records": records, "records_per_second": records / (60 if ago else 24)}
        )
    changes = [
        {
            "at": at(-1810),
            "event": "job.set",
            "details": {"max_workers": "8"},
            "actor": "token:ops",
            "rate_before": 1351.0,
            "rate_after": 2344.0,
        },
        {
            "at": at(-620),
            "event": "job.set",
            "details": {"pause_ms": "5"},
            "actor": "token:ops",
            "rate_before": 2391.0,
            "rate_after": 2308.0,
        },
    ]
    return {"items": found, "changes": changes if job["started_at"] and not job["completed_at"] else []}


def checklist(job: dict[str, Any]) -> list[dict[str, Any]]:
    done = sum(job[name] for name in OUTCOMES)
    is_half, is_whole, failed = 2 * done >= job["matched"], job["state"] == "completed", job["failed"]
    lines = (
        ("accepts_work", "yes", "3 workers claimed 12 partitions in the last minute"),
        (
            "errors_zero",
            "no" if failed else "yes",
            f"{failed:,} of {done:,} records failed ({failed / (done or 1):.2%})",
        ),
        ("rate_steady", "yes", "2,310 to 2,480 records a second over the last 10 minutes"),
        ("half", "yes" if is_half else "waiting", "reached 22 min ago" if is_half else "about 20 min from now"),
        ("whole", "yes" if is_whole else "waiting", "reached" if is_whole else "about 1 min from now"),
        ("no_violations", "no" if failed else "yes", "3 records violated a constraint" if failed else "none"),
        ("values_checked", "waiting", "the closing sweep has not run yet"),
    )
    return [{"name": name, "state": state, "text": text} for name, state, text in lines]


def workers(job: dict[str, Any]) -> list[dict[str, Any]]:
    if job["state"] != "running":
        return []
    return [
        {
            "worker": f"w{n}",
            "host": f"worker-{n}",
            "pid": 4100 + n,
            "state": "running",
            "heartbeat_age_seconds": 0.4 + n / 3,
            "cpu_percent": 71.0 - 9 * n,
            "memory_bytes": (118 + 7 * n) << 20,
            "partition": f"{job['completed_partitions'] + n:010}",
            "partition_seconds": 41.0 if n == 3 else 0.7 * n,
            "partitions": 230 - 20 * n,
            "updated": 98_000 - 9_000 * n,
            "is_slowest": n == 3,
            "rate": 902.0 - 130 * n,
        }
        for n in (1, 2, 3)
    ]


def events(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The newest first."""
    rows = [
        (-4000, "job.opened", None, "pending", None, {}),
        (-3990, "job.planned", None, None, None, {"partitions": job["total_partitions"]}),
        (-3900, "job.running", "pending", "running", None, {}),
        (-1810, "job.set", None, None, None, {"max_workers": "8"}),
        (-1400, "job.paused", "running", "paused", "the application is being deployed", {}),
        (-1330, "job.resuming", "paused", "resuming", None, {}),
        (-1329, "job.running", "resuming", "running", None, {}),
        (-620, "job.set", None, None, None, {"pause_ms": "5"}),
    ]
    return [
        {
            "id": str(500 + n),
            "at": at(when),
            "event": event,
            "actor": "token:ops",
            "login": "backfill_server",
            "from_state": old,
            "to_state": new,
            "reason": reason,
            "details": details,
        }
        for n, (when, event, old, new, reason, details) in reversed(list(enumerate(rows)))
    ]
