"""What the roles may do where a database gives nothing to everybody."""

from uuid import uuid4

from backfill.ledger import partitions
from backfill.message import PartitionMessage
from backfill.modes import Mode
from tests.support.operating import done, queued
from tests.support.world import World


async def test_a_worker_may_claim_where_the_right_to_execute_was_taken_from_everybody(world: World) -> None:
    await world.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    await world.rows(10)
    job = await queued(world)
    await done(world, "init", "--roles")
    message = PartitionMessage(
        job_id=job, backfill=world.backfill, mode=Mode.ALL, partition_key="000000001", ids=("1",)
    )

    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    await world.execute("SET ROLE backfill_worker")
    claim = await partitions.claim(world.connection, message, uuid4(), 60)
    assert claim is not None
    for role in ("backfill_worker", "backfill_operator", "backfill_reader"):
        await world.execute(f"SET ROLE {role}")
        assert await world.value("SELECT count(*) FROM backfill_workers w WHERE backfill_is_alive(w)") == 0
    await world.execute("RESET ROLE")
