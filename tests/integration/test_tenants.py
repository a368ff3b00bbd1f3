"""No tenant's jobs are another's; nobody here is a superuser."""

import secrets

import asyncpg
import pytest

from backfill import broker
from backfill.modes import Priority
from backfill.producers.command import main as queue_command
from backfill.topology import Topology
from tests.support.databases import new_database
from tests.support.logins import Logins, as_role, session
from tests.support.operating import Answer, another_round, ask, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

TABLES = ("jobs", "partitions", "failures", "workers", "events", "leases")


@pytest.fixture
async def logins(world: World, logins: Logins) -> Logins:
    """Logins that belong to three tenants."""
    await done(world, "init", "--roles", "--tenant=a", "--tenant=b", "--tenant=default")
    await world.execute(logins.belong_to("a", "b", "default"))
    return logins


async def as_tenant(world: World, url: str, tenant: str, *arguments: str) -> Answer:
    return await ask(world, *arguments, DATABASE_URL=url, BACKFILL_TENANT=tenant)


async def test_without_a_tenant_nothing_is_visible(world: World, logins: Logins) -> None:
    await world.rows(10)
    await queued(world, DATABASE_URL=logins.operator)
    for url in (logins.operator, logins.worker, logins.reader, logins.owner):
        async with session(url) as nobody:
            for table in TABLES:
                assert await nobody.fetch(f"SELECT * FROM backfill_{table}") == []
        async with session(url, "default") as somebody:
            assert len(await somebody.fetch("SELECT * FROM backfill_jobs")) == 1
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await somebody.execute(
                    "INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor) "
                    "SELECT 'b', id, 'forged', 'me' FROM backfill_jobs"
                )
    async with session(logins.operator) as nobody:
        assert await nobody.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now()") == "UPDATE 0"


async def test_another_tenant_can_neither_see_nor_pause_nor_cancel_a_job(world: World, logins: Logins) -> None:
    await world.rows(20)
    job = await queued(world, DATABASE_URL=logins.operator, BACKFILL_TENANT="b")
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")

    for arguments in (
        ["status", str(job)],
        ["failures", str(job)],
        ["events", str(job)],
        ["wait", str(job), "--timeout", "1s"],
        ["pause", str(job)],
        ["cancel", str(job), "--reason", "x"],
        ["set", str(job), "--pause-ms", "1"],
        ["reset-stuck", str(job), "--force"],
        ["delete", str(job), "--yes"],
        ["retry", str(job)],
        ["status", "latest"],
    ):
        answer = await as_tenant(world, logins.operator, "a", *arguments)
        assert (answer.code, answer.out) == (3, ""), (arguments, answer)
    assert (await as_tenant(world, logins.operator, "a", "list")).out == "No jobs.\n"
    every = await as_tenant(world, logins.operator, "a", "cancel", "--all", "--reason", "x", "--yes")
    assert "No job is selected." in every.err
    assert await world.state() == "running"
    assert (await as_tenant(world, logins.operator, "b", "pause", str(job))).code == 0


async def test_each_tenant_has_idempotency_keys_and_pauses_of_its_own(world: World, logins: Logins) -> None:
    await world.rows(20)
    roles = {"DATABASE_URL": logins.operator}
    key = ("--mode=all", "--idempotency-key=nightly")
    a = await queued(world, *key, BACKFILL_TENANT="a", **roles)
    b = await queued(world, *key, "--limit=5", BACKFILL_TENANT="b", **roles)
    assert a != b
    for verb, states in (("pause", ["paused", "pending"]), ("resume", ["resuming", "pending"])):
        assert (await as_tenant(world, logins.operator, "a", verb, "--all", "--yes")).code == 0
        rows = await world.fetch("SELECT state FROM backfill_jobs ORDER BY tenant_id")
        assert [row[0] for row in rows] == states


async def test_a_worker_may_pause_a_job_whose_table_no_longer_fits(world: World, logins: Logins) -> None:
    await world.rows(20)
    job = await queued(world, DATABASE_URL=logins.operator)
    await world.execute("ALTER TABLE things RENAME value TO worth")
    async with working(world, DATABASE_URL=logins.worker):
        await until(world, "paused")
    assert (await ask(world, "wait", str(job), DATABASE_URL=logins.reader)).code == 9


async def test_each_tenant_has_queues_jobs_and_workers_of_its_own(world: World, logins: Logins) -> None:
    await world.rows(20)
    queue = ["--mode=all", "--batch-size=10"]
    a = await queued(world, *queue, DATABASE_URL=logins.operator, BACKFILL_TENANT="a")
    # The same records: two tenants' jobs do not overlap, whatever they do to a table that both can reach.
    b = await queued(world, *queue, DATABASE_URL=logins.operator, BACKFILL_TENANT="b")
    names = {tenant: Topology("counter", tenant).queue(Priority.NORMAL) for tenant in ("a", "b")}
    assert names == {"a": "backfill_a.counter_queue", "b": "backfill_b.counter_queue"}

    async def depth(tenant: str) -> int | None:
        async with world.broker() as connection:
            return await broker.depth(connection, names[tenant])

    assert (await depth("a"), await depth("b")) == (2, 2)
    async with working(world, DATABASE_URL=logins.worker, BACKFILL_TENANT="a"):
        await until(world, "completed", a)
        assert await world.value("SELECT state FROM backfill_jobs WHERE id = $1", b) == "pending"
        assert await depth("b") == 2
    async with working(world, DATABASE_URL=logins.worker, BACKFILL_TENANT="b"):
        await until(world, "completed", b)
    assert await world.value("SELECT sum(value) FROM things") == 40
    tenants = await world.fetch("SELECT DISTINCT tenant_id FROM backfill_partitions ORDER BY 1")
    assert [row[0] for row in tenants] == ["a", "b"]


async def test_a_message_of_one_tenant_in_the_queue_of_another_gives_no_claim(world: World, logins: Logins) -> None:
    await world.rows(10)
    await queued(world, "--mode=all", DATABASE_URL=logins.operator, BACKFILL_TENANT="b")
    (body,) = await world.messages()
    async with working(world, DATABASE_URL=logins.worker):  # the default tenant's, which declares its queues
        await eventually(lambda: depth_is_known(world))
        await world.publish(body)

        async def buried() -> bool:
            assert len(await world.dead()) == 1
            return True

        await eventually(buried, what="the message in the dead queue of the tenant that got it")
    assert await world.value("SELECT sum(attempt_count) FROM backfill_partitions") == 0
    assert await world.value("SELECT count(*) FROM audit") == 0


async def depth_is_known(world: World) -> bool:
    return world.topology.queue(Priority.NORMAL) in await world.depths()


async def test_a_role_that_sees_every_tenant_is_refused_once_there_is_another(world: World, logins: Logins) -> None:
    await world.rows(10)
    await queued(world, "--mode=all")
    assert (await ask(world, "list")).code == 0
    await queued(world, "--mode=all", DATABASE_URL=logins.operator, BACKFILL_TENANT="b")

    worker = world.worker("--burst")
    assert await worker.wait() == 6, worker.output
    assert worker.output.splitlines()[-1].startswith("error: the role of DATABASE_URL bypasses row-level security")
    assert (await ask(world, "list")).code == 6
    assert (await ask(world, "--mode=all", command=queue_command)).code == 6
    assert await world.value("SELECT sum(attempt_count) FROM backfill_partitions") == 0
    async with working(world, DATABASE_URL=logins.worker):
        await until(world, "completed", await world.value("SELECT id FROM backfill_jobs WHERE tenant_id = 'default'"))


async def test_a_worker_may_take_and_offer_definitions_and_an_operator_accepts_one(
    world: World, logins: Logins
) -> None:
    await world.rows(10)
    operator = {"DATABASE_URL": logins.operator}
    for its_own in ("", "2-0123456789abcdef"):
        job = await queued(world, **operator)
        await world.execute("UPDATE backfill_jobs SET definition_hash = $1 WHERE id = $2", its_own, job)
        async with working(world, DATABASE_URL=logins.worker):
            if its_own:
                await until(world, "paused", job)
                await done(world, "resume", str(job), "--accept-definition", **operator)
            await until(world, "completed", job)


async def test_a_worker_that_sees_every_tenant_does_not_touch_one_that_came_later(world: World, logins: Logins) -> None:
    # Given a superuser's worker that runs
    await world.rows(10)
    others = "tenant_id = 'b' ORDER BY id"
    b = {"DATABASE_URL": logins.operator, "BACKFILL_TENANT": "b"}
    said: list[str] = []
    async with working(world, say=said.append):
        await another_round(world, "counter")
        # when another tenant's jobs of the same backfill wait to be published, to be taken back, and to be closed
        await queued(world, "--mode=all", "--batch-size=1", "--id=1", "--id=2", **b)
        body = (await world.messages())[0]
        ended = await queued(world, "--mode=all", "--id=3", **b)
        await world.execute("UPDATE backfill_partitions SET published_at = NULL")
        await world.execute(
            "UPDATE backfill_partitions SET state = 'running', fence = 1, lease_expires_at = now() - interval '1 hour' "
            "WHERE partition_key = '000000002'"
        )
        await world.execute(
            "UPDATE backfill_partitions SET state = 'completed', completed_at = now(), records_unchanged = 1 "
            "WHERE backfill_job_id = $1",
            ended,
        )
        await world.execute(
            "UPDATE backfill_jobs SET state = 'running', started_at = now(), producer_lease_until = NULL"
        )
        before = [await world.fetch(f"SELECT * FROM backfill_{table} WHERE {others}") for table in TABLES[:2]]
        for _ in range(3):
            await another_round(world, "counter")
        # and one of its messages has come into the wrong queue
        await world.publish(body)
        await eventually(lambda: any("To the dead queue: unknown job" in line for line in said))

        # then they are as they were, and the worker's own tenant is served
        after = [await world.fetch(f"SELECT * FROM backfill_{table} WHERE {others}") for table in TABLES[:2]]
        assert [len(rows) for rows in after] == [2, 3]
        assert after == before
        assert await world.value("SELECT count(*) FROM audit") == 0
        own = await queued(world, "--mode=all", DATABASE_URL=logins.operator)
        await until(world, "completed", own)


async def test_a_tenant_that_is_no_name_is_refused(world: World) -> None:
    answer = await ask(world, "list", BACKFILL_TENANT="no such/tenant")
    assert answer.code == 2
    assert answer.err.startswith("error: BACKFILL_TENANT=no such/tenant: ")


async def test_the_owner_of_the_tables_sees_one_tenant_at_a_time_too(world: World) -> None:
    # Given a ledger that was made by an ordinary role, which owns it
    role, password = f"test_maker_{secrets.token_hex(4)}", secrets.token_hex(12)
    await world.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}'")
    try:
        async with new_database(world.database) as url:
            async with session(url) as superuser:
                await superuser.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
            own = as_role(url, role, password)
            await done(world, "init", DATABASE_URL=own)
            insert = (
                "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash) VALUES ('x', 'all', 1, '')"
            )
            for tenant in ("a", "b"):
                async with session(own, tenant) as owner:
                    await owner.execute(insert)
                    assert await owner.fetchval("SELECT array_agg(tenant_id) FROM backfill_jobs") == [tenant]
                    assert await owner.fetchval("SELECT count(*) FROM backfill_events") == 1
            async with session(own) as owner:
                assert (
                    await owner.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'backfill_jobs'") == role
                )
                for table in TABLES:
                    assert await owner.fetchval(f"SELECT count(*) FROM backfill_{table}") == 0
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await owner.execute(insert)
    finally:
        await world.execute(f"DROP ROLE {role}")


async def test_the_idempotency_key_of_one_tenant_is_free_for_another(world: World, logins: Logins) -> None:
    await world.rows(10)
    key = ("--mode=all", "--idempotency-key=tuesday")
    a = await queued(world, *key, DATABASE_URL=logins.operator, BACKFILL_TENANT="a")
    b = await queued(world, *key, DATABASE_URL=logins.operator, BACKFILL_TENANT="b")
    assert a != b
    again = await ask(world, *key, command=queue_command, DATABASE_URL=logins.operator, BACKFILL_TENANT="a")
    assert f"Job {a} was opened with this idempotency key" in again.out
