"""Jobs that are opened over HTTP, and records that are worked off in a request."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.support.held import held_planning
from tests.support.operating import ask, counted_once, done, queued, until, working
from tests.support.serving import API, serving, token
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

ALL = {"mode": "all", "batch_size": 5}


async def test_a_job_is_opened_and_the_answer_does_not_wait_for_its_planning(world: World) -> None:
    await world.rows(2_000)
    once = ALL | {"deadline": "2030-01-01T00:00:00Z", "pause_ms": 1}
    async with serving(world, token=await token(world)) as server:
        async with held_planning(world):
            answer = await server.client.post(f"{API}/jobs", json=once)
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert not job["is_planned"]
        assert answer.headers["Location"] == f"{API}/jobs/{job['job']}"
        assert (job["created_by"], job["sla_deadline_at"], job["pause_ms"]) == ("token:ada", "2030-01-01T00:00:00Z", 1)

        async def planned() -> Any:
            now = await server.get(f"/jobs/{job['job']}")
            return now["is_planned"] and now["matched"] == 2_000

        await eventually(planned, deadline=60)
    assert "secret" not in server.command.output
    await done(world, "cancel", job["job"])


async def test_it_is_worked_on_like_any_other(world: World) -> None:
    await world.rows(100)
    async with serving(world) as server:
        job = (await server.send("POST", "/jobs", 202, json={"batch_size": 10, "ids": ["7", "9"], "mode": "all"}))[
            "job"
        ]
        async with working(world):
            await until(world, "completed", UUID(job))
        assert await world.value("SELECT array_agg(id ORDER BY id) FROM things WHERE value = 1") == [7, 9]
        nothing = await server.send("POST", "/jobs", 200, json={"mode": "zero"})
        assert (nothing["job"], nothing["matched"]) == (None, 0)
    await world.ends_well()


async def test_one_key_twice_at_once_is_one_job(world: World) -> None:
    await world.rows(1_000)
    async with serving(world) as server:
        both = await asyncio.gather(
            *(server.client.post(f"{API}/jobs", json=ALL, headers={"Idempotency-Key": "once"}) for _ in range(2))
        )
        assert sorted(one.status_code for one in both) == [200, 202]
        assert len({one.json()["job"] for one in both}) == 1
        refused = await server.send("POST", "/jobs", 409, json={**ALL, "limit": 3, "idempotency_key": "once"})
        assert "belongs to job" in refused["detail"]
        differing = {"json": {**ALL, "idempotency_key": "a"}, "headers": {"Idempotency-Key": "b"}}
        await server.send("POST", "/jobs", 422, **differing)
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 1


async def test_a_dry_run_writes_nothing(world: World) -> None:
    await world.rows(100)
    async with serving(world) as server:
        found = await server.send("POST", "/jobs", 200, json=ALL | {"dry_run": True})
    assert (found["matched"], found["mode"], found["batch_size"], found["dry_run"]) == (100, "all", 5, True)
    assert found["predicate"]
    assert found["query_plan"]
    assert found["missing"] == []
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_a_preview_whose_client_has_gone_ends(world: World) -> None:
    await world.rows(10)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def is_waiting() -> Any:
        return await world.value(waiting)

    async def has_ended() -> Any:
        return not await is_waiting()

    async with serving(world) as server, world.session() as session, session.transaction():
        await session.execute("LOCK TABLE things")
        asked = asyncio.create_task(server.client.post(f"{API}/jobs", json=ALL | {"dry_run": True}))
        await eventually(is_waiting)
        asked.cancel()
        await eventually(has_ended, deadline=12)  # by itself it would give up after 20 s
    assert "Traceback" not in server.command.output


async def test_behind_a_proxys_path_the_address_of_a_job_has_it_and_warnings_are_told(world: World) -> None:
    await world.rows(10)
    async with serving(world, "--root-path=/behind/a/proxy", token=await token(world)) as server:
        once = {"json": ALL | {"idempotency_key": "once"}}
        jobs = f"{server.url.removesuffix('/behind/a/proxy')}{API}/jobs"  # the proxy takes its part away
        answer = await server.client.post(jobs, **once)
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        assert answer.headers["Location"] == f"/behind/a/proxy{API}/jobs/{job}"
        assert answer.json()["warnings"] == []
        await done(world, "set", job, "--priority=high")
        again = await server.client.post(jobs, **once)
        assert (again.status_code, again.json()["job"]) == (200, job)
        assert any(f"backfill set {job} --priority=normal" in one for one in again.json()["warnings"])


async def test_parameters_are_the_scope_of_a_job(world: World) -> None:
    world.definition = "Needing"
    await world.rows(10, base=2)
    async with serving(world) as server:
        await server.send("POST", "/jobs", 422, json={"mode": "all"})
        wrong = await server.send("POST", "/jobs", 422, json={"mode": "all", "parameters": {"factor": "many"}})
        assert "factor" in wrong["detail"]
        job = await server.send("POST", "/jobs", 202, json={"mode": "all", "parameters": {"factor": 4}})
        assert job["parameters"] == {"factor": 4, "offset": 0}
        async with working(world):
            await until(world, "completed", UUID(job["job"]))
    assert await world.value("SELECT count(*) FROM things WHERE value = 8") == 10


@pytest.mark.parametrize(
    "body",
    [
        {"backfill": "other"},
        {"mode": "some"},
        {"limit": 0},
        {"limit": 2**70},
        {"batch_size": 0},
        {"order": "up"},
        {"priority": "urgent"},
        {"ids": ["\x00"]},
        {"ids": ["no number"], "mode": "all"},
        {"after": "x", "mode": "all"},
        {"deadline": "soon"},
        {"deadline": "2030-01-01T00:00:00"},
        {"parameters": {"none": 1}},
        {"parameters": {"a": [{"b": "\x00"}]}},
        {"idempotency_key": ""},
        {"unknown": 1},
        [],
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, body: Any) -> None:
    await world.rows(10)
    async with serving(world) as server:
        problem = await server.send("POST", "/jobs", 422, json=body)
    assert problem["exit_code"] == 2
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_a_reader_starts_nothing_and_without_an_app_nobody_does(world: World) -> None:
    reader = await token(world, "eve", "read")
    async with serving(world, token=reader) as server:
        for path in ("/jobs", "/process", "/jobs/latest/pause", "/jobs/latest/retry", "/workers/a/stop"):
            assert "role=operate" in (await server.send("POST", path, 403, json={}))["detail"]
        await server.send("DELETE", "/jobs/latest", 403)
        await server.send("PATCH", "/jobs/latest", 403, json={})
    async with serving(world, token=await token(world), BACKFILL_APP="") as server:
        assert "--app" in (await server.send("POST", "/jobs", 422, json={}))["detail"]
        assert "--app" in (await server.send("POST", "/process", 422))["detail"]


async def test_another_jobs_records_are_a_conflict_and_a_broker_that_is_away_is_named(world: World) -> None:
    await world.rows(10)
    await queued(world)
    async with serving(world) as server:
        assert "overlaps this one" in (await server.send("POST", "/jobs", 409, json=ALL))["detail"]
    async with serving(world, is_reached=False, RABBITMQ_URL="amqp://guest:guest@127.0.0.1:1/") as server:
        away = await server.send("POST", "/jobs", 503, json=ALL | {"ids": ["1"]})
        assert away["service"] == "broker"
        assert (await server.send("POST", "/process?limit=3"))["processed"] == 3


async def test_without_a_broker_a_job_is_opened_all_the_same(world: World) -> None:
    await world.rows(30)
    async with serving(world, RABBITMQ_URL="") as server:
        ready = await server.client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"database": "up", "broker": "none"})
        assert (await server.get("/overview"))["server"]["broker"] == "none"
        assert (await server.get("/queues", 503))["service"] == "broker"
        await server.send("POST", "/jobs", 202, json=ALL)
        processed = 0
        while processed < 30:
            processed += (await server.send("POST", "/process?limit=11&backfill=counter"))["processed"]
        assert await world.state() == "completed"
    await counted_once(world, 30)


async def test_drip_works_a_job_off(world: World) -> None:
    await world.rows(25)
    await queued(world)
    secret = await token(world)
    async with serving(world, token=secret) as server:
        drip = await ask(world, "drip", server.url, "--times=3", "--every=0s", "--limit=10", BACKFILL_TOKEN=secret)
        assert drip.out.splitlines() == [
            "[1/3] Processed 10 records (10 updated); 15 remaining",
            "[2/3] Processed 10 records (10 updated); 5 remaining",
            "[3/3] Processed 5 records (5 updated); 0 remaining",
        ]
        refused = await ask(world, "drip", server.url, BACKFILL_TOKEN="wrong")  # noqa: S106 - it is none
        assert (refused.code, "refuses the token" in refused.err) == (2, True)
        assert secret not in server.command.output
    assert await world.state() == "completed"
    await counted_once(world, 25)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1000000000000", "backfill=other", "backfill=%00"])
async def test_what_cannot_be_processed_is_refused(world: World, query: str) -> None:
    async with serving(world) as server:
        await server.send("POST", f"/process?{query}", 422)
