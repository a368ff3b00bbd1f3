"""Processes that compute: whichever ends, by itself or with its worker, one record is to blame, or none."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import PATIENT, World

pytestmark = pytest.mark.long

BAD = 57
KILLED = "the process that computed it was ended by SIGKILL"


@pytest.fixture(autouse=True)
def odd(world: World) -> None:
    world.definition = "tests.support.ways:OddInProcesses"


async def queue(world: World, base: int, *, batch_size: int = 100) -> None:
    """A hundred records, one of which does that."""
    await world.rows(100, base=f"CASE id WHEN {BAD} THEN {base} ELSE 0 END")
    await world.queue("--mode=all", f"--batch-size={batch_size}")


async def failed(world: World) -> list[tuple[Any, ...]]:
    rows = await world.fetch("SELECT record_id, error_class, error_message, attempts FROM backfill_failures")
    return [tuple(row) for row in rows]


async def written(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM things WHERE value = 1")
    return found


def computing(worker: Command) -> list[psutil.Process]:
    """Processes of the worker that compute, or may; not those that keep its books."""
    children = psutil.Process(worker.pid).children(recursive=True)
    return [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]


async def until_computing(worker: Command) -> list[psutil.Process]:
    """Wait until a record is being computed for ever, as all before it have been; returns the worker's processes."""
    await eventually(lambda: "for ever" in worker.output)
    return psutil.Process(worker.pid).children(recursive=True)


def are_gone(processes: list[psutil.Process]) -> bool:
    return not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("definition", ["OddInProcesses", "ManyOddInProcesses"])
async def test_a_record_under_which_each_process_ends_fails_alone_after_all_attempts(
    world: World, definition: str
) -> None:
    world.definition = f"tests.support.ways:{definition}"
    await queue(world, 1)
    worker = world.worker(BACKFILL_RETRY_DELAYS="600,0.2", **PATIENT)
    await eventually(lambda: world.value("SELECT attempt_count = 1 FROM backfill_partitions"))
    await eventually(lambda: written(world))
    remaining = "SELECT remaining_ids FROM backfill_partitions WHERE not_before IS NOT NULL"
    await eventually(lambda: world.value(remaining))
    if definition == "OddInProcesses":
        assert await world.value(remaining) == [str(BAD)], "its neighbours were written at the first attempt"
        assert await written(world) == 99
    await world.execute("UPDATE backfill_partitions SET not_before = NULL, published_at = NULL")
    await world.until_ended()
    await world.drain(worker)

    assert await failed(world) == [(str(BAD), "LostProcessError", f"{KILLED}, twice while it was computed alone", 3)]
    assert await written(world) == 99
    await world.finish()
    await world.ends_well()


async def test_a_killed_process_is_an_attempt_and_the_pool_is_started_anew(world: World) -> None:
    await queue(world, 2)
    worker = world.worker(BACKFILL_RETRY_DELAYS="0.2,0.2", **PATIENT)
    await until_computing(worker)
    await world.execute("UPDATE things SET base = 0")

    for one in computing(worker):
        with suppress(psutil.NoSuchProcess):  # ended by the worker, which has seen what happened to another one
            one.kill()
    await world.until_ended()
    await world.drain(worker)

    assert await failed(world) == []
    assert await written(world) == 100
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


@pytest.mark.parametrize(
    ("definition", "base"), [("OddInProcesses", 2), ("OddInProcesses", 3), ("ManyOddInProcesses", 2)]
)
async def test_a_record_that_is_computed_for_ever_is_ended_and_fails_alone(
    world: World, definition: str, base: int
) -> None:
    world.definition = f"tests.support.ways:{definition}"
    await queue(world, base)

    await world.finish(BACKFILL_RECORD_SECONDS="0.5", deadline=60)

    text = "not computed within the 0.5 s that one record may take (BACKFILL_RECORD_SECONDS)"
    assert await failed(world) == [(str(BAD), "RecordTimeoutError", text, 1)]
    assert await written(world) == 99
    await world.ends_well()


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (4, "what is loaded for it cannot be sent to the process that computes: a lock ("),
        (5, "what it computed cannot be sent to the worker: a lock ("),
    ],
)
async def test_a_value_that_cannot_be_sent_fails_its_record_alone_in_one_sentence(
    world: World, base: int, text: str
) -> None:
    await queue(world, base)

    await world.finish()

    [(record, kind, message, attempts)] = await failed(world)
    assert (record, kind, attempts) == (str(BAD), "UnsendableError", 1)
    assert message.startswith(text)
    assert await written(world) == 99
    await world.ends_well()


async def test_no_process_survives_a_worker_that_is_killed(world: World) -> None:
    await queue(world, 3, batch_size=50)
    worker = world.worker()
    children = await until_computing(worker)

    worker.kill(signal.SIGKILL)

    await eventually(lambda: are_gone(children))
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    assert await written(world) == 100
    await world.ends_well()


async def test_a_worker_that_is_told_to_stop_ends_its_processes_and_gives_back_what_they_had(world: World) -> None:
    await queue(world, 3)
    worker = world.worker(BACKFILL_DRAIN_SECONDS="1", **PATIENT)
    children = await until_computing(worker)

    worker.kill(signal.SIGTERM)

    assert await worker.wait() == 0, worker.output
    await eventually(lambda: are_gone(children))
    assert await world.partitions() == {"pending": 1}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 0
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_whole_group_lets_what_is_computed_be_finished(
    world: World, number: signal.Signals
) -> None:
    """As Ctrl-C in a terminal sends it."""
    await world.rows(3, base=6)
    await world.queue("--mode=all")
    worker = world.worker(**PATIENT)
    await eventually(lambda: "asleep" in worker.output)
    os.killpg(worker.pid, number)

    assert await worker.wait() == 0, worker.output
    assert await written(world) == 3
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.finish()
    await world.ends_well()


async def test_a_thread_that_computes_for_ever_is_the_end_of_its_worker(world: World) -> None:
    world.definition = "tests.support.ways:OddInThreads"
    await queue(world, 2)

    worker = world.worker(BACKFILL_RECORD_SECONDS="0.2", BACKFILL_PARTITION_SECONDS="1")

    assert await worker.wait() == 70, worker.output
    assert f"Record {BAD} of partition 000000001" in worker.output
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    assert await written(world) == 100
    await world.ends_well()


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_a_thread_without_end(world: World) -> None:
    world.definition = "tests.support.ways:OddInThreads"
    await queue(world, 2)
    worker = world.worker(BACKFILL_DRAIN_SECONDS="1", **PATIENT)
    await until_computing(worker)

    worker.kill(signal.SIGTERM)

    assert await worker.wait() == 70, worker.output
    assert "A record is still being computed in a thread" in worker.output
    assert await world.partitions() == {"pending": 1}
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    await world.ends_well()


SHOP = """
from backfill import ColumnBackfill


class Doubled(ColumnBackfill):
    name = "doubled"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"
    compute_in = "processes"

    def compute(self, record):
        return {"value": record["base"] * FACTOR}
"""


async def test_files_that_are_replaced_under_a_worker_cost_no_attempt_and_are_said_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "shop_of_the_pool.py"
    module.write_text(SHOP.replace("FACTOR", "2"))
    monkeypatch.syspath_prepend(tmp_path)
    world.env = world.env | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    world.definition = "shop_of_the_pool:Doubled"
    await world.rows(20, base="id")
    await world.queue("--mode=all", "--batch-size=10")
    await world.execute("UPDATE backfill_partitions SET not_before = now() + interval '1 hour'")
    worker = world.worker("--concurrency=1")
    await eventually(lambda: "Prefetch:" in worker.output)

    module.write_text(SHOP.replace("FACTOR", "3"))
    await world.execute("UPDATE backfill_partitions SET not_before = NULL, published_at = NULL")
    claims = "SELECT sum(fence) >= 4 FROM backfill_partitions"
    await eventually(lambda: world.value(claims))

    job = await world.job()
    said = f"Job {job} is left to other workers: the files of shop_of_the_pool:Doubled have changed since this one was"
    assert worker.output.count(said) == 1
    await world.drain(worker)
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    assert not await failed(world)
    assert await world.state() == "running"
    module.write_text(SHOP.replace("FACTOR", "2"))
    await world.finish()
    assert await world.value("SELECT bool_and(value = id * 2) FROM things")
    await world.ends_well()


async def test_nothing_stays_behind_where_the_worker_and_all_its_processes_are_killed_at_once(world: World) -> None:
    await queue(world, 3, batch_size=50)
    worker = world.worker()
    children = await until_computing(worker)
    names = {
        one.path for process in [psutil.Process(worker.pid), *children] for one in process.memory_maps()
        if "/sem." in one.path
    }  # fmt: skip

    for process in [*children, psutil.Process(worker.pid)]:  # whatever looks after what they leave is among them
        process.kill()

    await eventually(lambda: are_gone(children))
    assert not names
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    await world.ends_well()
