"""Deleting what ended long ago: which jobs, who is asked, what is said and what stays."""

import re
from uuid import UUID

import pytest

from tests.support.operating import ask, done, history, queued
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

OLD = ("--older-than=30d", "--yes")
TABLES = ("backfill_jobs", "backfill_partitions", "backfill_failures")


async def ended(world: World, state: str, age: str) -> UUID:
    """A job of two partitions that ended in that state so long ago, with a failed record."""
    job = await queued(world, "--mode=all", "--batch-size=1", "--limit=2")
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now() WHERE id = $1", job)
    if state == "completed":
        await world.execute(
            "UPDATE backfill_partitions SET state = 'completed', completed_at = now(), records_updated = record_count "
            "WHERE backfill_job_id = $1",
            job,
        )
    await world.execute(
        "UPDATE backfill_jobs SET state = $2, completed_at = now() - $3::text::interval, planned_at = now() "
        "WHERE id = $1",
        job,
        state,
        age,
    )
    await world.execute(
        "INSERT INTO backfill_failures (backfill_job_id, tenant_id, partition_key, record_id, error_class, "
        "error_message, attempts) SELECT backfill_job_id, tenant_id, partition_key, '1', 'Error', 'wrong', 1 "
        "FROM backfill_partitions WHERE backfill_job_id = $1 LIMIT 1",
        job,
    )
    return job


async def there(world: World) -> set[UUID]:
    found = [{row[0] for row in await world.fetch(f"SELECT {name} FROM {table}")} for table, name in _ids()]
    assert found[0] == found[1] == found[2]
    return found[0]


def _ids() -> list[tuple[str, str]]:
    return [(table, "id" if table == "backfill_jobs" else "backfill_job_id") for table in TABLES]


@pytest.fixture
async def aged(world: World) -> dict[str, UUID]:
    """A job that ended lately, and one in each state that ended long ago."""
    await world.rows(2)
    found = {"fresh": await ended(world, "completed", "29 days")}
    for state in ("completed", "failed", "cancelled"):
        found[state] = await ended(world, state, "31 days")
    return found


async def test_what_ended_longer_ago_is_deleted_and_its_events_stay(world: World, aged: dict[str, UUID]) -> None:
    answer = await done(world, "delete", *OLD)
    assert answer.out == "3 jobs were deleted; their events stay.\n"
    assert [line.split()[0] for line in answer.err.splitlines()] == [str(aged[name]) for name in list(aged)[1:]]
    assert await there(world) == {aged["fresh"]}
    for state in ("completed", "failed", "cancelled"):
        assert [event for event, *_ in await history(world, aged[state])].count("job.deleted") == 1
    again = await done(world, "delete", *OLD)
    assert (again.out, again.err) == ("0 jobs were deleted; their events stay.\n", "No job is selected.\n")


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        (("--state=failed",), {"failed"}),
        (("--backfill=counter",), {"completed", "failed", "cancelled"}),
        (("--backfill=other",), set()),
        (("--state=cancelled", "--backfill=counter"), {"cancelled"}),
    ],
)
async def test_a_state_and_a_backfill_leave_fewer(
    world: World, aged: dict[str, UUID], options: tuple[str, ...], gone: set[str]
) -> None:
    answer = await done(world, "delete", *OLD, *options, "--json")
    assert {one["job"] for one in answer.json["jobs"]} == {str(aged[name]) for name in gone}
    assert all(one["deleted"] for one in answer.json["jobs"])
    assert await there(world) == {job for name, job in aged.items() if name not in gone}


@pytest.mark.parametrize(("time", "gone"), [("28d", 4), ("696h", 3), ("41760m", 3), ("800d", 0), ("9" * 400 + "d", 0)])
async def test_times_are_days_hours_or_minutes(world: World, aged: dict[str, UUID], time: str, gone: int) -> None:
    await world.execute("UPDATE backfill_jobs SET completed_at = completed_at + interval '1 minute'")
    answer = await done(world, "delete", f"--older-than={time}", "--yes", "--json")
    assert len(answer.json["jobs"]) == gone


async def test_an_active_job_is_never_among_them(world: World) -> None:
    await world.rows(2)
    job = await queued(world, "--mode=all")
    await world.execute("UPDATE backfill_jobs SET created_at = now() - interval '1 year', heartbeat_at = NULL")
    await done(world, "delete", "--older-than=0s", "--yes")
    assert await world.value("SELECT id FROM backfill_jobs") == job


async def test_nothing_is_deleted_where_nobody_can_answer(world: World, aged: dict[str, UUID]) -> None:
    answer = await ask(world, "delete", "--older-than=30d")
    assert answer.code == 2
    assert "delete 3 jobs? Nobody is here to answer; add --yes" in answer.err
    assert len(await there(world)) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "which job? give an id, the beginning of one or latest; or --older-than=30d"),
        (("--state=failed",), "which job?"),
        (("latest", "--older-than=30d"), "give a JOB, or --older-than with --state or --backfill, to delete"),
        (("latest", "--state=failed"), "give a JOB, or --older-than"),
        (("--older-than=30",), "'30' has no unit; write 30m, 30h or 30d"),
        (("--older-than=soon",), "'soon' is no time"),
        (("--older-than=-1d",), "'-1d' is no time"),
        (("--older-than=30d", "--state=running"), "'running' is not one of"),
    ],
)
async def test_what_is_not_clear_is_refused(world: World, words: tuple[str, ...], sentence: str) -> None:
    await world.rows(2)
    await ended(world, "failed", "31 days")
    answer = await ask(world, "delete", *words, "--yes")
    assert answer.code == 2
    assert sentence in answer.err
    assert len(await there(world)) == 1


async def test_one_that_cannot_be_deleted_keeps_no_other_and_gives_the_exit_code(
    world: World, aged: dict[str, UUID]
) -> None:
    """Somebody changes each while it is being deleted; the trigger does so between its reading and its deletion."""
    await world.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.id = '{aged['failed']}' THEN RETURN NULL; END IF; RETURN OLD; END $$;"
        "CREATE TRIGGER keep BEFORE DELETE ON backfill_jobs FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    answer = await ask(world, "delete", *OLD, "--json")
    assert answer.code == 4
    results = {one["job"]: one for one in answer.json["jobs"]}
    assert results[str(aged["failed"])]["error"]["exit_code"] == 4
    assert [one["deleted"] for one in results.values()].count(True) == 2
    assert await there(world) == {aged["fresh"], aged["failed"]}


async def test_each_is_deleted_for_itself(world: World, aged: dict[str, UUID]) -> None:
    """One whose partition is being applied is waited for; those before it have gone by then, and two may delete."""
    async with world.session() as session, session.transaction():
        await world.execute(
            "UPDATE backfill_partitions SET state = 'running', started_at = now(), fence = 1, "
            "worker_id = gen_random_uuid(), lease_expires_at = now() + interval '1 hour' "
            "WHERE backfill_job_id = $1 AND partition_key LIKE '%1'",
            aged["cancelled"],
        )
        await session.execute("SELECT FROM backfill_partitions WHERE state = 'running' FOR UPDATE")
        deleting = [world.run("backfill", "delete", *OLD) for _ in range(2)]

        async def two_are_left() -> bool:
            assert await there(world) == {aged["fresh"], aged["cancelled"]}
            return True

        await eventually(two_are_left, what="the others to be deleted")
    assert [await command.wait() for command in deleting] == [0, 0]
    assert await there(world) == {aged["fresh"]}
    said = [re.search(r"^(\d) jobs? w\w+ deleted", command.output, re.MULTILINE) for command in deleting]
    assert sum(int(one[1]) for one in said if one) == 3
    for state in ("completed", "failed", "cancelled"):
        assert [event for event, *_ in await history(world, aged[state])].count("job.deleted") == 1
