"""Whatever a definition or a person says, the ledger takes it: one bad text never stops the work."""

import json
from collections import Counter
from uuid import UUID, uuid4

import pytest

from backfill.errors import UsageError
from backfill.ledger import idempotency, jobs, operations, partitions, reconciling
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.producers.command import main as queue_command
from backfill.publisher import Publisher
from tests.support.operating import ask, queued
from tests.support.world import World

HOSTILE = "nul \x00, a lone \ud800 surrogate, \x1b[2J" + "x" * 5_000


def is_told(text: str) -> bool:
    return text.startswith("nul \\x00, a lone \\ud800 surrogate, \\x1b[2J")


async def claimed(world: World) -> Claim:
    """The one partition of a new job, in the hands of nobody's worker."""
    job = await queued(world, "--mode=all", "--batch-size=100")
    ids = await world.value("SELECT record_ids FROM backfill_partitions WHERE backfill_job_id = $1", job)
    message = PartitionMessage(job_id=job, backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=tuple(ids))
    claim = await partitions.claim(world.connection, message, uuid4(), 60)
    assert claim is not None
    await jobs.start(world.connection, job)
    return claim


async def test_an_apply_takes_any_reason_and_any_error(world: World) -> None:
    await world.rows(60)
    claim = await claimed(world)
    skipped = Counter({HOSTILE: 1, "a \x00": 1, "a \\x00": 2, **{f"record {n}": 1 for n in range(52)}})
    tally = Tally(
        skipped=skipped,
        failed={"57": (HOSTILE, HOSTILE), "58": ("ValueError", HOSTILE)},
        remaining={"59": ("TransientError", HOSTILE)},
    )
    await partitions.conclude(world.connection, claim, tally, duration_ms=1, retry_seconds=None, error=HOSTILE)

    row = (await world.fetch("SELECT * FROM backfill_partitions"))[0]
    reasons = json.loads(row["skip_reasons"])
    assert reasons["a \\x00"] == 3, "two that become one are counted together"
    assert len(reasons) == 51
    assert reasons["other reasons"] == 4
    assert sum(reasons.values()) == row["records_skipped"] == skipped.total()
    assert is_told(row["error_message"])
    failures = await world.fetch("SELECT * FROM backfill_failures ORDER BY record_id")
    assert [failure["record_id"] for failure in failures] == ["57", "58"]
    assert all(is_told(failure["error_message"]) for failure in failures)
    assert is_told(failures[0]["error_class"])
    assert len(failures[0]["error_class"]) == 200


async def test_reasons_do_not_grow_with_the_rounds_of_a_partition(world: World) -> None:
    await world.rows(60)
    claim = await claimed(world)
    for start in (0, 40, 80):
        tally = Tally(
            skipped=Counter({f"record {n}": 1 for n in range(start, start + 40)}), remaining={"1": ("E", "e")}
        )
        await partitions.conclude(world.connection, claim, tally, duration_ms=1, retry_seconds=None, error=None)
    often = Tally(skipped=Counter({"often": 5}), remaining={"1": ("E", "e")})
    await partitions.conclude(world.connection, claim, often, duration_ms=1, retry_seconds=None, error=None)

    reasons = json.loads(await world.value("SELECT skip_reasons FROM backfill_partitions"))
    assert len(reasons) == 51
    assert reasons["often"] == 5
    assert sum(reasons.values()) == 125


async def test_a_partition_is_put_back_and_given_up_for_any_error(world: World) -> None:
    await world.rows(2)
    claim = await claimed(world)
    assert await partitions.retry(world.connection, claim, 0, HOSTILE)
    assert is_told(await world.value("SELECT error_message FROM backfill_partitions"))

    await world.execute(
        "UPDATE backfill_partitions SET state = 'running', lease_expires_at = now() + interval '1 minute'"
    )
    assert await partitions.fail(world.connection, claim, HOSTILE, HOSTILE, []) == 2
    assert is_told(await world.value("SELECT error_message FROM backfill_partitions"))
    assert all(is_told(row["error_message"]) for row in await world.fetch("SELECT * FROM backfill_failures"))


async def test_a_partition_that_is_given_up_spares_what_is_left_and_not_what_was_committed(world: World) -> None:
    await world.rows(4)
    claim = await claimed(world)
    await world.execute("UPDATE backfill_partitions SET remaining_ids = '{3,4}', records_updated = 2")
    assert await partitions.fail(world.connection, claim, "Error", "error", ["2", "4"]) == 1
    (row,) = await world.fetch("SELECT state, remaining_ids, records_failed FROM backfill_partitions")
    assert tuple(row) == ("pending", ["4"], 1)


async def events(world: World, job_id: UUID) -> list[tuple[str, str]]:
    rows = await world.fetch("SELECT actor, reason FROM backfill_events WHERE backfill_job_id = $1 ORDER BY id", job_id)
    return [(row["actor"], row["reason"]) for row in rows][1:]


async def test_operators_may_give_any_reason(world: World) -> None:
    await world.rows(2)
    job = await queued(world)
    await jobs.start(world.connection, job)
    await operations.pause(world.connection, job, actor=HOSTILE, reason=HOSTILE)
    await operations.resume(world.connection, job, actor=HOSTILE, reason=HOSTILE)
    await operations.cancel(world.connection, job, actor=HOSTILE, reason=HOSTILE)
    said = (await events(world, job))[1:]
    assert len(said) == 3
    assert all(is_told(actor) and is_told(reason) for actor, reason in said)
    assert is_told(await world.value("SELECT error_message FROM backfill_jobs"))


async def test_a_job_fails_with_any_error(world: World) -> None:
    await world.rows(2)
    job = await queued(world)
    await jobs.start(world.connection, job)
    assert await reconciling.give_up(world.connection, job, HOSTILE)
    assert is_told(await world.value("SELECT error_message FROM backfill_jobs"))


@pytest.mark.parametrize("key", ["", "nul \x00", "a lone \ud800", "x" * 3_000])
async def test_an_idempotency_key_that_cannot_be_stored_is_refused(world: World, key: str) -> None:
    await world.rows(2)
    with pytest.raises(UsageError, match="idempotency key"):
        await idempotency.find(world.connection, key)
    answer = await ask(world, "--mode=all", "--idempotency-key", key, command=queue_command)
    assert (answer.code, answer.err.count("\n")) == (2, 1), answer
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_a_body_is_buried_for_any_reason(world: World) -> None:
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2,))
    try:
        await publisher.bury(world.backfill, b"nonsense", HOSTILE)
    finally:
        await publisher.close()
    (dead,) = await world.dead()
    reason = str(dead.headers["reason"])
    assert is_told(reason)
    assert len(reason) == 500
