"""Roles have the rights they need and no others; nobody here is a superuser."""

from tests.conftest import ROOT
from tests.support.logins import Logins, refused, session
from tests.support.operating import ask, done, queued, until, working
from tests.support.world import World


async def test_a_job_runs_from_end_to_end_with_the_rights_of_an_operator_and_a_worker(
    world: World, logins: Logins
) -> None:
    # Given records of which one cannot be written: 12 becomes 13, which the table refuses
    await world.rows(60, value="CASE WHEN id = 7 THEN 12 END")
    operator = {"DATABASE_URL": logins.operator}

    job = await queued(world, "--mode=all", "--batch-size=10", **operator)
    await done(world, "set", str(job), "--pause-ms=10000", **operator)  # so that it is paused before it has ended
    async with working(world, 2, DATABASE_URL=logins.worker):
        await until(world, "running")
        await done(world, "pause", str(job), **operator)
        await done(world, "reset-stuck", str(job), "--force", **operator)
        await done(world, "resume", str(job), **operator)
        await done(world, "set", str(job), "--pause-ms=0", **operator)
        await until(world, "completed")
        await world.execute("UPDATE things SET value = 20 WHERE id = 7")
        await done(world, "retry", str(job), **operator)
        await until(world, "completed")

    assert await world.value("SELECT sum(value) FROM things") == 59 + 21
    for reading in (["status"], ["list"], ["failures", str(job)], ["events", str(job)]):
        await done(world, *reading, DATABASE_URL=logins.reader)
    assert (await ask(world, "delete", str(job), "--yes", DATABASE_URL=logins.reader)).code == 6
    await done(world, "delete", str(job), "--yes", **operator)
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE backfill_job_id = $1", job) == 0


async def test_a_mode_that_looks_again_runs_with_the_rights_of_a_worker(world: World, logins: Logins) -> None:
    # The closing sweep of mode null reads the table and plans what was missed.
    await world.rows(20)
    await queued(world, "--mode=null", "--batch-size=10", DATABASE_URL=logins.operator)
    await world.execute("UPDATE backfill_jobs SET upper_key = '25'")
    await world.execute("INSERT INTO things (id) SELECT generate_series(21, 25)")
    async with working(world, DATABASE_URL=logins.worker):
        await until(world, "completed")
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 25


async def test_a_worker_pauses_a_job_whose_rights_are_missing_and_says_so(world: World, logins: Logins) -> None:
    await world.rows(20)
    await queued(world, DATABASE_URL=logins.operator)
    await world.execute("REVOKE UPDATE (value) ON things FROM backfill_worker")
    async with working(world, DATABASE_URL=logins.worker):
        await until(world, "paused")
    reason = await world.value("SELECT reason FROM backfill_events ORDER BY id DESC LIMIT 1")
    assert "may not update value of 'things'" in reason


async def test_a_worker_reads_and_writes_nothing_but_what_the_definition_names(world: World, logins: Logins) -> None:
    await world.rows(10)
    async with session(logins.worker, "default") as worker:
        assert len(await worker.fetch("SELECT id, value, xmin, ctid FROM things")) == 10
        await worker.execute("UPDATE things SET value = 1 WHERE id = 1")
        for statement in (
            "SELECT extra FROM things",
            "SELECT base FROM things",
            "SELECT * FROM things",
            "SELECT * FROM audit",
            "UPDATE things SET extra = 'x'",
            "UPDATE things SET id = 99 WHERE id = 1",
            "INSERT INTO things (id) VALUES (99)",
            "DELETE FROM things",
            "TRUNCATE things",
            "CREATE TABLE mine (id int)",
            "ALTER TABLE things ADD COLUMN mine int",
            "DROP TABLE things",
            "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash) VALUES ('x', 'all', 1, '')",
            "UPDATE backfill_jobs SET record_ids = '{1}'",
            "DELETE FROM backfill_jobs",
            "DELETE FROM backfill_partitions",
            "DELETE FROM backfill_failures",
            "UPDATE backfill_events SET actor = 'nobody'",
            "CREATE ROLE mine",
        ):
            await refused(worker, statement)
    async with session(logins.reader, "default") as reader:
        for statement in (
            "UPDATE backfill_jobs SET state = 'cancelled'",
            "SELECT nextval('backfill_fence_seq')",
            "SELECT id FROM things",
        ):
            await refused(reader, statement)
    async with session(logins.operator, "default") as operator:
        await refused(operator, "UPDATE things SET value = 1")


async def test_tables_that_a_definition_reads_are_granted_however_often(world: World, logins: Logins) -> None:
    await world.execute((ROOT / "examples/killmails/schema.sql").read_text())
    for _ in range(2):
        answer = await done(world, "init", "--roles", "--app", "backfill.examples.killmails:KillmailValues")
        assert answer.out.splitlines()[-1] == "Roles may do their work: killmail_values."
    async with session(logins.worker, "default") as worker:
        for table in ("victims", "killmail_items", "market_prices"):
            assert await worker.fetch(f"SELECT * FROM {table}") == []
            await refused(worker, f"DELETE FROM {table}")
        await refused(worker, "SELECT war_id FROM killmails")
        await worker.execute("UPDATE killmails SET total_value = 1, destroyed_value = 1, dropped_value = 0")


async def test_an_app_without_roles_and_a_table_that_is_missing_are_refused(world: World) -> None:
    assert (await ask(world, "init", "--app", "backfill.examples.killmails:KillmailValues")).code == 2
    answer = await ask(world, "init", "--roles", "--app", "backfill.examples.killmails:KillmailValues")
    assert answer.code == 6
    assert "table 'killmails' of KillmailValues does not exist" in answer.err
