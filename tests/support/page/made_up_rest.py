"""What is about no single job: backfills, workers, queues and dead messages."""

from typing import Any

from tests.support.page.made_up_jobs import at, name


def backfills() -> list[dict[str, Any]]:
    return [
        {
            "name": "killmail_values",
            "table": "public.killmails",
            "key": ["killmail_id"],
            "columns": ["total_value", "victim_value"],
            "target": "total_value",
            "writes": [],
            "modes": ["null", "zero", "all"],
            "refusals": {},
            "parameters": [],
            "reads": ["public.prices"],
            "coverage": {"in_scope": 1_840_000, "covered": 1_312_400, "is_estimate": False, "at": at(-40)},
            "last_success": {"job": name(1000), "completed_at": at(-7200)},
        },
        {
            "name": "prices",
            "table": None,
            "key": [],
            "columns": [],
            "target": None,
            "writes": ["public.prices"],
            "modes": ["all"],
            "refusals": {},
            "reads": [],
            "coverage": None,
            "last_success": None,
            "parameters": [
                {"name": "region", "type": "integer", "default": 10_000_002, "description": "where prices are asked"},
                {"name": "since", "type": "date", "default": None, "description": "the first day"},
                {"name": "is_full", "type": "boolean", "default": False, "description": "days that are there too"},
            ],
        },
        {
            "name": "labels",
            "table": "public.labels",
            "key": ["id"],
            "columns": ["label"],
            "target": "label",
            "writes": [],
            "modes": ["null", "all"],
            "refusals": {"zero": "column label is of type text, which has no 0"},
            "parameters": [],
            "reads": [],
            "last_success": {"job": name(1002), "completed_at": at(-90_000)},
            "coverage": {"in_scope": 42_000_000, "covered": 41_990_000, "is_estimate": True, "at": at(-4000)},
        },
    ]


def worker(number: int, state: str = "running", job: str | None = None) -> dict[str, Any]:
    holds = [{"job": job, "partition": f"{620 + number:010}", "seconds": 0.8 * number}] if job else []
    return {
        "id": f"{number:08x}-1111-4111-8111-111111111111",
        "host": f"worker-{number}",
        "pid": 4100 + number,
        "state": state,
        "backfills": ["killmail_values", "prices"],
        "concurrency": 4,
        "prefetch": 8,
        "lease_seconds": 60.0,
        "started_at": at(-9000),
        "heartbeat_age_seconds": 190.0 if state == "gone" else 0.3 + number / 3,
        "stop_requested_at": None,
        "stop_requested_by": None,
        "holds": holds,
        "counts": {
            "updated": 98_000 - 9_000 * number,
            "unchanged": 400,
            "skipped": 0,
            "failed": 80 * (number == 2),
            "deleted": 0,
        },
        "cpu_percent": None if state == "gone" else 71.0 - 9 * number,
        "memory_bytes": (118 + 7 * number) << 20,
    }


def depth(backfill: str, busy: int) -> dict[str, Any]:
    return {
        "backfill": backfill,
        "minutes": [
            {
                "minute": at(-60 * ago)[:-3] + "00Z",
                "ready": busy * (8 + ago % 7) if ago < 44 else 0,
                "unacknowledged": busy and 4,
                "delayed": 0,
                "dead": busy and 2,
            }
            for ago in range(59, -1, -1)
        ],
    }


def queues() -> list[dict[str, Any]]:
    return [
        {
            "backfill": "killmail_values",
            "ready": {"normal": 58, "high": 0, "low": 0},
            "unacknowledged": 6,
            "consumers": {"normal": 3, "high": 3, "low": 3},
            "delayed": {"60000": 1, "120000": 0},
            "dead": 2,
            "minutes": [],
        },
        {
            "backfill": "prices",
            "ready": {"normal": 0},
            "unacknowledged": 0,
            "consumers": {"normal": 3},
            "delayed": {},
            "dead": 0,
            "minutes": [],
        },
    ]


def dead(job: str) -> list[dict[str, Any]]:
    return [
        {
            "id": "5f0c1d2e3a4b",
            "backfill": "killmail_values",
            "job": job,
            "partition": "0000000044",
            "why": "rejected by a worker: out of attempts",
            "since": at(-800),
            "size": 512,
        },
        {
            "id": "9a8b7c6d5e4f",
            "backfill": "killmail_values",
            "job": None,
            "partition": None,
            "why": "rejected by a worker: it is no message of ours",
            "since": at(-4_000),
            "size": 18,
        },
    ]
