"""`backfill run`: a job planned and worked on in one process, with no RabbitMQ to be had."""

import asyncio
import re
import signal

import pytest

from tests.support.commands import Command
from tests.support.held import held_planning
from tests.support.operating import counted_once, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World, last_json

pytestmark = pytest.mark.long

BROKERS = ("RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL")
# From its first moment on: what is set when the job has been seen may come after its end.
RESTS = """
    CREATE FUNCTION rests() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.pause_ms := 1000; RETURN NEW; END $$;
    CREATE TRIGGER rests BEFORE INSERT ON backfill_jobs FOR EACH ROW EXECUTE FUNCTION rests()
"""


@pytest.fixture
async def world(world: World) -> World:
    """A world whose commands know of no broker."""
    for variable in BROKERS:
        del world.env[variable]
    return world


def run(world: World, *arguments: str, failpoint: str = "", **settings: str) -> Command:
    return world.run("backfill", "run", *arguments, failpoint=failpoint, **settings)


async def answered(world: World, *arguments: str, code: int = 0, **settings: str) -> Command:
    command = run(world, *arguments, **settings)
    assert await command.wait() == code, command.output
    return command


async def slowly(world: World, *arguments: str, records: int = 200, **settings: str) -> Command:
    """A run of partitions of ten records that rests a second after each, with the first ones completed."""
    await world.rows(records)
    await world.execute(RESTS)
    command = run(world, "--mode=all", "--batch-size=10", "--concurrency=1", *arguments, **settings)
    await eventually(lambda: world.value("SELECT count(*) > 1 FROM backfill_partitions WHERE state = 'completed'"))
    return command


async def test_a_job_is_planned_worked_on_and_completed_without_a_broker(world: World) -> None:
    await world.rows(1_000)
    command = await answered(world, "--mode=null", "--batch-size=100")
    await counted_once(world, 1_000)
    assert await world.state() == "completed"
    assert "Queue:" not in command.output
    assert "backfill-worker" not in command.output
    assert re.search(r"^State: completed since .* UTC$", command.output, re.MULTILINE)
    assert "Records: 1,000/1,000 (100.0%) | Updated: 1,000" in command.output
    # Nothing was sent, so nothing is said to have been.
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE published_at IS NOT NULL") == 0
    assert await world.value("SELECT count(*) FROM backfill_leases") == 0


async def test_it_works_beside_its_planning(world: World) -> None:
    await world.rows(1_000)
    async with held_planning(world):
        command = run(world, "--mode=all", "--batch-size=10")
        await eventually(
            lambda: world.value("SELECT count(*) >= 40 FROM backfill_partitions WHERE state = 'completed'")
        )
        assert await world.value("SELECT planned_at IS NULL FROM backfill_jobs")
    assert await command.wait() == 0, command.output
    await counted_once(world, 1_000)


async def test_json_is_the_object_of_status(world: World) -> None:
    await world.rows(20)
    answer = await done(world, "run", "--mode=all", "--json")
    printed = answer.json
    assert answer.out.count("\n") == 1
    assert (printed["state"], printed["updated"], printed["job"]) == ("completed", 20, str(await world.job()))
    assert set(printed) == set((await done(world, "status", "--json")).json)


async def test_nothing_to_do_is_said_and_is_no_failure(world: World) -> None:
    command = await answered(world)
    assert "Nothing to do." in command.output
    assert last_json(await answered(world, "--json"))["job"] is None


async def test_a_dry_run_writes_nothing(world: World) -> None:
    await world.rows(20)
    command = await answered(world, "--mode=all", "--dry-run")
    assert "Dry run: nothing was written or published." in command.output
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_retries_wait_for_their_time_in_the_ledger(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    patient = {"BACKFILL_RETRY_DELAYS": "0.2,1,5,5,5"}  # the outage is over before the last try, though it takes long
    command = run(world, "--mode=all", "--batch-size=10", **patient)
    await eventually(lambda: world.value("SELECT sum(attempt_count) > 3 FROM backfill_partitions"))
    await world.execute("DELETE FROM outage")
    assert await command.wait() == 0, command.output
    await counted_once(world, 20)
    assert await world.value("SELECT min(attempt_count) FROM backfill_partitions") > 1
    # Nothing was asked for before it was due.
    assert await world.value("SELECT (counts->>'duplicates')::int FROM backfill_workers") == 0


async def test_failed_records_end_it_with_the_code_of_wait(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base="CASE WHEN id = 5 THEN 1 ELSE 0 END")
    command = await answered(world, "--mode=all", code=7)
    assert "backfill failures" in command.output
    assert await world.value("SELECT count(*) FROM things WHERE value IS NOT NULL") == 19


async def test_a_broken_definition_pauses_the_job_and_ends_the_run(world: World) -> None:
    command = await slowly(world)
    await world.execute("ALTER TABLE things RENAME value TO worth")
    assert await command.wait() == 9, command.output
    assert f"go on with: backfill resume {await world.job()}" in command.output
    assert await world.state() == "paused"

    await world.execute("ALTER TABLE things RENAME worth TO value")
    await done(world, "resume", "latest")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await answered(world, "--resume", "latest")
    await counted_once(world, 200)


async def test_paused_elsewhere_it_waits_and_goes_on_when_the_job_is_resumed(world: World) -> None:
    command = await slowly(world)
    await done(world, "pause", "latest", "--reason", "lunch")
    await eventually(lambda: "is paused by" in command.output)
    assert "(lunch)" in command.output
    assert command.returncode is None
    await done(world, "resume", "latest")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    assert await command.wait() == 0, command.output
    await counted_once(world, 200)


async def test_cancelled_elsewhere_it_ends_and_says_so(world: World) -> None:
    command = await slowly(world)
    await done(world, "cancel", "latest", "--reason", "wrong table")
    assert await command.wait() == 8, command.output
    assert "State: cancelled since" in command.output
    assert "(wrong table)" in command.output


async def test_cancelled_while_it_is_planned_it_says_that_and_nothing_of_its_planning(world: World) -> None:
    await world.rows(2_000)
    command = run(world, "--mode=all", "--batch-size=10", "--concurrency=1", failpoint="producer.after_plan=stop@2")
    await world.until_stopped(command)
    await done(world, "cancel", "latest", "--reason", "wrong table")
    command.kill(signal.SIGCONT)
    assert await command.wait() == 8, command.output
    assert "taken over" not in command.output
    assert "interrupted" not in command.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_finishes_what_is_in_hand_and_says_how_to_go_on(
    world: World, number: signal.Signals, code: int
) -> None:
    command = await slowly(world)
    command.kill(number)
    assert await command.wait() == code, command.output
    again = f"go on with: backfill run --resume {await world.job()}"
    assert command.output.count("--resume") == 1
    assert again in command.output
    assert (await world.partitions())["running"] == 0
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    other = await answered(world, "others", "--resume", "latest", code=4)
    assert "is for 'counter', not for 'others'" in other.output
    resumed = await answered(world, "counter", "--resume", "latest")
    assert "State: completed" in resumed.output
    await counted_once(world, 200)


async def test_asked_to_stop_it_does_and_says_how_to_go_on(world: World) -> None:
    command = await slowly(world)
    await done(world, "workers", "stop", "--all", "--yes")
    assert await command.wait() == 75, command.output
    assert "go on with: backfill run --resume" in command.output


async def test_the_same_key_again_shows_the_job_that_was_done(world: World) -> None:
    await world.rows(20)
    await answered(world, "--mode=all", "--idempotency-key=k")
    again = await answered(world, "--mode=all", "--idempotency-key=k")
    assert "State: completed" in again.output
    await counted_once(world, 20)
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 1


async def test_a_job_that_has_ended_is_not_resumed(world: World) -> None:
    await world.rows(20)
    await answered(world, "--mode=all")
    command = await answered(world, "--resume", "latest", code=4)
    assert "is completed: it has ended" in command.output


async def test_other_jobs_of_the_backfill_are_left_as_they_are(world: World, vhost: str) -> None:
    await world.rows(40)
    other = await queued(world, "--mode=all", "--batch-size=10", "--after=20", RABBITMQ_URL=vhost)
    await world.execute("UPDATE backfill_partitions SET published_at = NULL")
    before = await world.fetch("SELECT * FROM backfill_jobs WHERE id = $1", other)
    await world.execute(RESTS)
    command = run(world, "--mode=null", "--batch-size=2", "--concurrency=1", *(f"--id={n}" for n in range(1, 21)))
    # Undone by the application: the closing sweep finds it, and plans it again.
    await eventually(lambda: world.value("SELECT value FROM things WHERE id = 1"), what="the first value")
    await world.execute("UPDATE things SET value = NULL WHERE id = 1")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0 WHERE id <> $1", other)
    assert await command.wait() == 0, command.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    assert "1 records match again, undone by others" in command.output
    rows = await world.fetch("SELECT * FROM backfill_partitions WHERE backfill_job_id = $1", other)
    assert {(row["state"], row["attempt_count"], row["published_at"]) for row in rows} == {("pending", 0, None)}
    assert await world.fetch("SELECT * FROM backfill_jobs WHERE id = $1", other) == before
    assert await world.value("SELECT count(*) FROM backfill_leases") == 0


async def test_workers_with_a_broker_help(world: World, vhost: str) -> None:
    command = await slowly(world, records=400)
    async with working(world, RABBITMQ_URL=vhost):
        await eventually(
            lambda: world.value("SELECT count(DISTINCT worker_id) = 2 FROM backfill_partitions"),
            what="partitions of two workers",
            deadline=60,
        )
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
        assert await command.wait() == 0, command.output
    await counted_once(world, 400)


async def test_two_runs_of_one_job_share_it(world: World) -> None:
    first = await slowly(world, records=400)
    second = run(world, "--resume", "latest", "--concurrency=1")
    shared = "SELECT count(DISTINCT worker_id) = 2 FROM backfill_partitions"
    await eventually(lambda: world.value(shared))
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    assert await asyncio.gather(first.wait(), second.wait()) == [0, 0], first.output + second.output
    await counted_once(world, 400)


async def test_help_loads_no_network_library(world: World) -> None:
    code = (
        "import sys; from backfill.commands import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name in sys.modules for name in ('asyncpg', 'aio_pika', 'rich')))"
    )
    process = await asyncio.create_subprocess_exec("python", "-c", code, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


async def test_a_record_that_computes_for_ever_is_interrupted(world: World) -> None:
    world.definition = "Busy"
    await world.rows(3, base="CASE WHEN id = 2 THEN 60000 ELSE 0 END")
    command = await answered(world, "--mode=all", code=7, BACKFILL_RECORD_SECONDS="0.3")
    assert await world.value("SELECT error_class FROM backfill_failures") == "RecordTimeoutError", command.output
    await until(world, "completed")
