"""The ledger may be in a schema of its own, apart from the definitions' tables, and is found again wherever it is."""

import json
import subprocess
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from backfill.producers.command import main as queue
from tests.support import databases, pooler
from tests.support.logins import as_role
from tests.support.operating import ask, done
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("pooler")
THINGS = "CREATE SCHEMA app; CREATE TABLE app.things (id bigint PRIMARY KEY, base bigint, value numeric);"
ROWS = "INSERT INTO app.things SELECT n FROM generate_series(1, 20) n"


@pytest.fixture
async def empty(world: World) -> AsyncIterator[str]:
    """The URL of a database without a ledger."""
    async with databases.new_database(world.database) as url:
        await databases.execute(url, THINGS, ROWS)
        yield url


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_ledger_apart_is_found_again_whatever_the_search_path_is(
    world: World, empty: str, pooled: bool
) -> None:
    answer = await ask(world, "list", DATABASE_URL=f"{empty}?schema=app")
    assert (answer.code, "run: backfill init" in answer.err) == (6, True)
    await done(world, "init", DATABASE_URL=f"{empty}?schema=app", BACKFILL_SCHEMA="My jobs")
    await done(world, "init", DATABASE_URL=f"{empty}?schema=app")  # again, without being told
    found = await databases.fetch(
        empty, "SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname LIKE 'backfill%'"
    )  # fmt: skip
    assert [row["nspname"] for row in found] == ["My jobs"]
    async with pooler.pgbouncer(empty, size=2) as through:
        url = through if pooled else empty
        answer = await ask(world, "--mode=all", command=queue, DATABASE_URL=f"{url}?schema=app")
        assert answer.code == 0, answer
        worker = world.worker("--burst", DATABASE_URL=f"{url}?schema=app")
        assert await worker.wait() == 0, worker.output
        for query in ("", "?schema=app", "?schema=elsewhere", "?options=-csearch_path="):
            status = await done(world, "status", "--json", DATABASE_URL=f"{url}{query}")
            assert status.json["updated"] == 20
    assert len(await databases.fetch(empty, "SELECT FROM app.things WHERE value = 1")) == 20


async def test_of_several_ledgers_one_has_to_be_named(world: World, empty: str) -> None:
    for schema in ("a", "b"):
        await done(world, "init", DATABASE_URL=f"{empty}?schema={schema}", BACKFILL_SCHEMA=schema)
    answer = await ask(world, "list", DATABASE_URL=empty)
    assert (answer.code, "there are ledgers in a and b; say which with BACKFILL_SCHEMA" in answer.err) == (6, True)
    await done(world, "list", DATABASE_URL=empty, BACKFILL_SCHEMA="b")
    answer = await ask(world, "list", DATABASE_URL=f"{empty}?schema=a", BACKFILL_SCHEMA="b")
    assert (answer.code, "the search path finds a ledger in a first" in answer.err) == (6, True)


async def test_a_ledger_that_a_role_may_not_use_is_not_called_missing(world: World, empty: str) -> None:
    await done(world, "init", DATABASE_URL=empty, BACKFILL_SCHEMA="jobs")
    role = f"stranger_{urlsplit(empty).path[-8:]}"
    await databases.execute(empty, f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        answer = await ask(world, "list", DATABASE_URL=as_role(empty, role, "x"))
        assert (answer.code, "the ledger is in schema jobs, which the role" in answer.err) == (6, True)
    finally:
        await databases.execute(empty, f"DROP ROLE {role}")


async def test_the_queries_about_progress_are_printed_and_run(world: World) -> None:
    listed = await done(world, "sql")
    assert [line.split()[0] for line in listed.out.splitlines()] == [
        "by_minute", "coverage", "eta_remaining", "failure_pattern", "failures", "jobs", "partitions", "paused_state",
        "remaining", "resume_monitor", "throughput", "workers",
    ]  # fmt: skip
    printed = await done(world, "sql", "jobs")
    by_hand = subprocess.run(  # noqa: ASYNC221 - it is quick
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", world.database], input=printed.out, text=True, capture_output=True
    )
    assert "(0 rows)" in by_hand.stdout, by_hand
    assert (await done(world, "sql", "jobs", "--run")).out == "No rows.\n"
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")
    head, row = (await done(world, "sql", "jobs", "--run")).out.splitlines()
    assert dict(zip(head.split("\t"), row.split("\t"), strict=True))["progress"] == "0/2"
    rows = json.loads((await done(world, "sql", "partitions", "--run", "--json")).out)["rows"]
    assert [(one["state"], one["partitions"], one["records"]) for one in rows] == [("pending", 2, 20)]
    answer = await ask(world, "sql", "no_such")
    assert (
        answer.code,
        "there are: by_minute, coverage, eta_remaining, failure_pattern, failures, jobs" in answer.err,
    ) == (2, True)
