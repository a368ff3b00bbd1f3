"""What goes wrong with one backfill or job is said, and keeps no other from being reconciled."""

from uuid import UUID

import pytest

from backfill.modes import Priority
from tests.support.operating import another_round, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

TWO = {"BACKFILL_APP": "tests.support.two"}

REFUSED = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON backfill_jobs FOR EACH ROW
        WHEN (NEW.asset_name = 'counter' AND NEW.state = 'completed') EXECUTE FUNCTION refuse();
"""
SLOW = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE UPDATE ON backfill_jobs FOR EACH ROW
        WHEN (NEW.asset_name = 'counter' AND NEW.state = 'completed') EXECUTE FUNCTION wait();
"""
KEPT = """
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it is mine'; END $$;
    CREATE TRIGGER keep BEFORE UPDATE ON backfill_partitions FOR EACH ROW
        WHEN (OLD.state = 'running' AND NEW.state = 'pending') EXECUTE FUNCTION keep();
    INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state, fence,
        lease_expires_at)
    SELECT id, '000000002', '{1}', 1, 'running', 1, now() - interval '1 minute' FROM backfill_jobs;
"""
FAULTS = {
    "its table is gone": ("ALTER TABLE things RENAME TO thugs", "Cannot close job {job}: table 'things'"),
    "its closing is refused": (REFUSED, "Cannot close job {job}: RaiseError: not today"),
    "its closing takes too long": (SLOW, "Cannot close job {job}: QueryCanceledError: "),
    "its partitions cannot be taken back": (KEPT, "Cannot reconcile counter: RaiseError: it is mine"),
}


async def ended(world: World) -> UUID:
    """A running job of `counter` whose only partition has ended, and that nobody has closed."""
    await world.rows(10)
    job = await queued(world, "counter", "--mode=all", **TWO)
    await world.purge(world.topology.queue(Priority.NORMAL))
    await world.execute(
        "UPDATE backfill_partitions SET state = 'completed', completed_at = now(), records_updated = record_count"
    )
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now(), running_since = now()")
    return job


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_other_backfill_is_reconciled_all_the_same(world: World, fault: str) -> None:
    harm, complaint = FAULTS[fault]
    short = {"BACKFILL_STATEMENT_TIMEOUT_MS": "1500"} if harm == SLOW else {}  # for nothing else: a machine may be slow
    first = await ended(world)
    await world.execute(harm)
    await world.execute("INSERT INTO labels (code, title) VALUES ('a', 'A  Title')")
    second = await queued(world, "normalised", "--mode=all", **TWO)
    said: list[str] = []

    async with working(world, say=said.append, **TWO, **short):
        await until(world, "completed", second)
        await eventually(lambda: any(line.startswith(complaint.format(job=first)) for line in said), what=str(said))
        await another_round(world, "normalised")
        await another_round(world, "normalised")

    complaints = [line for line in said if line.startswith("Cannot ")]
    assert len(complaints) == 1, "said once, until it changes"
    assert "\n" not in complaints[0]


async def test_the_other_job_of_the_same_backfill_is_closed_all_the_same(world: World) -> None:
    first = await ended(world)
    await world.execute(REFUSED.replace("NEW.asset_name = 'counter'", f"NEW.id = '{first}'"))
    await world.execute("UPDATE backfill_jobs SET key_range = '[1,10]'")
    await world.execute("INSERT INTO things (id) VALUES (11)")
    second = await queued(world, "counter", "--mode=all", "--id=11", **TWO)
    said: list[str] = []
    async with working(world, say=said.append, **TWO):
        await until(world, "completed", second)
        await eventually(lambda: f"Cannot close job {first}: RaiseError: not today" in said, what=str(said))
        await world.execute("DROP TRIGGER refuse ON backfill_jobs")
        await until(world, "completed", first)
    assert sum(line.startswith("Cannot ") for line in said) == 1


async def test_a_run_to_the_end_ends_though_a_job_cannot_be_closed(world: World) -> None:
    job = await ended(world)
    await world.execute(REFUSED)
    worker = world.worker("--burst")
    assert await worker.wait() == 0, worker.output
    assert worker.output.count(f"Cannot close job {job}: RaiseError: not today") == 1
    assert "Traceback" not in worker.output
