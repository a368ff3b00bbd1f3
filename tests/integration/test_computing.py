"""Each way to compute gives what a plain function in the loop gives, and one bad record is one bad record."""

import signal

import pytest

from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

WAYS = (
    *("InTheLoop", "Many", "Awaited", "ManyAwaited"),
    *("InThreads", "ManyInThreads", "InProcesses", "ManyInProcesses"),
)
BAD, SKIPPED = 137, 301


def definition(name: str) -> str:
    return f"tests.support.ways:{name}"


@pytest.mark.parametrize("name", WAYS)
async def test_results_are_those_of_the_loop_and_one_bad_record_among_five_hundred_fails_alone(
    world: World, name: str
) -> None:
    world.definition = definition(name)
    await world.rows(1_000, base=f"CASE id WHEN {BAD} THEN -1 WHEN {SKIPPED} THEN -2 ELSE id END")
    await world.queue("--mode=all", "--batch-size=500")

    worker = world.worker("--burst")

    assert await worker.wait() == 0, worker.output
    failed = await world.fetch("SELECT record_id, error_class, error_message, attempts FROM backfill_failures")
    assert [tuple(row) for row in failed] == [(str(BAD), "ValueError", f"record {BAD} cannot be computed", 1)]
    assert await world.value("SELECT array_agg(id ORDER BY id) FROM things WHERE value IS DISTINCT FROM id * 2") == [
        BAD,
        SKIPPED,
    ]
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert (job["records_updated"], job["records_skipped"], job["records_failed"]) == (998, 1, 1)
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.ends_well()


async def test_a_call_that_never_answers_is_tried_again_and_then_fails_alone(world: World) -> None:
    world.definition = definition("Endless")
    await world.rows(20, base="id")
    await world.queue("--mode=all", "--batch-size=20")

    await world.finish(BACKFILL_RECORD_SECONDS="0.3", BACKFILL_RETRY_DELAYS="0.1")

    failed = await world.fetch("SELECT record_id, error_class, attempts FROM backfill_failures ORDER BY record_id")
    assert [tuple(row) for row in failed] == [("7", "TimeoutError", 2), ("8", "RecordTimeoutError", 1)]
    assert await world.value("SELECT count(*) FROM things WHERE value = id * 2") == 18
    await world.ends_well()


async def test_a_record_that_is_computed_for_ever_in_a_call_of_many_fails_alone(world: World) -> None:
    world.definition = definition("ManyOdd")
    await world.rows(60, base="CASE id WHEN 41 THEN 2 ELSE 0 END")
    await world.queue("--mode=all")

    await world.finish(BACKFILL_RECORD_SECONDS="0.3")

    failed = await world.fetch("SELECT record_id, error_class, attempts FROM backfill_failures")
    assert [tuple(row) for row in failed] == [("41", "RecordTimeoutError", 1)]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 59
    await world.ends_well()


async def test_a_worker_that_is_told_to_end_while_calls_are_under_way_gives_them_back(world: World) -> None:
    world.definition = definition("Endless")
    await world.rows(20, base="7")
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker(BACKFILL_DRAIN_SECONDS="1")
    await eventually(lambda: world.value("SELECT bool_and(state = 'running') FROM backfill_partitions"))
    idle = "state = 'idle' AND application_name LIKE 'worker %' AND datname = current_database()"
    inside = "SELECT count(*) = 0 FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"
    await eventually(lambda: world.value(f"SELECT count(*) >= 2 FROM pg_stat_activity WHERE {idle}"))
    # The calls have no end, but the reconciler's transactions do, which a look may meet.
    await eventually(lambda: world.value(inside), what="that no connection is held in a transaction meanwhile")

    worker.kill(signal.SIGTERM)
    assert await worker.wait() == 0, worker.output  # no call answers: whoever waited for one would wait for ever

    assert await world.partitions() == {"pending": 2}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    await world.execute("UPDATE things SET base = id WHERE true")
    await world.execute("UPDATE things SET base = 1 WHERE id IN (7, 8)")
    await world.finish()
    await world.ends_well()


async def test_a_process_sees_the_values_of_every_type_as_the_loop_does(world: World) -> None:
    await world.rows(3)
    seen = []
    for name in ("Types", "TypesInProcesses"):
        world.definition = definition(name)
        await world.queue("--mode=all")
        await world.finish()
        seen.append(await world.value("SELECT array_agg(extra ORDER BY id) FROM things"))
        await world.execute("UPDATE things SET extra = NULL")
    assert seen[0] == seen[1]
    assert await world.value("SELECT count(*) FROM backfill_failures") == 0


async def test_a_process_has_the_parameters_of_each_job(world: World) -> None:
    world.definition = definition("ScaledInProcesses")
    await world.rows(4, base="id")
    await world.queue("-P", "factor=7", "--id=1", "--id=2")
    await world.queue("--id=3", "--id=4")

    await world.finish("--concurrency=2")

    assert await world.value("SELECT array_agg(value::int ORDER BY id) FROM things") == [7, 14, 9, 12]
    await world.ends_well()
