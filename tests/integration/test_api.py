"""`backfill.api`: what the commands do, for programs; it leaves nothing behind."""

import asyncio
import signal
import threading
from typing import Any

import pytest

from backfill import api
from backfill.api import planning
from backfill.api import running as running_of_ours
from backfill.api.asking import asked
from backfill.api.collected import Collected
from backfill.api.running import Run
from backfill.errors import (
    ConflictError,
    FailedError,
    GivenUpError,
    HaltedError,
    NotEndedError,
    NotFoundError,
    UnreachableError,
    UsageError,
)
from backfill.states import JobState
from tests.support.definitions import Counter, Flaky, Poison, Scaled
from tests.support.operating import counted_once as all_counted_once
from tests.support.operating import done, working
from tests.support.waiting import eventually
from tests.support.world import APPLICATION, FAST, PATIENT, World

Given = dict[str, Any]
HANDLED = (signal.SIGTERM, signal.SIGURG, signal.SIGVTALRM, signal.SIGPROF)


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a program that knows its database, and no broker."""
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL", world.database)
    for name, value in (FAST | PATIENT).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
async def nothing_is_left(world: World, capfd: pytest.CaptureFixture[str]) -> Any:
    """No task, thread, session or handler of ours, and not a word."""
    handlers = {number: signal.getsignal(number) for number in HANDLED}
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    yield
    left = [one for one in asyncio.all_tasks() - tasks if one is not asyncio.current_task()]
    assert not left
    await eventually(lambda: not [one for one in set(threading.enumerate()) - threads if "keeper" in one.name])
    assert handlers == {number: signal.getsignal(number) for number in handlers}
    assert signal.getitimer(signal.ITIMER_PROF) == signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    await eventually(lambda: sessions_are_ours(world), what="no session of the API's")
    assert capfd.readouterr() == ("", "")


async def sessions_are_ours(world: World) -> bool:
    found = await world.fetch(
        "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name <> $1",
        APPLICATION,
    )
    assert not found, found
    return True


async def test_run_takes_a_class_and_gives_the_numbers(world: World) -> None:
    await world.rows(100)
    interrupted = signal.getsignal(signal.SIGINT)
    result = await api.run(Counter, mode="null", batch_size=10)
    assert signal.getsignal(signal.SIGINT) == interrupted
    assert result.progress is not None
    assert (result.id, result.queued) == (await world.job(), 100)
    assert (result.progress.state, result.progress.updated) == (JobState.COMPLETED, 100)
    await all_counted_once(world, 100)


async def test_it_takes_an_instance_an_app_ids_and_parameters(world: World) -> None:
    await world.rows(10, base=1)
    assert (await api.run(Counter(), mode="all", ids=[1, "2"])).queued == 2
    assert (await api.run("tests.support.definitions:Counter", mode="null", limit=3)).queued == 3
    result = await api.run(Scaled, mode="null", parameters={"factor": 7})
    assert result.progress is not None
    assert result.progress.parameters["factor"] == 7
    assert await world.value("SELECT count(*) FROM things WHERE value = 7") == 5


async def test_queue_wait_and_status_go_together(world: World) -> None:
    await world.rows(20)
    result = await api.queue(Counter, batch_size=10, rabbitmq_url=world.amqp)
    assert (await api.status(result)).state is JobState.PENDING
    with pytest.raises(NotEndedError, match=r"is pending after 0\.2 s, with 0 of 20 records done"):
        await api.wait(result, timeout=0.2)
    async with working(world):
        progress = await api.wait(str(result.id), timeout=60)
    assert (progress.state, progress.updated) == (JobState.COMPLETED, 20)
    assert await api.status() == await api.status(result.id or "")


async def test_nothing_to_do_has_no_id(world: World) -> None:
    result = await api.run(Counter)
    assert (result.id, result.queued, result.progress) == (None, 0, None)
    with pytest.raises(UsageError, match="no record matched"):
        await api.wait(result)


async def test_warnings_are_collected(world: World) -> None:
    await world.rows(5)

    class OfYesterday(Counter):
        async def warnings(self, connection: Any) -> list[str]:
            return ["the inputs are of yesterday"]

    assert (await api.run(OfYesterday)).warnings == ("the inputs are of yesterday",)


async def test_what_ends_badly_is_raised(world: World) -> None:
    await world.rows(20, base="CASE WHEN id = 5 THEN 1 ELSE 0 END")
    with pytest.raises(FailedError, match=r"1 of 20 records of job .* failed; see: backfill failures"):
        await api.run(Poison, mode="all")
    with pytest.raises(FailedError):
        await api.wait("latest")


async def test_a_job_that_is_cancelled_or_halted_under_it_is_raised(world: World) -> None:
    await world.rows(400)
    for change, error in (
        (("cancel", "latest", "--reason", "no"), GivenUpError),
        (None, HaltedError),
    ):
        running = asyncio.create_task(api.run(Counter, mode="all", batch_size=2, concurrency=1))
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_jobs WHERE completed_at IS NULL"))
        await world.execute("UPDATE backfill_jobs SET pause_ms = 1000 WHERE completed_at IS NULL")
        if change is None:
            await world.execute("ALTER TABLE things RENAME value TO worth")
        else:
            await done(world, *change)
        with pytest.raises(error):
            await running


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"mode": "some"}, "mode=some: give one of null, zero, all"),
        ({"order": "up"}, "order=up"),
        ({"limit": 0}, "limit=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"databse_url": "x"}, "unknown: databse_url"),
        ({"lease_seconds": 0}, "BACKFILL_LEASE_SECONDS"),
        ({"parameters": {"factor": 7}}, "counter has no parameter factor"),
        ({"database_url": ""}, "no database: set DATABASE_URL"),
    ],
)
async def test_a_wrong_call_is_refused_in_a_sentence(world: World, given: Given, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        await api.run(Counter, **given)


async def test_what_is_no_definition_is_refused(world: World) -> None:
    nothing: Any = object
    with pytest.raises(UsageError, match="is no definition: give a ColumnBackfill or PartitionBackfill"):
        await api.run(nothing)


async def test_other_errors_are_those_of_the_commands(world: World) -> None:
    await world.rows(5)
    with pytest.raises(NotFoundError):
        await api.status("no-such-job")
    with pytest.raises(UnreachableError, match="cannot reach PostgreSQL"):
        await api.run(Counter, database_url="postgresql://127.0.0.1:9/none")
    with pytest.raises(UsageError, match="no broker: set RABBITMQ_URL"):
        await api.queue(Counter)
    result = await api.run(Counter)
    assert result.id is not None
    with pytest.raises(ConflictError, match="it has ended"):
        await api.run(Counter, resume=result)


@pytest.mark.parametrize("moment", ["planning", "working"])
async def test_cancelled_it_gives_everything_back_and_another_call_goes_on(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_of_ours, "GRACE_SECONDS", 60.0)  # a machine may stand still for longer than it is
    await world.rows(400)
    running = asyncio.create_task(api.run(Counter, mode="all", batch_size=2))
    what = "backfill_jobs" if moment == "planning" else "backfill_partitions WHERE completed_at IS NOT NULL"
    await eventually(lambda: world.value(f"SELECT count(*) FROM {what}"), interval=0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await world.partitions())["running"] == 0
    assert await world.value("SELECT producer_lease_until IS NULL FROM backfill_jobs")
    result = await api.run(Counter, resume="latest")
    assert result.progress is not None
    assert result.progress.state is JobState.COMPLETED
    await all_counted_once(world, 400)


async def test_a_timeout_of_the_callers_ends_it(world: World) -> None:
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await api.run(Flaky, mode="all", retry_delays=(60,))


async def test_asked_to_stop_it_says_how_to_go_on(world: World) -> None:
    await world.rows(200)
    running = asyncio.create_task(api.run(Counter, mode="all", batch_size=2, concurrency=1))
    await eventually(lambda: world.value("SELECT count(*) FROM backfill_jobs"))
    await world.execute("UPDATE backfill_jobs SET pause_ms = 10000")
    await eventually(lambda: world.value("SELECT count(*) FROM backfill_workers"))
    assert signal.getitimer(signal.ITIMER_PROF) == (
        0.0,
        0.0,
    )  # or the system would end this process under a long record
    await done(world, "workers", "stop", "--all", "--yes")
    with pytest.raises(NotEndedError, match="go on with: backfill run --resume"):
        await running


async def test_sync_does_the_same_in_a_thread(world: World) -> None:
    await world.rows(20)
    result = await asyncio.to_thread(api.sync.run, Counter, mode="null")
    assert result.progress is not None
    assert result.progress.updated == 20
    assert await asyncio.to_thread(api.sync.status, result) == await api.status(result)
    assert (await asyncio.to_thread(api.sync.wait, result)).done == 20
    queued = await asyncio.to_thread(api.sync.queue, Counter, mode="all", rabbitmq_url=world.amqp)
    assert queued.queued == 20


@pytest.mark.parametrize("name", ["queue", "run", "wait", "status"])
async def test_sync_within_a_running_loop_is_refused_and_names_the_other(world: World, name: str) -> None:
    with pytest.raises(UsageError, match=rf"api\.sync\.{name} would hold up .* write: await api\.{name}\("):
        getattr(api.sync, name)("latest")


async def test_a_planner_that_is_slow_to_end_has_its_say_though_the_job_is_done(world: World) -> None:
    await world.rows(20)
    wanted = asked(Counter, {}, mode="all")

    async def plan(parts: Any) -> dict[str, Any]:
        found = await planning.whole(wanted.definition, wanted.request)(parts)
        await eventually(lambda: world.value("SELECT completed_at IS NOT NULL FROM backfill_jobs"))
        return found

    run = Run(
        wanted.settings, wanted.definition, Collected(), concurrency=1, stats_interval=1_000_000, ends_process=False
    )
    assert (await run.work(plan)).queued["queued"] == 20


async def test_two_calls_beside_each_other_do_not_mind(world: World) -> None:
    await world.rows(200)
    results = await asyncio.gather(
        api.run(Counter, mode="all", batch_size=10, ids=range(1, 101)),
        api.run(Counter, mode="all", batch_size=10, ids=range(101, 201)),
    )
    assert [one.queued for one in results] == [100, 100]
    await all_counted_once(world, 200)
