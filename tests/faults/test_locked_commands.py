"""Commands that wait for somebody's lock say so at once, name him, and go on by themselves."""

import json
import signal

import pytest

from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
async def test_queueing_behind_a_change_of_the_table_says_who_makes_it_and_goes_on_afterwards(
    world: World, arguments: list[str]
) -> None:
    await world.rows(10)
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("ALTER TABLE things ADD COLUMN more text")
        command = world.producer(*arguments)
        await eventually(lambda: "Waits for a lock of process" in command.output)
        assert "(user " in command.output
        assert "application application" in command.output
        assert "ALTER TABLE things" in command.output
        await transaction.rollback()
    assert await command.wait() == 0, command.output

    assert command.output.count("Waits for a lock") == 1
    if not arguments:
        await world.finish()
    await world.ends_well()


async def test_queueing_that_waits_for_a_lock_is_ended_with_ctrl_c(world: World) -> None:
    await world.rows(10)
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("LOCK TABLE things")
        command = world.producer()
        await eventually(lambda: "Waits for a lock" in command.output)
        command.kill(signal.SIGINT)
        assert await command.wait() == 130, command.output
        await transaction.rollback()
    await world.ends_well()


@pytest.mark.parametrize("command", [["status"], ["init"], ["wait", "--timeout=1s"]])
async def test_a_command_behind_a_lock_on_the_ledger_says_who_has_it(world: World, command: list[str]) -> None:
    await world.rows(10)
    await world.queue("--batch-size=10")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("LOCK TABLE backfill_jobs, backfill_schema")
        started = world.run("backfill", *command)
        await eventually(lambda: "Waits for a lock of process" in started.output)
        assert "LOCK TABLE backfill_jobs" in started.output
        await transaction.rollback()
    assert await started.wait() in (0, 75), started.output
    await world.finish()
    await world.ends_well()


async def test_status_and_metrics_say_what_is_held_by_whom_until_it_goes_on(world: World) -> None:
    await world.rows(10)
    await world.queue("--batch-size=10")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("SELECT FROM things WHERE id = 7 FOR UPDATE")
        world.worker()
        known = "SELECT count(*) > 0 FROM backfill_partitions WHERE held_reason LIKE '%id = 7 FOR UPDATE%'"
        await eventually(lambda: world.value(known))

        async def is_shown() -> bool:
            shown = [
                world.run("backfill", "status"),
                world.run("backfill", "status", "--json"),
                world.run("backfill", "metrics"),
            ]
            assert [await command.wait() for command in shown] == [0, 0, 0], [command.output for command in shown]
            lines, told = shown[0].output, json.loads(shown[1].output)
            assert "Held: 1 partitions since " in lines
            assert "UTC; it waits for a lock of process" in lines
            assert "Retries:" not in lines
            assert (told["held_partitions"], told["waiting_partitions"]) == (1, 0)
            assert told["held_since"]
            assert "application application" in told["held_reason"]
            assert 'backfill_partitions_held{backfill="counter"} 1.0' in shown[2].output
            return True

        # A worker that stood still while it asked who that is does not know it before its next claim.
        await eventually(is_shown)
        await transaction.rollback()
    await world.until_ended()

    ended = world.run("backfill", "status")
    assert await ended.wait() == 0
    assert "Held:" not in ended.output
    await world.finish()
    await world.ends_well()
