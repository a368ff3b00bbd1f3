"""What would stop a job later is said when it is queued, and by a worker when it starts."""

import secrets
from collections.abc import AsyncIterator

import pytest

from backfill.producers.command import main as queue_command
from tests.support.logins import as_role
from tests.support.operating import ask, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

NO_RIGHT = "may not update value of 'things'"


@pytest.fixture
async def bound(world: World) -> AsyncIterator[str]:
    """The URL of a role that may do everything but write the column."""
    password, role = secrets.token_hex(12), f"test_bound_{secrets.token_hex(4)}"
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}'; "
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}; "
        f"REVOKE UPDATE ON things FROM {role}; GRANT UPDATE (base) ON things TO {role}"
    )
    yield as_role(world.database, role, password)
    await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def at_start(world: World, **env: str) -> list[str]:
    """What a worker warns of."""
    said: list[str] = []
    workers = "SELECT count(*) FROM backfill_workers"
    before = await world.value(workers)
    async with working(world, say=said.append, **env):
        await eventually(lambda: world.value(f"{workers} HAVING count(*) > $1", before))
    return [line for line in said if line.startswith("warning: ")]


async def test_a_right_that_workers_lack_is_told_when_queueing(world: World, bound: str) -> None:
    await world.rows(3)
    answer = await ask(world, "--mode=all", "--dry-run", command=queue_command, DATABASE_URL=bound)
    assert answer.code == 0, answer
    assert "has no right to update value of things" in answer.err
    assert "GRANT UPDATE (value) ON things TO " in answer.err
    # A role that only queues may lack it, where workers have theirs.
    await done(world, "init", "--roles")
    answer = await ask(world, "--mode=all", "--dry-run", command=queue_command, DATABASE_URL=bound)
    assert answer.err == ""
    await world.execute("REVOKE UPDATE (value) ON things FROM backfill_worker")
    answer = await ask(world, "--mode=all", "--dry-run", command=queue_command, DATABASE_URL=bound)
    assert "nor do workers with the role backfill_worker; run: backfill init --roles" in answer.err
    own = await ask(world, "--mode=all", "--dry-run", command=queue_command)
    assert own.err == ""


async def test_a_worker_without_it_says_so_at_its_start_and_pauses_the_job_before_it_computes(
    world: World, bound: str
) -> None:
    await world.rows(3)
    job = await queued(world, "--mode=all")
    said: list[str] = []
    async with working(world, say=said.append, DATABASE_URL=bound):
        await until(world, "paused")
    assert [line for line in said if line.startswith("warning: counter: the role") and NO_RIGHT in line]
    assert [line for line in said if line.startswith(f"Paused job {job}: SchemaError: the role") and NO_RIGHT in line]
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0


async def test_a_worker_names_the_active_jobs_that_nobody_serves(world: World) -> None:
    """After a renaming, for one."""
    await world.rows(3)
    job = await queued(world, "--mode=all")
    other = {"BACKFILL_APP": "tests.support.definitions:Doubler"}
    world.definition = "Doubler"
    (told,) = await at_start(world, **other)
    assert told == (
        f"warning: job {job} of counter is pending and no worker serves it, this one has doubler; start one that has "
        f"it (was it renamed?), or give the job up: backfill cancel {job} --reason=TEXT"
    )
    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'elsewhere', 1, '{counter}', 1, 1)"
    )
    assert await at_start(world) == []


async def test_definitions_that_write_the_same_column_are_named(world: World) -> None:
    await world.rows(3)
    app = {"BACKFILL_APP": "tests.support.definitions"}
    answer = await ask(world, "counter", "--mode=all", "--dry-run", command=queue_command, **app)
    (told,) = answer.err.splitlines()
    assert told.startswith("warning: counter, ")
    assert all(name in told for name in ("gated, ", "doubler, "))
    assert " write the same column, value of things: the jobs of one overwrite" in told


async def test_a_table_that_is_not_there_is_told_at_the_start(world: World) -> None:
    await world.execute("DROP TABLE things CASCADE")
    assert await at_start(world) == [
        "warning: counter: table 'things' of Counter does not exist; create it, or correct the definition"
    ]
