"""Each role may read and write every column that its programs' statements name, and each column has a decision."""

from collections import Counter
from functools import cache
from typing import Final

import asyncpg
import pytest

from backfill import statements
from tests.support import callers
from tests.support.operating import done
from tests.support.world import World

ROLES: Final = ("backfill_operator", "backfill_worker", "backfill_reader", "backfill_server", "backfill_owner")
# A new column of backfill_jobs belongs to one of these two: what a worker keeps up to date, and what was asked for or
# is an operator's to change.
KEPT_BY_WORKERS: Final = """
    state version started_at running_since paused_at completed_at error_message heartbeat_at
    total_partitions completed_partitions failed_partitions skipped_partitions
    records_matched records_updated records_unchanged records_skipped records_failed records_deleted
    checkpoint_partition_key avg_partition_duration_ms
    estimated_completion_at earliest_completion_at latest_completion_at
    sweep sweep_ended sweep_cursor sweep_partition sweep_found sweep_left records_left left_reasons records_replanned
    pause_cause definition_hash changed_definition_hash result
    calls_made calls_refused retried_recovered retried_failed before_job_at
"""
ASKED_FOR: Final = """
    id tenant_id asset_name mode priority sort_order batch_size record_limit record_ids key_range upper_key
    cursor_key created_at paused_seconds planned_at sla_deadline_at producer_id producer_lease_until
    idempotency_key created_by parent_job_id max_workers pause_ms after_key parameters
    former_definition_hashes scope pass_number first_job_id scope_records scope_covered scope_is_estimate
"""
# And a new column of backfill_partitions: what workers keep up to date is granted to them, the rest is as planned.
PLANNED: Final = "id backfill_job_id tenant_id partition_key record_ids record_count created_at sweep"


@cache
def used() -> dict[str, set[str]]:
    return callers.statements()


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_execute_every_statement_of_its_programs(world: World, role: str) -> None:
    await done(world, "init", "--roles")
    refused = {}
    async with world.session() as session:
        await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
        await session.execute(f"SET ROLE {role}; SET plan_cache_mode = force_generic_plan")
        for name in sorted(used()[role]):
            text = statements.read(name)
            given = ", ".join(["NULL"] * len((await session.prepare(text)).get_parameters()))
            await session.execute(f"PREPARE one AS {text}")
            try:
                # Rights are looked at when a plan is begun, which EXPLAIN does, and nothing else happens.
                await session.execute(f"EXPLAIN EXECUTE one{f'({given})' if given else ''}")
            except asyncpg.InsufficientPrivilegeError as error:
                refused[name] = str(error)
            await session.execute("DEALLOCATE one")
    assert not refused


def test_every_statement_of_the_ledger_is_somebodys() -> None:
    named = {f"ledger/{path.parent.name}/{path.stem}" for path in statements.FOLDER.glob("ledger/*/*.sql")}
    assert named == set().union(*used().values())


async def test_every_column_of_a_job_is_kept_by_workers_or_was_asked_for(world: World) -> None:
    await done(world, "init", "--roles")
    rows = await world.fetch(
        "SELECT attname::text, has_column_privilege('backfill_worker', attrelid, attnum, 'UPDATE') AS may "
        "FROM pg_attribute WHERE attrelid = 'backfill_jobs'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    decided = Counter([*KEPT_BY_WORKERS.split(), *ASKED_FOR.split()])
    assert decided == Counter(row["attname"] for row in rows), "a column of backfill_jobs: whose is it?"
    assert sorted(row["attname"] for row in rows if row["may"]) == sorted(KEPT_BY_WORKERS.split())


async def test_every_column_of_a_partition_is_kept_by_workers_or_was_planned(world: World) -> None:
    await done(world, "init", "--roles")
    rows = await world.fetch(
        "SELECT attname::text, has_column_privilege('backfill_worker', attrelid, attnum, 'UPDATE') AS may FROM "
        "pg_attribute WHERE attrelid = 'backfill_partitions'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert {row["attname"] for row in rows if not row["may"]} == set(PLANNED.split())
