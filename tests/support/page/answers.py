"""What each address of the API answers about the made-up world."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.support.page import made_up_jobs as jobs
from tests.support.page import made_up_parts as parts
from tests.support.page import made_up_reports
from tests.support.page import made_up_rest as rest
from tests.support.page.world import RefusalError, World

if TYPE_CHECKING:
    from tests.support.page.stub import Stub

NOTHING_READ: dict[str, Any] = {
    "jobs": dict.fromkeys(jobs.ALLOWED, 0),
    "workers": {"live": 0, "gone": 0, "items": []},
    "read_at": None,
    **{name: [] for name in ("active", "attention", "last_success", "depths")},
}
Query = dict[str, list[str]]
Answer = tuple[int, Any]


def answer(stub: "Stub", method: str, path: str, query: Query, body: Any, key: str) -> Answer:
    """The status and the body; raises RefusalError."""
    world = stub.world
    if match := re.fullmatch(r"/jobs/([^/]+)(?:/(.+))?", path):
        return _job(stub, method, match[1], match[2] or "", query, body)
    if (method, path) == ("POST", "/jobs"):
        return (200, world.preview(body)) if body.get("dry_run") else (202, world.start(body, key))
    if method == "POST" and (match := re.fullmatch(r"/workers/([^/]+)/stop", path)):
        found = next(one for one in world.workers if one["id"] == match[1])
        found["state"] = "stopping"
        return 200, {"worker": match[1], "changed": True, "text": f"Worker {match[1]} was asked to stop."}
    if method == "GET" and (match := re.fullmatch(r"/monitor/(.+)", path)):
        if match[1] not in world.monitored:
            raise RefusalError(404, "Not found", "this server shows no such profile", exit_code=3)
        return 200, world.monitored[match[1]]
    reads: dict[str, Callable[[], Any]] = {
        "/session": lambda: {
            "name": stub.name,
            "role": stub.role,
            "tenant": "default",
            "version": "0.1.0",
            "has_monitor": bool(world.monitored),
        },
        "/monitor": lambda: {"items": made_up_reports.rows(world.monitored), "next_cursor": None},
        "/overview": lambda: _overview(stub),
        "/jobs": lambda: _jobs(world, query),
        "/backfills": lambda: {"items": rest.backfills()},
        "/workers": lambda: {"items": world.workers},
        "/queues": lambda: {"items": rest.queues(), "from": "management", "error": None},
        "/dead": lambda: {
            "items": [
                one
                for one in rest.dead(world.running)
                if query.get("backfill", ["killmail_values"])[0] == one["backfill"]
            ]
        },
    }
    if method != "GET" or path not in reads:
        raise RefusalError(404, "No such address", f"there is no {method} {path}")
    return 200, reads[path]()


def _overview(stub: "Stub") -> dict[str, Any]:
    world = stub.world
    active = [jobs.row(one) for one in world.jobs.values() if one["state"] not in jobs.ENDED]
    attention = [
        (
            "paused_by_definition",
            world.paused,
            "labels: a worker has paused it: the definition has changed",
            "resume {}",
        ),
        ("deadline_at_risk", world.running, "killmail_values: it may end after its deadline", "set {} --max-workers=0"),
        ("failed_records", world.completed, "killmail_values: 257 records failed, 0.1 % of those done", "failures {}"),
    ]
    found = {
        "jobs": world.counts(), "active": active[:50],
        "attention": [
            {"kind": kind, "job": job, "text": text, "next": f"backfill {command.format(job)}"}
            for kind, job, text, command in attention
            if job in world.jobs
        ],
        "workers": {"live": len(world.workers) - 1, "gone": 1, "items": world.workers[::-1]},
        "last_success": [{"backfill": "killmail_values", "job": jobs.name(1000), "completed_at": jobs.at(-7200)}],
        "depths": [rest.depth("killmail_values", 5), rest.depth("prices", 0)],
        "server": {"version": "0.1.0", "started_at": jobs.at(-86_000), "tenant": "default", "now": jobs.at(0),
                   "database": stub.database, "broker": stub.broker},
        "read_at": jobs.at(0),
    }  # fmt: skip
    return found if stub.database == "up" else found | NOTHING_READ


def _jobs(world: World, query: Query) -> dict[str, Any]:
    states, backfill = query.get("state"), query.get("backfill", [""])[0]
    found = [
        one
        for one in world.jobs.values()
        if (not states or one["state"] in states) and backfill in ("", one["backfill"])
    ]
    return _page([jobs.row(one) for one in found], query)


def _page(rows: list[Any], query: Query) -> dict[str, Any]:
    start, limit = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
    end = start + limit
    return {"items": rows[start:end], "next_cursor": str(end) if end < len(rows) else None}


def _job(stub: "Stub", method: str, job: str, rest_of_path: str, query: Query, body: Any) -> Answer:
    world = stub.world
    found = world.find(job)
    actor = f"token:{stub.name}"
    if method == "DELETE":
        return 200, world.delete(job)
    if method == "PATCH":
        return 200, world.act(job, "set", body, actor)
    if method == "POST":
        return (
            (202, world.retry(job, body))
            if rest_of_path == "retry"
            else (200, world.act(job, rest_of_path, body, actor))
        )
    if match := re.fullmatch(r"partitions/(.+)", rest_of_path):
        return 200, parts.partition(found, match[1])
    reads: dict[str, Callable[[], Any]] = {
        "": lambda: jobs.shown(found),
        "map": lambda: {
            "cells": parts.cells(found, int(query.get("bins", ["200"])[0])),
            "partitions": found["total_partitions"],
        },
        "minutes": lambda: parts.minutes(found),
        "checklist": lambda: {"items": parts.checklist(found)},
        "workers": lambda: {"items": parts.workers(found)},
        "events": lambda: _page(world.events(job), query),
        "failures/groups": lambda: _page(world.groups(job), query) | {"looked_at": 257, "is_cut": False},
        "failures": lambda: _page(_failures(world, job, query), query),
        "partitions": lambda: _page(_partitions(found, query), query),
    }
    if rest_of_path not in reads:
        raise RefusalError(404, "No such address", rest_of_path)
    return 200, reads[rest_of_path]()


def _failures(world: World, job: str, query: Query) -> list[dict[str, Any]]:
    groups = [
        one
        for one in world.groups(job)
        if all(query.get(name, [one[name]])[0] == one[name] for name in ("error_class", "message"))
    ]
    return [parts.failure(n, one["error_class"], one["message"]) for one in groups for n in range(one["failed"])]


def _partitions(found: dict[str, Any], query: Query) -> list[dict[str, Any]]:
    first, last = (int(query.get(name, [default])[0]) for name, default in (("first_key", "1"), ("last_key", "50")))
    return [
        parts.partition(found, f"{n:010}", "completed" if n <= found["completed_partitions"] else "pending")
        for n in range(first, last + 1)
    ]
