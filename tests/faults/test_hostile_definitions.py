"""Whatever a definition does: bad records fail alone, a definition that is wrong itself stops its job and says so."""

import asyncio
import json
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest

from backfill import TransientError
from tests.support import made_up
from tests.support.hostile import ACTIONS
from tests.support.made_up import Made, backfilled, verdict
from tests.support.operating import ask, closed_gate, queued, until_held
from tests.support.world import PATIENT, World

pytestmark = pytest.mark.long

NOT_FAILING = ("good", "skip")
FAILING = [name for name in ACTIONS if name not in NOT_FAILING]
# What only `compute` can do wrong.
RETURNED = ("none", "number", "coroutine", "huge", "mute value")
SAYS = {
    "nul": ("ValueError", "a\\x00b"),
    "surrogate": ("ValueError", "a\\ud800b"),
    "mute": ("MuteError", "<MuteError without a text>"),
    "exiting": ("ExitingError", "<ExitingError without a text>"),
    "exit": ("SystemExit", "4"),
    "cancelled": ("CancelledError", "CancelledError"),
    "none": ("TypeError", "compute returned None, not a mapping with value, nor a Skip"),
    "number": ("TypeError", "compute returned int, not a mapping with value, nor a Skip"),
    "coroutine": ("TypeError", "compute returned a coroutine; declare it with: async def compute"),
    "mute value": (
        "TypeError",
        "value is <MuteError without a text> (MuteError), the column is numeric(12,2): "
        "give an int, a Decimal or a float",
    ),
}


async def things(world: World, names: Sequence[str]) -> dict[str, str]:
    """Good records with those among them; returns the ids of the others by what they do."""
    mixed = [one for name in names for one in ("good", name)] + ["good"]
    await world.execute(
        "INSERT INTO things (id, extra) SELECT n, extra FROM unnest($1::text[]) WITH ORDINALITY AS t (extra, n)", mixed
    )
    return {name: str(place) for place, name in enumerate(mixed, start=1) if name != "good"}


@pytest.mark.parametrize(("definition", "left_out"), [("Hostile", ()), ("HostileLoad", RETURNED)])
async def test_what_a_definition_raises_or_returns_is_the_end_of_that_record_alone(
    world: World, definition: str, left_out: Sequence[str]
) -> None:
    world.definition = f"tests.support.hostile:{definition}"
    failing = [name for name in FAILING if name not in left_out]
    ids = await things(world, failing)
    await queued(world, "--mode=null", "--batch-size=100")

    worker = world.worker("--burst", **PATIENT)

    assert await worker.wait() == 0, worker.output
    ended = await verdict(world)
    assert ended.state == "completed"
    assert ended.counts == {"updated": len(failing) + 1, "failed": len(failing)}
    assert set(ended.failed) == set(ids.values())
    for name in set(SAYS) - set(left_out):
        assert ended.failed[ids[name]] == SAYS[name], name
    assert (await ask(world, "failures", "latest")).code == 0
    await world.ends_well()


async def test_a_reason_that_no_database_can_hold_is_stored_written_out(world: World) -> None:
    world.definition = "tests.support.hostile:Hostile"
    await things(world, ["skip"])
    await queued(world, "--mode=null")

    worker = world.worker("--burst", **PATIENT)

    assert await worker.wait() == 0, worker.output
    ended = await verdict(world)
    assert ended.counts == {"updated": 2, "skipped": 1}
    assert ended.skipped == {"a\\x00b\\ud800c": 1}
    await world.ends_well()


# --- being told to stop


async def test_a_worker_that_is_told_to_stop_drains_while_its_definition_raises_what_would_stop_it(
    world: World,
) -> None:
    world.definition = "tests.support.hostile:Swallowing"
    await things(world, ["cancelled", "exit", "interrupt"])
    await queued(world, "--mode=null", "--batch-size=100")
    async with closed_gate(world):
        worker = world.worker("--concurrency=1", BACKFILL_LOCK_TIMEOUT_MS="30000", **PATIENT)
        await until_held(world, 1)
        worker.kill(signal.SIGTERM)
    assert await worker.wait() == 0, worker.output

    ended = await verdict(world)
    assert ended.counts == {"updated": 4, "failed": 3}
    assert await world.partitions() == {"completed": 1}
    await world.finish()
    await world.ends_well()


async def test_a_definition_that_swallows_its_cancellation_is_given_back_uncounted(world: World) -> None:
    world.definition = "tests.support.hostile:Swallowing"
    await things(world, ["good"])
    await queued(world, "--mode=null")
    async with closed_gate(world):
        limits = {"BACKFILL_LOCK_TIMEOUT_MS": "60000", "BACKFILL_DRAIN_SECONDS": "1"}
        worker = world.worker("--concurrency=1", **limits, **PATIENT)
        await until_held(world, 1)
        worker.kill(signal.SIGTERM)
        assert await worker.wait() == 0, worker.output
        assert await world.partitions() == {"pending": 1}
        assert await world.value("SELECT attempt_count FROM backfill_partitions") == 0

    await world.finish()
    assert (await verdict(world)).counts == {"updated": 3}
    await world.ends_well()


async def test_a_load_that_takes_too_long_and_swallows_it_is_retried_not_failed(world: World) -> None:
    world.definition = "tests.support.made_up:Made"
    calls = 0

    async def load(connection: Any, keys: Sequence[int]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            try:
                await asyncio.Event().wait()
            except BaseException as error:
                raise ValueError("swallowed") from error
        return await connection.fetch("SELECT id FROM things WHERE id = ANY($1)", keys)

    await world.rows(3)
    definition = Made(lambda _: {"value": 1}, table="things", load=load)
    await made_up.queued(world, definition)
    async with made_up.working(world, definition, BACKFILL_PARTITION_SECONDS="5"):
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 3}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


# --- a definition that is wrong itself


async def said(world: World) -> str:
    """What `status` and `events` show of a paused job, as one text."""
    status, events = await ask(world, "status", "latest"), await ask(world, "events", "latest")
    shown = json.loads((await ask(world, "status", "latest", "--json")).out)
    assert shown["state"] == "paused"
    assert shown["pause_reason"] in events.out
    assert shown["pause_reason"] in status.out
    return str(shown["pause_reason"])


async def loaded_as_text(connection: Any, keys: Sequence[int]) -> Any:
    return [{"id": str(key), "base": 1} for key in keys]


async def loaded_unhashable(connection: Any, keys: Sequence[int]) -> Any:
    return [{"id": [key]} for key in keys]


async def loaded_without_key(connection: Any, keys: Sequence[int]) -> Any:
    return [{"base": 1} for _ in keys]


async def loaded_as_tuples(connection: Any, keys: Sequence[int]) -> Any:
    return [(key, 1) for key in keys]


def loaded_at_once(_: Any, keys: Sequence[Any]) -> Any:
    return [{"id": key} for key in keys]


async def loaded_nothing(connection: Any, keys: Sequence[int]) -> Any:
    return None


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (
            loaded_as_text,
            "the inputs of made gave a row for the key '1' (str), which was not asked for; keys are like 1 (int)",
        ),
        (loaded_unhashable, "the inputs of made gave a row for the key [1] (list), which was not asked for"),
        (loaded_without_key, "the inputs of made have no column 'id'; name the key so"),
        (loaded_as_tuples, "load of made gave a row that is no mapping but a tuple"),
        (loaded_nothing, "load of made returned NoneType, not a list of rows"),
        (loaded_at_once, "load of made is an ordinary function; write it with: async def load"),
    ],
)
async def test_a_load_whose_rows_are_nobodys_pauses_the_job_with_the_reason(
    world: World, load: Any, reason: str
) -> None:
    world.definition = "tests.support.made_up:Made"
    await world.rows(20)

    ended = await backfilled(world, Made(lambda _: {"value": 1}, table="things", load=load), batch_size=10)

    assert ended.state == "paused"
    assert reason in ended.paused
    assert reason in await said(world)
    assert any("Paused job" in line and reason in line for line in ended.said)
    assert await world.partitions() == {"pending": 2}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    await world.ends_well(states=["paused"])


async def test_two_rows_for_one_key_fail_that_record_alone(world: World) -> None:
    world.definition = "tests.support.made_up:Made"
    await world.rows(20)
    double = "SELECT id, base FROM things WHERE id = ANY($1) UNION ALL SELECT 7, 99 WHERE 7 = ANY($1)"

    ended = await backfilled(world, Made(lambda row: {"value": row["base"]}, table="things", inputs=double))

    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed == {"7": ("ValueError", "its inputs have 2 rows with this key, not one")}
    assert await world.value("SELECT value FROM things WHERE id = 7") is None
    await world.ends_well()


async def test_a_record_without_inputs_is_skipped_with_that_reason(world: World) -> None:
    world.definition = "tests.support.made_up:Made"
    await world.rows(5)
    some = "SELECT id FROM things WHERE id = ANY($1) AND id <> 3"

    ended = await backfilled(world, Made(lambda _: {"value": 1}, table="things", inputs=some))

    assert ended.counts == {"updated": 4, "skipped": 1}
    assert ended.skipped == {"no inputs": 1}
    await world.ends_well()


# --- slow in sum


async def test_a_partition_that_takes_too_long_in_sum_is_written_in_portions_under_one_claim(world: World) -> None:
    world.definition = "tests.support.made_up:Made"
    await world.rows(26)

    def compute(record: Any) -> Any:
        time.sleep(0.1)
        return {"value": record["id"] + 100}

    ended = await backfilled(world, Made(compute, table="things"), BACKFILL_PARTITION_SECONDS="1")

    assert ended.counts == {"updated": 26}
    assert await world.partitions() == {"completed": 1}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    # A transaction a portion, each of about a second: on a busy machine of few records, of one never.
    assert 2 <= await world.value("SELECT count(DISTINCT xmin::text) FROM things") <= 13
    await world.ends_well()


async def test_records_to_be_tried_later_do_not_keep_a_slow_partition_in_hand_for_ever(world: World) -> None:
    """Those that a service answers too late come again with the next attempt, not before the others of this one."""
    world.definition = "tests.support.made_up:Made"
    await world.rows(8)

    def compute(record: Any) -> Any:
        time.sleep(0.4)
        if record["id"] <= 4:
            raise TransientError("the service has no answer in time")
        return {"value": record["id"] + 100}

    ended = await backfilled(
        world, Made(compute, table="things"), BACKFILL_PARTITION_SECONDS="1", BACKFILL_RETRY_DELAYS=""
    )

    assert ended.counts == {"updated": 4, "failed": 4}
    assert set(ended.failed) == {"1", "2", "3", "4"}
    await world.ends_well()
