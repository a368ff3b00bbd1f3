"""`backfill workers`: who works and on what, and how they are stopped through the ledger."""

from typing import Any

import pytest

from tests.support.operating import ask, closed_gate, done, queued, until_held, working
from tests.support.waiting import eventually
from tests.support.world import World

ASKED = "SELECT count(*) FROM backfill_workers WHERE stop_requested_at IS NOT NULL"


async def registered(world: World, count: int = 1) -> None:
    """Wait until so many workers have shown themselves."""
    alive = "SELECT count(*) FROM backfill_workers WHERE stopped_at IS NULL"

    async def here() -> bool:
        return bool(await world.value(alive) == count)

    await eventually(here, what=f"{count} workers in the ledger")


async def test_a_worker_is_shown_with_what_it_holds_its_counts_and_settings(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    job = await queued(world)
    async with working(world), closed_gate(world):
        await until_held(world, 1)
        await registered(world)

        async def measured() -> Any:  # its first heartbeat has nothing to compare with
            [seen] = (await done(world, "workers", "--json")).json["workers"]
            return seen if seen["cpu_percent"] is not None else None

        one = await eventually(measured)
        assert 0 <= one["cpu_percent"] < 1_000
        assert (one["state"], one["backfills"], one["concurrency"], one["prefetch"]) == ("running", ["gated"], 1, 9)
        assert one["lease_seconds"] == 60
        assert 0 <= one["heartbeat_age_seconds"] < 60
        [hold] = one["holds"]
        assert (hold["job"], hold["partition"]) == (str(job), "000000001")
        assert hold["seconds"] >= 0
        assert one["counts"]["updated"] == 0
        assert one["memory_bytes"] > 1_000_000

        columns, line = (await done(world, "workers")).out.splitlines()
        fields = dict(zip(columns.split("\t"), line.split("\t"), strict=True))
        assert fields["worker"] == f"{one['host']}:{one['pid']}"
        assert fields["holds"].startswith(f"{str(job)[:8]}/000000001 for ")
        assert fields["settings"] == "concurrency 1, prefetch 9, lease 60 s"
        assert fields["takes"].endswith(" MB")


async def test_nobody_works(world: World) -> None:
    answer = await done(world, "workers")
    assert answer.out == "No worker; start one with: backfill-worker\n"
    assert (await done(world, "workers", "--json")).json == {"schema_version": 1, "workers": []}
    assert "No worker lives." in (await done(world, "workers", "stop", "--all", "--yes")).err


async def test_a_worker_that_is_gone_is_shown_as_gone_and_not_stopped_with_all(world: World) -> None:
    await world.rows(10)
    await queued(world)
    worker = world.worker(failpoint="worker.after_claim=kill")
    await world.until_killed(worker)
    await world.execute("UPDATE backfill_workers SET heartbeat_at = now() - interval '1 minute'")

    [one] = (await done(world, "workers", "--json")).json["workers"]
    assert one["state"] == "gone"
    assert (await done(world, "workers", "stop", "--all", "--yes", "--json")).json["workers"] == []
    assert await world.value(ASKED) == 0


async def test_a_worker_is_known_before_it_can_hold_anything(world: World) -> None:
    worker = world.worker(failpoint="keeper.look=kill")  # before the thread that renews has connected
    await world.until_killed(worker)
    [one] = (await done(world, "workers", "--json")).json["workers"]
    assert (one["pid"], one["holds"]) == (worker.pid, [])


async def test_a_worker_that_is_asked_to_stop_finishes_what_it_holds_and_ends_with_zero(world: World) -> None:
    world.definition = "Gated"
    await world.rows(80)  # more partitions than the one that is here first takes in advance
    await queued(world)
    worker, other = (world.worker("--concurrency=1") for _ in range(2))
    async with closed_gate(world):
        await until_held(world, 2)
        await registered(world, 2)
        asked, left = (await done(world, "workers", "--json")).json["workers"]
        if asked["pid"] != worker.pid:
            worker, other = other, worker

        answer = await done(world, "workers", "stop", asked["id"][:13], LOGNAME="ada")

        assert answer.out == f"Worker {asked['id']} was asked to stop.\n"
        await eventually(lambda: "Asked to stop by ada@" in worker.output, what="the worker hearing it")
        assert (await done(world, "workers", "--json")).json["workers"][0]["state"] == "stopping"
        assert worker.returncode is None  # what it holds is at the gate
    assert await worker.wait() == 0, worker.output
    assert "Processed 10 records" in worker.output
    assert worker.output.count("Asked to stop") == 1

    # And the other one goes on with the rest.
    await world.until_ended()
    assert other.returncode is None
    again = (await done(world, "workers", "stop", asked["id"], left["id"], "--json")).json["workers"]
    assert [(one["worker"], one["changed"]) for one in again] == [(asked["id"], False), (left["id"], True)]
    assert await other.wait() == 0, other.output
    await world.ends_well()


async def test_all_are_stopped_after_a_question(world: World) -> None:
    await world.rows(10)
    await queued(world)
    workers = [world.worker(), world.worker()]
    await registered(world, 2)

    refused = await ask(world, "workers", "stop", "--all")
    assert (refused.code, refused.err) == (2, "error: stop 2 workers? Nobody is here to answer; add --yes\n")
    assert await world.value(ASKED) == 0
    await done(world, "workers", "stop", "--all", "--yes")
    for worker in workers:
        assert await worker.wait() == 0, worker.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["stop", "ffff"], 3, "error: no worker 'ffff'; see: backfill workers\n"),
        (["stop", "%"], 3, "error: no worker '%'; see: backfill workers\n"),
        (["stop"], 2, "give their ids, or --all"),
        (["stop", "ffff", "--all"], 2, "give their ids, or --all"),
        (["--json", "stop", "ffff"], 2, "write --json behind stop"),
    ],
)
async def test_what_is_not_clear_is_refused(world: World, arguments: list[str], code: int, said: str) -> None:
    answer = await ask(world, "workers", *arguments)
    assert answer.code == code
    assert said in answer.err


async def test_operators_may_ask_and_readers_may_look(world: World) -> None:
    await done(world, "init", "--roles")
    asking = "UPDATE backfill_workers SET stop_requested_at = now(), stop_requested_by = 'ada'"
    may = "SELECT has_column_privilege($1, 'backfill_workers', 'stop_requested_at', $2)"
    for role, is_allowed in (("backfill_operator", True), ("backfill_worker", False), ("backfill_reader", False)):
        assert await world.value(may, role, "SELECT")
        assert await world.value(may, role, "UPDATE") is is_allowed
    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    await world.execute("SET ROLE backfill_operator")
    await world.execute(asking)
    await world.execute("RESET ROLE")


async def test_workers_of_another_tenant_are_neither_seen_nor_stopped(world: World) -> None:
    other = await world.value(
        "INSERT INTO backfill_workers (id, tenant_id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'other', 'elsewhere', 1, '{counter}', 1, 2) RETURNING id"
    )
    assert (await done(world, "workers", "--json")).json["workers"] == []
    assert (await ask(world, "workers", "stop", str(other))).code == 3
    assert (await done(world, "workers", "stop", "--all", "--yes", "--json")).json["workers"] == []
    assert await world.value(ASKED) == 0
