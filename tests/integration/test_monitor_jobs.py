"""What a look tells of our own jobs, and of ledgers that cannot be read."""

import os
import time
from pathlib import Path

import pytest

from backfill.monitor.around import around
from backfill.monitor.databases import DEMO
from backfill.monitor.profile import JobSource, Profile
from backfill.monitor.readings import Measure, Reading
from backfill.monitor.sources import jobs
from backfill.services import ports, state
from tests.support import databases
from tests.support.logins import Logins
from tests.support.operating import (
    closed_gate,
    done,
    in_state,
    queued,
    under_way,
    until,
    until_held,
    with_failures,
    working,
)
from tests.support.surroundings import surroundings
from tests.support.world import World

NOWHERE = "postgresql://u:secret@127.0.0.1:{}/db"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for some seconds is no ledger that does not answer."""
    monkeypatch.setattr(jobs, "SECONDS", 60.0)
    monkeypatch.setattr(jobs, "STATEMENT_SECONDS", 60.0)
    monkeypatch.setattr("backfill.monitor.around.LEDGER_SECONDS", 60.0)


async def look(url: str | None, folder: Path, job: str = "latest", **environ: str) -> Reading:
    given = environ | ({} if url is None else {"DATABASE_URL": url})
    reading, _ = await jobs.read(JobSource(id=job), Profile(), surroundings(folder, given), {})
    return reading


async def test_a_job_that_is_worked_on(world: World, tmp_path: Path) -> None:
    async with under_way(world, partitions=20) as job:
        reading = await look(world.database, tmp_path)
        found = reading.job
        assert not reading.problems
        assert found is not None
        assert (found.id, found.backfill, found.mode, found.state) == (str(job), "counter", "all", "running")
        assert (found.is_planned, found.matched, found.failed, found.live_workers) == (True, 200, 0, 1)
        assert 30 <= found.done < 200
        assert found.updated == found.done == reading.measures[Measure.ROWS]
        assert reading.measures[Measure.ROWS_TOTAL] == 200
        assert sum(reading.minutes.values()) == found.done
        assert max(reading.minutes) == pytest.approx(time.time() // 60, abs=1)
        assert sum(reading.groups.values()) == 20
        assert reading.groups["partitions completed"] == found.done / 10
        (worker,) = reading.workers
        host, _, pid = worker.name.rpartition(":")
        assert (bool(host), pid.isdigit(), worker.percent, worker.source) == (True, True, None, "job latest")
        assert reading.newest_at == pytest.approx(time.time(), abs=10)


async def test_what_workers_have_in_hand_is_told(world: World, tmp_path: Path) -> None:
    world.definition = "Gated"
    await world.rows(80)  # more than the first worker takes into its buffer
    await queued(world)
    async with working(world, 2):
        async with closed_gate(world):
            await until_held(world, 2)
            reading = await look(world.database, tmp_path)
        assert reading.problems == []
        keys = await world.value("SELECT array_agg(partition_key ORDER BY claimed_at) FROM backfill_partitions")
        slowest, other = reading.workers
        assert (slowest.in_hand or "").startswith(f"partition {keys[0]} for ")
        assert other.in_hand is None


async def test_a_paused_job_has_its_reason_and_no_worker(world: World, tmp_path: Path) -> None:
    job = await in_state(world, "running")
    await done(world, "pause", "latest", "--reason", "the shop is open")
    reading = await look(world.database, tmp_path, str(job)[:8])
    assert reading.job is not None
    assert (reading.source, reading.job.state, reading.job.reason) == (
        f"job {str(job)[:8]}", "paused", "the shop is open",
    )  # fmt: skip
    assert (reading.job.live_workers, reading.job.rate_per_second, reading.job.seconds_left) == (0, None, None)


async def test_what_a_job_needs_is_said_with_the_command_and_of_no_other_job(world: World, tmp_path: Path) -> None:
    await world.rows(20)
    first = await queued(world, "--mode=all", "--id=1")
    second = await queued(world, "--mode=all", "--id=2")
    reading = await look(world.database, tmp_path, str(first))
    assert reading.job is not None
    ((kind, text, command),) = reading.job.attention
    assert (kind, "no live worker serves it" in text, command) == ("no_worker", True, "backfill-worker")
    assert first != second


async def test_failed_records_are_told_with_examples(world: World, tmp_path: Path) -> None:
    job = await with_failures(world)
    reading = await look(world.database, tmp_path)
    assert reading.job is not None
    assert (reading.job.id, reading.job.state, reading.job.failed, reading.job.done) == (str(job), "completed", 2, 40)
    errors = reading.happened["error"]
    assert (errors.total, errors.last_at) == (2, pytest.approx(time.time(), abs=60))
    assert [line.place for line in errors.examples] == ["record 5"]
    assert reading.job.completed_at is not None


async def test_the_same_through_a_role_that_may_only_read(world: World, logins: Logins, tmp_path: Path) -> None:
    await in_state(world, "running")
    reading = await look(logins.reader, tmp_path)
    assert (reading.problems, reading.job and reading.job.state) == ([], "running")


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ("latest", "there is no job yet; open one with: backfill-queue"),
        ("00000000", "no job 00000000; see: backfill list"),
        ("\x1b[31m", "no job '\\\\x1b[31m'; give an id"),
    ],
)
async def test_a_job_that_is_not_there(world: World, tmp_path: Path, job: str, says: str) -> None:
    reading = await look(world.database, tmp_path, job)
    assert reading.job is None
    assert says in reading.problems[0].text
    assert "\x1b" not in reading.problems[0].text


async def test_ledgers_that_cannot_be_read_are_named_with_the_next_step(world: World, tmp_path: Path) -> None:
    async def problem(url: str | None) -> str:
        (found,) = (await look(url, tmp_path)).problems
        assert "secret" not in found.text
        return found.text

    assert "DATABASE_URL is not set; set it to a URL such as postgresql://" in await problem(None)
    assert "start private services with: backfill services up" in await problem(None)
    assert "cannot reach PostgreSQL at postgresql://u:***@" in await problem(NOWHERE.format(ports.free_block(1)))
    assert "is no PostgreSQL URL; write" in await problem("mysql://u:secret@h/d")
    async with databases.new_database(world.database) as empty:
        assert await problem(empty) == "the ledger is missing in this database; run: backfill init"
    await world.execute("INSERT INTO backfill_schema (version) VALUES (9999)")
    assert "this program knows" in await problem(world.database)


async def test_a_ledger_that_is_locked_does_not_keep_a_look_waiting(world: World, tmp_path: Path) -> None:
    await in_state(world, "running")
    async with world.session() as session, session.transaction():
        await session.execute("LOCK TABLE backfill_failures, backfill_minutes IN ACCESS EXCLUSIVE MODE")
        reading = await look(world.database, tmp_path)
    assert reading.job is not None  # what was read before stays
    assert "lock timeout" in reading.problems[0].text


async def test_without_a_profile_every_active_job_is_looked_at(world: World, tmp_path: Path) -> None:
    where = surroundings(tmp_path, {"DATABASE_URL": world.database})
    assert (await around(where)).job == []
    await world.rows(20)
    first, second = [await queued(world, "--mode=all", f"--id={n}") for n in (1, 2)]
    found = await around(where)
    assert (found.title, {job.id for job in found.job}) == ("Backfill counter", {str(first), str(second)})
    lasting = await around(where, lasting=True)
    assert lasting.job == [JobSource()]
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs/load.log"
    log.write_text("a line\n")
    assert len((await around(where)).log) == 1
    os.utime(log, (time.time() - 5000, time.time() - 5000))
    assert (await around(where)).log == []  # it was left long ago, and the jobs are active
    for job in (first, second):
        await done(world, "cancel", str(job), "--reason", "over")
    assert [job.id for job in (await around(where)).job] == [str(second)]
    os.utime(log)
    await world.execute("UPDATE backfill_jobs SET completed_at = completed_at - interval '1 hour'")
    seen = await around(where)
    assert (seen.job, len(seen.log)) == ([], 1)  # the job ended long before the log was written
    log.unlink()
    assert (await around(surroundings(tmp_path, where.environ, lambda: time.time() + 86_500))).job == []


async def test_a_demo_that_runs_in_the_folder_is_found_and_a_dead_one_is_not(world: World, tmp_path: Path) -> None:
    job = await in_state(world, "running")
    for number, url in enumerate((NOWHERE.format(ports.free_block(1)), world.database)):
        folder = tmp_path / ".backfill" / f"demo-{number}"
        folder.mkdir(parents=True)
        state.write_urls(folder, {"database_url": url})
    (tmp_path / ".backfill/demo-2").mkdir()
    (tmp_path / ".backfill/demo-2/urls.json").write_text("{")
    async with databases.new_database(world.database) as other:
        for environ in ({}, {"DATABASE_URL": other}, {"DATABASE_URL": NOWHERE.format(1)}):
            where = surroundings(tmp_path, environ)
            profile = await around(where)
            (source,) = profile.job
            assert source == JobSource(id=str(job), database=DEMO if environ else "DATABASE_URL")
            reading, _ = await jobs.read(source, profile, where, {})
            assert reading.job is not None
            assert reading.job.id == str(job)


async def test_a_ledger_that_cannot_be_read_is_worth_saying_when_somebody_named_it(
    world: World, tmp_path: Path
) -> None:
    async def seen(url: str) -> list[JobSource]:
        return (await around(surroundings(tmp_path, {"DATABASE_URL": url}))).job

    assert await seen(NOWHERE.format(ports.free_block(1))) == [JobSource()]
    await world.execute("INSERT INTO backfill_schema (version) VALUES (9999)")
    assert await seen(world.database) == [JobSource()]
    async with databases.new_database(world.database) as other:
        assert await seen(other) == []
    assert await seen("mysql://u@h/d") == []
    assert (await around(surroundings(tmp_path))).sources == 0


async def test_a_completed_job_has_ended(world: World, tmp_path: Path) -> None:
    await in_state(world, "completed")
    await until(world, "completed")
    reading = await look(world.database, tmp_path)
    assert reading.job is not None
    assert (reading.job.state, reading.job.done, reading.job.matched) == ("completed", 20, 20)
    assert reading.groups == {"partitions completed": 2}
