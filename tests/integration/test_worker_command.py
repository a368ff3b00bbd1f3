"""`backfill-worker` as people run it: lines, modes, burst, slices, signals."""

import re
import signal

import pytest

from backfill.modes import Priority
from tests.support.operating import closed_gate
from tests.support.waiting import eventually
from tests.support.world import World

NOWHERE = "127.0.0.1:9"
LINE = re.compile(
    r"\[([\d,]+)\] Rate: [\d,]+\.\d/sec \| Updated: ([\d,]+) \| Skipped: ([\d,]+) \| Errors: ([\d,]+)$", re.M
)


async def test_it_prints_queue_prefetch_interval_rolling_lines_and_a_summary(world: World) -> None:
    await world.rows(1_000)
    await world.queue("--mode=null", "--batch-size=100")
    worker = world.worker("--burst", "--stats-interval=300", "--concurrency=2", "--prefetch=4")
    assert await worker.wait() == 0, worker.output
    lines = worker.output.splitlines()
    assert lines[0] == "Queue: backfill_counter_queue (and backfill_counter_queue_high, backfill_counter_queue_low)"
    assert lines[1] == "Prefetch: 4 | Concurrency: 2 | Stats every 300 records"
    rolling = LINE.findall(worker.output)
    assert len(rolling) == 3
    assert rolling[0][2:] == ("0", "0")
    assert lines[-1].startswith("Processed 1,000 records in ")
    assert lines[-1].endswith("| Updated: 1,000 | Skipped: 0 | Errors: 0")
    await world.ends_well()


@pytest.mark.parametrize(
    ("mode", "skipped", "values"),
    [("null", 2, [1, 0, 7]), ("zero", 2, [None, 1, 7]), ("all", 0, [1, 1, 8])],
)
async def test_a_worker_checks_the_mode_again(world: World, mode: str, skipped: int, values: list[int | None]) -> None:
    # Every record is planned while the mode selects it, and then the application changes two of them.
    at_first = {"null": None, "zero": 0, "all": 3}[mode]
    await world.rows(3, value=at_first)
    await world.queue(f"--mode={mode}")
    await world.execute(
        "UPDATE things SET value = CASE id WHEN 1 THEN NULL WHEN 2 THEN 0 ELSE 7 END "
        "WHERE value IS DISTINCT FROM CASE id WHEN 1 THEN NULL WHEN 2 THEN 0 ELSE 7 END"
    )
    await world.finish()
    assert await world.value("SELECT array_agg(value::int ORDER BY id) FROM things") == values
    assert await world.value("SELECT records_skipped FROM backfill_jobs") == skipped
    await world.ends_well()


async def test_burst_ends_soon_after_nothing_is_left_and_not_with_a_round_that_comes_later(world: World) -> None:
    await world.rows(20)
    await world.queue("--mode=null")
    worker = world.worker("--burst", BACKFILL_RECONCILE_SECONDS="300")
    assert await worker.wait() == 0, worker.output
    assert await world.state() == "completed"
    assert "Nothing left to claim." in worker.output
    await world.ends_well()


async def test_burst_on_an_empty_ledger_ends_at_once(world: World) -> None:
    worker = world.worker("--burst")
    assert await worker.wait() == 0, worker.output
    assert "Processed 0 records" in worker.output


async def test_burst_says_how_many_retries_wait_and_until_when(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker("--burst", BACKFILL_RETRY_DELAYS="600")
    assert await worker.wait() == 0, worker.output
    assert re.search(
        r"Nothing left to claim; 2 partitions wait for a retry until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.",
        worker.output,
    )


async def test_burst_waits_for_what_another_worker_holds(world: World) -> None:
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")
    other = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", BACKFILL_LEASE_SECONDS="600")
    await world.until_stopped(other)
    burst = world.worker("--burst")
    await eventually(lambda: world.value("SELECT count(*) = 10 FROM things WHERE value = 1"))
    assert burst.returncode is None
    other.kill(signal.SIGKILL)
    await world.execute("UPDATE backfill_partitions SET lease_expires_at = now() WHERE state = 'running'")
    assert await burst.wait() == 0, burst.output
    assert await world.state() == "completed"
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_max_records_ends_after_exactly_so_many_whatever_a_batch_is(world: World, concurrency: int) -> None:
    await world.rows(100)
    await world.queue("--mode=null", "--batch-size=40")
    for done in (25, 50, 75):
        worker = world.worker("--max-records=25", f"--concurrency={concurrency}")
        assert await worker.wait() == 0, worker.output
        assert await world.value("SELECT count(*) FROM things WHERE value = 1") == done
        assert await world.value("SELECT count(*) FROM backfill_partitions WHERE state = 'running'") == 0
    last = world.worker("--burst", "--max-records=50")
    assert await last.wait() == 0, last.output
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize(
    ("definition", "used"),
    [
        ("Counter", "attempt_count = 6, interruptions = 6"),
        ("Flaky", "attempt_count = 5"),
        ("Reluctant", "attempt_count = 5"),
    ],
)
async def test_max_records_fails_no_more_than_that_either(world: World, definition: str, used: str) -> None:
    world.definition = definition
    await world.rows(40, base=1)
    await world.queue("--mode=all", "--batch-size=40")
    await world.execute(f"UPDATE backfill_partitions SET {used}, retried_ids = record_ids")
    await world.execute("INSERT INTO outage VALUES ('away')")
    for done in (15, 30):
        worker = world.worker("--max-records=15")
        assert await worker.wait() == 0, worker.output
        assert await world.value("SELECT count(*) FROM backfill_failures") == done
        partition = (await world.fetch("SELECT * FROM backfill_partitions"))[0]
        assert (partition["state"], partition["records_failed"], partition["retried_failed"]) == ("pending", done, done)
        assert len(partition["remaining_ids"]) == len(partition["retried_ids"]) == 40 - done
    last = world.worker("--burst", "--max-records=15")
    assert await last.wait() == 0, last.output
    assert await world.value("SELECT count(*) FROM backfill_failures") == 40
    assert await world.value("SELECT retried_failed FROM backfill_partitions WHERE state <> 'pending'") == 40
    await world.finish()
    await world.ends_well(states=["completed", "failed"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_finishes_what_is_in_hand_and_gives_back_the_rest(world: World, number: signal.Signals) -> None:
    world.definition = "Gated"
    await world.rows(100)
    await world.queue("--mode=null", "--batch-size=10")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", "--prefetch=5")
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        worker.kill(number)
        await eventually(lambda: "Stopping: finishing what is in hand" in worker.output)
        assert worker.returncode is None
    assert await worker.wait() == 0, worker.output
    assert await world.partitions() == {"completed": 2, "pending": 8}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions WHERE state = 'pending'") == 0

    async def given_back() -> bool:
        depths = await world.depths()
        assert depths[world.topology.queue(Priority.NORMAL)] == 8, depths
        return True

    await eventually(given_back, what="the broker having what the worker gave back")
    assert await world.value("SELECT stopped_at IS NOT NULL FROM backfill_workers") is True
    await world.finish()
    await world.ends_well()


async def test_a_second_signal_ends_at_once_and_loses_nothing(world: World) -> None:
    world.definition = "Gated"
    await world.rows(50)
    await world.queue("--mode=null", "--batch-size=10")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", BACKFILL_DRAIN_SECONDS="300")
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        worker.kill(signal.SIGTERM)
        await eventually(lambda: "Stopping" in worker.output)
        worker.kill(signal.SIGTERM)
        assert await worker.wait() == 128 + signal.SIGTERM
    await world.let_leases_end(worker.pid)
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 50
    await world.ends_well()


async def test_a_drain_that_takes_too_long_is_cut_and_another_worker_takes_over(world: World) -> None:
    world.definition = "Gated"
    await world.rows(50)
    await world.queue("--mode=null", "--batch-size=10")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", BACKFILL_DRAIN_SECONDS="1")
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        worker.kill(signal.SIGTERM)
        assert await worker.wait() == 0, worker.output
        assert "2 partitions did not finish in time" in worker.output
        assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    await world.finish()
    await world.ends_well()


async def test_high_priority_is_worked_on_first_and_normal_not_forgotten(world: World) -> None:
    world.definition = "Gated"
    await world.rows(40)
    ids = [f"--id={number}" for number in range(1, 21)]
    await world.queue("--mode=null", "--batch-size=1", *ids)
    await world.queue("--mode=null", "--batch-size=1", "--priority=high", *[f"--id={n}" for n in range(21, 41)])
    async with closed_gate(world):
        worker = world.worker("--burst", "--concurrency=1", "--prefetch=50")
        await eventually(world.queues_are_empty, what="a worker that has all messages before it goes on")
    assert await worker.wait() == 0, worker.output
    order = [row["id"] for row in await world.fetch("SELECT id FROM audit ORDER BY n")]
    assert sum(number > 20 for number in order[:20]) >= 13
    assert any(number <= 20 for number in order[:8])


async def test_workers_of_an_app_serve_all_of_its_backfills_or_those_that_are_named(world: World) -> None:
    await world.rows(10)
    await world.queue("--mode=null")
    none = world.worker("doubler", "--burst", BACKFILL_APP="tests.support.definitions")
    assert await none.wait() == 0, none.output
    assert await world.value("SELECT count(*) FROM audit") == 0
    every = world.worker("--burst", BACKFILL_APP="tests.support.definitions")
    assert await every.wait() == 0, every.output
    assert await world.value("SELECT count(*) FROM audit") == 10


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({"DATABASE_URL": f"postgresql://u:hunter2@{NOWHERE}/db"}, 5, "cannot reach PostgreSQL"),
        ({"RABBITMQ_URL": f"amqp://u:hunter2@{NOWHERE}/"}, 5, "cannot reach RabbitMQ"),
        ({"RABBITMQ_URL": "http://u:hunter2@host"}, 2, "is no AMQP URL"),
        ({"BACKFILL_APP": "no.such.module"}, 2, "cannot import app"),
        ({"BACKFILL_HEARTBEAT": "0"}, 2, "BACKFILL_HEARTBEAT=0"),
    ],
)
async def test_a_worker_that_cannot_begin_says_why(
    world: World, settings: dict[str, str], code: int, text: str
) -> None:
    worker = world.worker(**settings)
    assert await worker.wait() == code, worker.output
    assert [line for line in worker.output.splitlines() if line.startswith("error: ") and text in line]
    assert "Traceback" not in worker.output
    assert "hunter2" not in worker.output


async def test_a_worker_refuses_a_ledger_that_is_missing_and_a_queue_with_other_arguments(world: World) -> None:
    async with world.broker() as connection:
        channel = await connection.channel()
        await channel.declare_queue(world.topology.queue(Priority.HIGH), durable=True)
    worker = world.worker()
    assert await worker.wait() == 2, worker.output
    assert "stands in RabbitMQ with other arguments" in worker.output
    await world.execute("DROP TABLE backfill_schema")
    worker = world.worker()
    assert await worker.wait() == 6, worker.output
    assert "run: backfill init" in worker.output
    assert "Traceback" not in worker.output
