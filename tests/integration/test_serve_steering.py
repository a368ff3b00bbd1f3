"""Jobs and workers that are steered over HTTP."""

from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from backfill.states import JOB_ARROWS, JobState
from tests.support.operating import closed_gate, in_state, queued, until, until_held, with_failures, working
from tests.support.serving import serving, token
from tests.support.waiting import eventually
from tests.support.world import World

TO: Final = {"pause": JobState.PAUSED, "resume": JobState.RESUMING, "cancel": JobState.CANCELLED}


@pytest.mark.parametrize("state", ["pending", "running", "paused", "resuming", "completed", "cancelled"])
async def test_a_change_is_made_where_there_is_an_arrow_and_else_refused_with_what_is_allowed(
    world: World, state: str
) -> None:
    job = await in_state(world, state)
    arrows = JOB_ARROWS[JobState(state)]
    allowed = {one.value for one in arrows}
    async with serving(world) as server:
        for verb, to in TO.items():
            if to.value == state:
                assert not (await server.send("POST", f"/jobs/{job}/{verb}"))["changed"]
            elif to not in arrows:
                refused = await server.send("POST", f"/jobs/{job}/{verb}", 409, json={"reason": "x"})
                assert (set(refused["allowed"]), refused["exit_code"]) == (allowed, 4)
        if allowed:
            for method, path in (("POST", "/retry"), ("DELETE", "")):
                assert set((await server.send(method, f"/jobs/{job}{path}", 409))["allowed"]) == allowed
            assert (await server.send("POST", f"/jobs/{job}/reset-stuck"))["partitions"] == 0
        else:
            for method, path, body in (("POST", "/reset-stuck", {}), ("PATCH", "", {"pause_ms": 1})):
                refused = await server.send(method, f"/jobs/{job}{path}", 409, json=body)
                assert refused["allowed"] == []
            assert await server.send("DELETE", f"/jobs/{job}") == {"job": str(job), "deleted": True}
            await server.send("DELETE", f"/jobs/{job}", 404)


async def test_who_did_what_and_why_is_in_the_events(world: World) -> None:
    job = await in_state(world, "running")
    async with serving(world, token=await token(world, "ada")) as server:
        assert await server.send("POST", f"/jobs/{job}/pause", json={"reason": "lunch"}) == {
            "job": str(job),
            "state": "paused",
            "changed": True,
            "text": f"Job {job} was running and is paused.",
        }
        assert (await server.send("POST", f"/jobs/{job}/resume"))["state"] == "resuming"
        assert (await server.send("POST", "/jobs/latest/cancel", json={"reason": "wrong\x1b one"}))[
            "state"
        ] == "cancelled"
    rows = await world.fetch("SELECT event, actor, reason FROM backfill_events ORDER BY id DESC LIMIT 3")
    assert [row["event"] for row in rows] == ["job.cancelled", "job.resuming", "job.paused"]
    assert {row["actor"] for row in rows} == {"token:ada"}
    assert rows[2]["reason"] == "lunch"


async def test_what_is_set_is_set_and_what_is_left_out_stays(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    async with serving(world) as server:

        async def patched(**body: Any) -> dict[str, Any]:
            assert (await server.send("PATCH", f"/jobs/{job}", json=body))["changed"]
            now: dict[str, Any] = await server.get(f"/jobs/{job}")
            return {name: now[name] for name in ("priority", "max_workers", "pause_ms", "sla_deadline_at")}

        first = await patched(priority="high", max_workers=2, pause_ms=5, deadline="2030-01-01T02:00:00+02:00")
        assert first == {
            "priority": "high",
            "max_workers": 2,
            "pause_ms": 5,
            "sla_deadline_at": "2030-01-01T00:00:00Z",
        }
        details = "SELECT details->>'deadline' FROM backfill_events WHERE event = 'job.set'"
        assert await world.value(details) == first["sla_deadline_at"]
        assert await patched(pause_ms=7) == first | {"pause_ms": 7}
        assert await patched(deadline=None) == first | {"pause_ms": 7, "sla_deadline_at": None}
        assert (await patched(max_workers=None))["max_workers"] is None
        assert (await patched(pause_ms=None))["pause_ms"] == 0
        version = await world.value("SELECT version FROM backfill_jobs")
        for nothing in ({}, {"priority": None}):
            assert "changes nothing" in (await server.send("PATCH", f"/jobs/{job}", 422, json=nothing))["detail"]
        assert await world.value("SELECT version FROM backfill_jobs") == version
        for wrong in ({"pause_ms": -1}, {"deadline": "x"}, {"state": "paused"}, {"max_workers": 10**9}, []):
            await server.send("PATCH", f"/jobs/{job}", 422, json=wrong)


async def test_one_failure_a_group_or_all_are_retried(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE things SET base = 0")
    async with serving(world) as server:

        async def retried(status: int = 202, **body: Any) -> dict[str, Any]:
            found: dict[str, Any] = await server.send("POST", f"/jobs/{job}/retry", status, json=body)
            return found

        assert "KeyError" in (await retried(409, error_class="KeyError"))["detail"]
        one = await retried(record_ids=["15"], error_class="ValueError", message="record # cannot be computed")
        assert (one["parent"], one["records"]) == (str(job), 1)
        async with working(world):
            await until(world, "completed", UUID(one["job"]))
        assert (await retried())["records"] == 1
        await retried(422, record_ids=["\x00"])
        await retried(422, message="\x00")
    assert await world.value("SELECT array_agg(id ORDER BY id) FROM audit WHERE id IN (5, 15)") == [15]


async def test_counts_are_refreshed(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    await world.execute(
        "UPDATE backfill_partitions SET state = 'completed', records_updated = record_count, started_at = now(), "
        "completed_at = now() WHERE partition_key = '000000001'"
    )
    async with serving(world) as server:
        assert (await server.send("POST", f"/jobs/{job}/refresh-progress"))["updated"] == 10
    assert await world.value("SELECT completed_partitions FROM backfill_jobs") == 1


async def test_stuck_partitions_are_taken_back_and_workers_are_asked_to_stop(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    job = await queued(world)
    async with serving(world) as server, working(world) as workers:
        async with closed_gate(world):
            await until_held(world, 1)
            assert (await server.send("POST", f"/jobs/{job}/reset-stuck", json={"force": True}))["partitions"] == 1
        await until(world, "completed")
        found = await world.value("SELECT id FROM backfill_workers")
        answer = await server.send("POST", f"/workers/{str(found)[:8]}/stop")
        assert (answer["worker"], answer["changed"]) == (str(found), True)
        assert not (await server.send("POST", f"/workers/{found}/stop"))["changed"]
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_workers WHERE stopped_at IS NOT NULL"))
        assert workers
        await server.send("POST", f"/workers/{uuid4()}/stop", 404)


@pytest.mark.parametrize("method", ["pause", "resume", "cancel", "retry", "reset-stuck", "refresh-progress"])
async def test_an_unknown_job_is_not_found(world: World, method: str) -> None:
    async with serving(world) as server:
        assert "see: backfill list" in (await server.send("POST", f"/jobs/{uuid4()}/{method}", 404))["detail"]
        await server.send("POST", f"/jobs/%00/{method}", 404)
