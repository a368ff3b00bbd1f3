"""What must hold after any fault: the ledger, the audit, the queues and the sessions, held against each other."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from backfill.errors import ContractError
from backfill.message import decode
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.world import World

WORKERS = "worker %"
# On tables without an audit: their tests compare rows.
WITHOUT_AUDIT = ["normalised", "by_code", "market_prices", "monthly_generation", "job_embeddings", "message_labels"]


async def hold(world: "World", states: Iterable[str], undecodable: int, sentinels: dict[int, Any]) -> None:
    """Fail where one of the promises is broken; `World.ends_well` says what the arguments are."""
    jobs = await world.fetch("SELECT * FROM backfill_jobs")
    assert {job["state"] for job in jobs} <= set(states), [(job["id"], job["state"]) for job in jobs]
    for job in jobs:
        await _none_lost_none_doubled(world, job)
    await _writes_are_right(world, sentinels)
    await _nothing_is_left_behind(world)
    await _dead_messages_are_known(world, undecodable)
    _secrets_were_kept(world)


async def _none_lost_none_doubled(world: "World", job: asyncpg.Record) -> None:
    partitions = await world.fetch("SELECT * FROM backfill_partitions WHERE backfill_job_id = $1", job["id"])
    if job["state"] == "completed":
        unfinished = [p["partition_key"] for p in partitions if p["completed_at"] is None]
        assert not unfinished, f"partitions {unfinished} of a completed job have not ended"
    planned = Counter(record for partition in partitions for record in partition["record_ids"])
    again = planned.total() - len(planned)
    assert again == job["records_replanned"], "a record is in two partitions of one job, and was not undone"
    failed = await world.fetch("SELECT record_id FROM backfill_failures WHERE backfill_job_id = $1", job["id"])
    assert {row["record_id"] for row in failed} <= set(planned)

    names = ("updated", "unchanged", "skipped", "failed", "deleted")
    sums = {name: sum(p[f"records_{name}"] for p in partitions) for name in names}
    assert sums["failed"] == len(failed), "failed records and their list differ"
    if job["completed_at"] is not None:
        assert {name: job[f"records_{name}"] for name in names} == sums, "the roll-up differs from the partitions"
        assert job["records_matched"] == planned.total()
        if job["state"] == "completed":
            assert sum(sums.values()) == planned.total(), "records are lost or counted twice"
            assert sum(json.loads(job["left_reasons"] or "{}").values()) == job["records_left"]
        ended = Counter(p["state"] for p in partitions)
        assert (job["total_partitions"], job["completed_partitions"]) == (len(partitions), ended["completed"])
        assert (job["failed_partitions"], job["skipped_partitions"]) == (ended["failed"], ended["skipped"])
    events = await world.value(
        "SELECT count(*) FROM backfill_events WHERE backfill_job_id = $1 AND event = 'job.completed'", job["id"]
    )
    assert events == (job["state"] == "completed"), "a job is completed once"


async def _writes_are_right(world: "World", sentinels: dict[int, Any]) -> None:
    if await world.value("SELECT count(*) FROM backfill_jobs WHERE asset_name = ANY ($1)", WITHOUT_AUDIT):
        return
    if await world.value("SELECT count(*) FROM backfill_jobs WHERE asset_name LIKE '%months'"):
        counted = await world.value("SELECT sum(records_updated + records_unchanged) FROM backfill_partitions")
        writes = await world.value("SELECT sum(writes) FROM months")
        assert counted == writes, f"the ledger counts {counted} writes, of months there are {writes}"
        return
    doubled = await world.fetch(
        """
        SELECT a.id, count(*) AS writes,
               (SELECT count(*) FROM backfill_partitions p WHERE a.id::text = ANY (p.record_ids)) AS planned
        FROM audit a WHERE who LIKE $1 GROUP BY a.id
        HAVING count(*) > (SELECT count(*) FROM backfill_partitions p WHERE a.id::text = ANY (p.record_ids))
        """,
        WORKERS,
    )
    assert not doubled, f"records were written more than once a job: {doubled}"
    counted = await world.value("SELECT coalesce(sum(records_updated), 0) FROM backfill_partitions")
    audited = await world.value("SELECT count(*) FROM audit WHERE who LIKE $1", WORKERS)
    assert counted == audited, f"the ledger counts {counted} updates, the audit {audited}"
    if await world.value(
        "SELECT bool_and(asset_name IN ('counter', 'gated', 'flaky', 'versioned', 'reluctant')) FROM backfill_jobs"
    ):
        stale = await world.fetch(
            "SELECT * FROM audit WHERE who LIKE $1 AND new <> coalesce(old, 0) + 1 ORDER BY n LIMIT 5", WORKERS
        )
        assert not stale, f"values were computed from older input: {stale}"
    for record, sentinel in sentinels.items():
        assert await world.value("SELECT value FROM things WHERE id = $1", record) == sentinel, (
            f"the application's value of record {record} was overwritten"
        )


async def _nothing_is_left_behind(world: "World") -> None:
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE lease_expires_at IS NOT NULL") == 0
    await world.queues_are_empty()
    if all(command.returncode is not None for command in world.commands):

        async def gone() -> bool:
            left = await world.fetch(
                "SELECT application_name, state, query FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                "AND (application_name LIKE 'worker %' OR application_name LIKE 'backfill%')"
            )
            assert not left, left
            return True

        await eventually(gone, what="no session of a command that has ended")


async def _dead_messages_are_known(world: "World", undecodable: int) -> None:
    strange = 0
    for dead in await world.dead():
        try:
            message = decode(dead.body)
        except ContractError:
            strange += 1
            continue
        state = await world.value(
            "SELECT state FROM backfill_partitions WHERE backfill_job_id = $1 AND partition_key = $2",
            message.job_id,
            message.partition_key,
        )
        if state is None or message.backfill != world.backfill:
            strange += 1
        else:
            assert state == "failed", f"the dead queue holds partition {message.partition_key}, which is {state}"
    assert strange == undecodable, f"{strange} dead messages belong to no partition"


def _secrets_were_kept(world: "World") -> None:
    for url in (world.database, world.amqp):
        password = urlsplit(url).password
        for command in world.commands:
            assert not password or len(password) < 8 or password not in command.output, f"{command} shows a secret"
            assert "Traceback" not in command.output, command.output
