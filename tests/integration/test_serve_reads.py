"""What the server tells: the same as the commands and the ledger, in lists that are complete, and as streams."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from backfill.ledger.views.cursor import moment
from backfill.states import JobState
from backfill.web import application
from backfill.web.answers import paged
from backfill.web.models.backfills import Backfills, TableCoverage
from backfill.web.models.course import Groups, Minutes, TaskStatus
from backfill.web.models.jobs import Job, JobRow
from backfill.web.models.machines import Queue, Worker
from backfill.web.models.overview import Overview
from backfill.web.models.partitions import Map, WholePartition
from tests.integration.test_dead_command import buried
from tests.support.operating import closed_gate, done, queued, until, with_failures, working
from tests.support.serving import API, Served, body, serving, token
from tests.support.waiting import eventually
from tests.support.world import World


async def every(served: Served, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await served.get(path, params={**params, **({"cursor": cursor} if cursor else {})})
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@asynccontextmanager
async def stream(served: Served, path: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """The messages of a stream, each with its name."""
    async with served.client.stream("GET", f"{API}{path}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"

        async def messages() -> AsyncIterator[tuple[str, Any]]:
            name = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

        yield messages()


async def test_a_job_has_the_same_numbers_everywhere(world: World) -> None:
    job = await with_failures(world)
    async with serving(world) as served:
        shown = await served.get(f"/jobs/{job}")
        status = (await done(world, "status", str(job), "--json")).json
        different = {"heartbeat_at", "schema_version", "allowed", "read_at"}
        assert shown.keys() ^ status.keys() == different - {"heartbeat_at"}
        for name in status.keys() - different:
            mine, theirs = shown[name], status[name]
            if isinstance(mine, str) and mine.endswith("Z"):
                mine = mine.replace("Z", "+00:00")
            assert mine == theirs, name
        Job.model_validate(shown)
        assert shown["allowed"] == ["retry", "delete"]
        (row,) = await every(served, "/jobs")
        JobRow.model_validate(row)
        for name in row.keys() & shown.keys() - {"rate", "heartbeat_at"}:
            assert row[name] == shown[name], name
        kept = await world.value("SELECT records_updated + records_failed FROM backfill_jobs")
        assert kept == shown["done"] == row["done"]


async def test_lists_are_complete(world: World) -> None:
    job = await with_failures(world, partitions=7)
    other = await queued(world, "--mode=all", "--id=3")
    async with serving(world) as served:
        assert [row["job"] for row in await every(served, "/jobs", limit=1)] == [str(other), str(job)]
        assert [row["job"] for row in await every(served, "/jobs", state="completed")] == [str(job)]
        assert await every(served, "/jobs", backfill="nothing") == []
        partitions = await every(served, f"/jobs/{job}/partitions", limit=2)
        keys = [row["partition_key"] for row in partitions]
        assert len(keys) == 7
        assert keys == sorted(set(keys))
        whole = await served.get(f"/jobs/{job}/partitions/{keys[0]}")
        assert whole["record_ids"] == [str(n) for n in range(1, 11)]
        WholePartition.model_validate(whole)
        failed = await every(served, f"/jobs/{job}/failures", limit=1)
        assert sorted(row["record_id"] for row in failed) == ["15", "5"]
        assert all(isinstance(row["id"], str) for row in failed)
        groups = await served.get(f"/jobs/{job}/failures/groups")
        assert sum(group["failed"] for group in groups["items"]) == 2
        Groups.model_validate(groups)
        events = await every(served, f"/jobs/{job}/events", limit=1)
        count = await world.value("SELECT count(*) FROM backfill_events WHERE backfill_job_id = $1", job)
        assert len({event["id"] for event in events}) == len(events) == count
        cells = await served.get(f"/jobs/{job}/map")
        assert cells["partitions"] == sum(cell["partitions"] for cell in cells["cells"]) == 7
        Map.model_validate(cells)
        minutes = await served.get(f"/jobs/{job}/minutes")
        assert sum(one["records"] for one in minutes["items"]) == 70
        Minutes.model_validate(minutes)
        names = [one["name"] for one in (await served.get(f"/jobs/{job}/checklist"))["items"]]
        assert names[0] == "accepts_work"
        for path, status in (
            ("/jobs?cursor=nonsense", 422),
            ("/jobs?limit=0", 422),
            ("/jobs?limit=201", 422),
            ("/jobs?state=done", 422),
            ("/jobs?backfill=%00", 422),
            (f"/jobs/{UUID(int=0)}", 404),
            ("/jobs/%00", 404),
            (f"/jobs/{job}/partitions/999999999", 404),
            (f"/jobs/{job}/nothing", 404),
        ):
            await served.get(path, status)


async def test_ids_of_64_bits_are_texts(world: World) -> None:
    first = 2**63 - 20
    await world.execute("INSERT INTO things (id, base) SELECT $1::bigint + n, 0 FROM generate_series(1, 5) n", first)
    job = await queued(world)
    async with serving(world) as served:
        (partition,) = await every(served, f"/jobs/{job}/partitions")
        whole = await served.get(f"/jobs/{job}/partitions/{partition['partition_key']}")
        assert whole["record_ids"] == [str(first + n) for n in range(1, 6)]


async def test_a_stream_tells_a_job_to_its_end(world: World) -> None:
    await world.rows(40)
    job = await queued(world)
    async with serving(world) as served, asyncio.timeout(60), stream(served, f"/jobs/{job}/stream") as messages:
        name, first = await anext(messages)
        assert (name, first["state"], first["done"]) == ("job", "pending", 0)
        await done(world, "pause", str(job), "--reason", "lunch")
        seen = []
        async for name, value in messages:
            seen.append((name, value))
            if name == "job" and value["state"] == "paused":
                break
        told = [value for name, value in seen if name == "event"]
        assert [(one["event"], one["reason"]) for one in told] == [("job.paused", "lunch")]
        await done(world, "resume", str(job))
        async with working(world):
            states = [(name, value.get("state"), value.get("done")) async for name, value in messages]
        assert states[-1] == ("end", "completed", None)
        assert ("job", "completed", 40) in states


async def test_the_overview_is_told_as_it_changes(world: World) -> None:
    await world.rows(10)
    async with serving(world) as served, asyncio.timeout(60), stream(served, "/stream") as messages:
        name, first = await anext(messages)
        assert name == "overview"
        assert sum(first["jobs"].values()) == 0
        Overview.model_validate(first)
        job = await queued(world)
        async for _, value in messages:
            if value["jobs"]["pending"] == 1:
                break
        assert [one["job"] for one in value["active"]] == [str(job)]
        once = await served.get("/overview")
        assert once["jobs"] == value["jobs"]
        assert once["server"]["database"] == "up"
        Overview.model_validate(once)


async def test_streams_end_with_their_token(world: World) -> None:
    made = await token(world)
    await world.rows(10)
    job = await queued(world)
    async with serving(world, token=made) as served, asyncio.timeout(60), stream(served, f"/jobs/{job}/stream") as told:
        await anext(told)
        await done(world, "token", "revoke", "ada")
        assert [name async for name, _ in told if name not in ("job", "event")] == []


async def test_the_server_ends_while_streams_are_open(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    async with serving(world) as served, stream(served, f"/jobs/{job}/stream") as one, stream(served, "/stream") as two:
        await anext(one)
        await anext(two)
        served.command.kill(signal.SIGTERM)
        assert await served.command.wait() == 0
        assert "Stopped." in served.command.output
        assert "Traceback" not in served.command.output


@pytest.mark.parametrize(
    ("state", "word"), [("pending", "PENDING"), ("completed", "SUCCESS"), ("cancelled", "REVOKED")]
)
async def test_a_poller_hears_words_of_task_queues(world: World, state: str, word: str) -> None:
    await world.rows(20)
    job = await queued(world)
    if state == "completed":
        async with working(world):
            await until(world, "completed")
    elif state == "cancelled":
        await done(world, "cancel", str(job), "--reason", "not wanted")
    async with serving(world) as served:
        told = await served.get(f"/jobs/{job}/task-status")
    TaskStatus.model_validate(told)
    assert told["state"] == word
    assert told["ready"] is (state != "pending")
    assert told["progress"]["total"] == 20
    assert told["job_state"] == state


async def test_machines_and_backfills_are_listed_as_the_commands_list_them(world: World) -> None:
    async with closed_gate(world) as _:
        await world.rows(10)
        await queued(world)
    async with serving(world) as served, working(world):
        await until(world, "completed")

        async def told() -> bool:
            (worker,) = (await served.get("/workers"))["items"]
            Worker.model_validate(worker)
            (queue,) = (await served.get("/queues"))["items"]
            Queue.model_validate(queue)
            asked = (await done(world, "queues", "--json")).json["queues"]
            assert {**queue, "minutes": None} == {**asked[0], "minutes": None, "delayed": queue["delayed"]}
            return True

        await eventually(told)
        offered = await served.get("/backfills")
        Backfills.model_validate(offered)
        listed = (await done(world, "definitions", "--json")).json["definitions"]
        assert [one["name"] for one in offered["items"]] == [one["name"] for one in listed]
        assert offered["items"][0]["modes"] == listed[0]["modes"]
        assert offered["items"][0]["last_success"]["job"] == str(await world.job())
        assert (await served.get("/dead"))["items"] == []
        await served.get("/dead?backfill=nothing", 404)
        await served.get("/coverage/nothing", 404)
        metrics = await served.client.get("/metrics")
        assert "backfill_queue_depth" in body(metrics)
        assert body(await served.client.get("/readyz")) == {"database": "up", "broker": "up"}


async def test_short_lists_have_pages_too(world: World) -> None:
    await world.rows(10)
    await queued(world)
    await buried(world, *(f"message {number}".encode() for number in range(5)))
    async with serving(world) as served, working(world, 3):

        async def all_there() -> bool:
            found = await every(served, "/workers", limit=1)
            return len({one["id"] for one in found}) == len(found) == 3

        await eventually(all_there)
        asked = [one["id"] for one in (await done(world, "workers", "--json")).json["workers"]]
        assert [one["id"] for one in await every(served, "/workers", limit=2)] == asked
        assert [one["backfill"] for one in await every(served, "/queues", limit=1)] == ["counter"]
        assert [one["name"] for one in await every(served, "/backfills", limit=1)] == ["counter"]

        async def dead() -> bool:
            found = await every(served, "/dead", limit=2)
            return len({one["id"] for one in found}) == len(found) == 5

        await eventually(dead)
        cursor = (await served.get("/jobs?limit=1"))["next_cursor"] or "nonsense"
        for path in ("/workers", "/queues", "/backfills", "/dead"):
            await served.get(path, 422, params={"cursor": cursor})
            await served.get(path, 422, params={"limit": 0})


def test_pages_of_a_list_that_was_read_whole_have_each_item_once() -> None:
    found: list[int] = []
    items = [{"at": datetime(2026, 1, 1 + number // 3, tzinfo=UTC), "id": str(number)} for number in range(9)]
    cursor: str | None = None
    while True:
        answer = paged("things", items, {"at": moment, "id": str}, cursor, 2, why=None)
        page = json.loads(bytes(answer.body))
        found += [int(one["id"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        items = [one for one in items if one["id"] != "0"]  # what has gone moves nothing
    assert found == [*range(9)]


async def test_coverage_is_counted_where_no_job_has(world: World) -> None:
    await world.rows(20)
    await world.execute("UPDATE things SET value = 7 WHERE id <= 5")
    async with serving(world) as served:
        for path in ("/coverage/counter", "/coverage/counter?mode=null"):
            found = await served.get(path)
            assert (found["in_scope"], found["covered"], found["is_estimate"], found["job"]) == (20, 5, False, None)
            TableCoverage.model_validate(found)
        await served.get("/coverage/nothing", 404)
        await served.get("/coverage/counter?mode=some", 422)
        job = await queued(world, "--mode=null")
        assert (await served.get("/coverage/counter"))["job"] == str(job)


async def test_without_an_app_jobs_are_shown(world: World) -> None:
    async with serving(world, BACKFILL_APP="") as served:
        offered = await served.get("/backfills")
        assert offered["items"] == []
        assert "--app" in offered["why_none"]
        assert set((await served.get("/overview"))["jobs"]) == {state.value for state in JobState}


def test_the_description_has_every_answer() -> None:
    described = application.described().openapi()
    assert described["openapi"].startswith("3.1")
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            assert said["description"], (path, method)
            assert "4XX" in said["responses"], (path, method)
    assert not [name for name in described["components"]["schemas"] if "__" in name]  # as of two that are called alike
