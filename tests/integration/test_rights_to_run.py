"""A role that may not do all of a job is told so before one is opened, and before a service is asked for anything."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from backfill.producers.command import main as queue_command
from tests.support.logins import Logins, as_role
from tests.support.operating import ask, done, queued
from tests.support.pieces import Months
from tests.support.world import World

MONTHS = "tests.support.pieces:Months"


class Hidden(Months):
    """Its keys are in a table that no role of ours may read."""

    name = "hidden"
    parameters: Months.Parameters

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        for row in await connection.fetch("SELECT code FROM labels ORDER BY code"):
            yield row["code"]


@pytest.fixture
async def world(world: World) -> World:
    await world.rows(20)
    world.checked = True
    return world


async def refused(world: World, *arguments: str, url: str, **env: str) -> str:
    """What the command says of a role that it refuses; no job is there afterwards."""
    answer = await ask(world, *arguments, DATABASE_URL=url, **env)
    assert answer.code == 6, answer
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0
    (sentence,) = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    return sentence


@pytest.mark.parametrize("app", ["tests.support.definitions:Counter", MONTHS])
async def test_a_run_of_a_role_that_only_plans_opens_nothing(world: World, logins: Logins, app: str) -> None:
    said = await refused(world, "run", url=logins.operator, BACKFILL_APP=app)
    assert "may open jobs and not work on them, which `backfill run` does too; give it a role that has" in said
    assert "backfill_worker (backfill init --roles), or leave the work to workers: backfill-queue" in said


async def test_a_run_of_a_role_that_only_works_opens_nothing(world: World, logins: Logins) -> None:
    said = await refused(world, "run", url=logins.worker)
    assert "may not open jobs; give it a role that has backfill_operator" in said


async def test_a_role_that_only_works_queues_nothing(world: World, logins: Logins) -> None:
    answer = await ask(world, command=queue_command, DATABASE_URL=logins.worker)
    assert answer.code == 6, answer
    assert "may not open jobs; give it a role that has backfill_operator" in answer.err


@pytest.mark.parametrize(
    ("app", "lacking"),
    [
        ("tests.support.definitions:Counter", "may not update value of 'things'; run: backfill init --roles"),
        (MONTHS, "may not write months; run: backfill init --roles"),
    ],
)
async def test_a_run_opens_nothing_for_tables_that_it_may_not_write(
    world: World, logins: Logins, app: str, lacking: str
) -> None:
    await world.execute("REVOKE UPDATE (value) ON things FROM backfill_worker")
    (role,) = [part.split(":")[0] for part in logins.worker.split("//")[1:]]
    await world.execute(f"GRANT backfill_operator TO {role}; GRANT SELECT ON things TO {role}")
    assert lacking in await refused(world, "run", url=logins.worker, BACKFILL_APP=app)


async def test_a_check_says_what_it_may_not_read_and_looks_no_further(world: World, logins: Logins) -> None:
    answer = await ask(world, "check", DATABASE_URL=logins.reader)
    assert answer.code == 6, answer
    assert "wrong    rights      the role test_reader_" in answer.out
    assert "may not read id" in answer.out
    assert "counter: 1 would stop a job" in answer.out


async def test_a_check_of_keys_takes_who_only_plans_for_that(world: World, logins: Logins) -> None:
    await done(world, "init", "--roles", BACKFILL_APP=MONTHS)
    checked = await ask(world, "check", "--sample=1", DATABASE_URL=logins.operator, BACKFILL_APP=MONTHS)
    assert checked.code == 0, checked
    assert "may plan and not write months; give workers a role that has backfill_worker" in checked.out
    assert "sample      none: this role may not write; try it with the role of a worker" in checked.out
    worked = await ask(world, "check", "--sample=1", DATABASE_URL=logins.worker, BACKFILL_APP=MONTHS)
    assert (worked.code, "1 tried: 1 updated" in worked.out) == (0, True), worked


async def test_keys_that_may_not_be_read_are_named_in_reads(world: World, logins: Logins) -> None:
    said = await refused(world, "run", url=logins.operator, BACKFILL_APP="tests.integration.test_rights_to_run:Hidden")
    assert "permission denied for table labels; name the table in reads of hidden, then run: backfill init" in said


async def test_workers_ask_no_service_for_what_they_may_not_write(world: World, logins: Logins) -> None:
    world.definition = MONTHS
    await queued(world)
    worker = world.worker("--burst", DATABASE_URL=logins.worker)
    assert await worker.wait() == 9, worker.output
    now = (await done(world, "status", "--json")).json
    assert "may not write months" in now["pause_reason"]
    assert now["calls_made"] == 0


async def test_rights_to_some_columns_are_rights_to_write(world: World, logins: Logins) -> None:
    world.definition = MONTHS
    await queued(world)
    await world.execute("GRANT SELECT, INSERT (unit, month, total), UPDATE (writes) ON months TO backfill_worker")
    worker = world.worker("--burst", DATABASE_URL=logins.worker)
    assert await worker.wait() == 0, worker.output
    assert await world.value("SELECT count(*) > 0 FROM months")


async def test_who_may_not_use_the_ledger_is_told_of_the_roles(world: World, logins: Logins) -> None:
    await world.execute("CREATE ROLE nobody_here LOGIN PASSWORD 'x'")
    try:
        answer = await ask(world, "status", DATABASE_URL=as_role(world.database, "nobody_here", "x"))
        assert answer.code == 6
        assert "grant it to the role of DATABASE_URL: backfill_worker for who works on jobs" in answer.err
    finally:
        await world.execute("DROP ROLE nobody_here")
