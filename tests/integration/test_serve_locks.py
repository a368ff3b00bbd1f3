"""A server whose database answers, and where something is in the way: a lock, or a statement that takes its time."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from backfill.settings import Settings
from backfill.web import ledger as module
from backfill.web.ledger import BusyError, DatabaseAwayError, UnsureError, opened
from tests.support.operating import in_state
from tests.support.serving import serving
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

SLOW = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN OLD; END $$;
CREATE TRIGGER slowly BEFORE DELETE ON backfill_jobs FOR EACH ROW EXECUTE FUNCTION slowly();
"""


def settings(url: str) -> Settings:
    return Settings(database_url=url)


async def test_a_lock_in_the_way_is_busy_and_changes_nothing(world: World) -> None:
    job = await in_state(world, "paused")
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("POST", "/cancel", {}),
        ("POST", "/resume", {}),
        ("PATCH", "", {"max_workers": 2}),
    )
    async with serving(world) as served:
        async with world.session() as other, other.transaction():
            await other.execute("SELECT 1 FROM backfill_jobs WHERE id = $1 FOR UPDATE", job)
            for method, path, body in calls:  # the client waits for a third of what such a call may take
                told = await served.send(method, f"/jobs/{job}{path}", 503, json=body)
                assert (told["service"], told["exit_code"]) == ("database", 5)
                assert "busy" in told["detail"]
        assert await world.state() == "paused"
        for method, path, body in calls[2:]:
            await served.send(method, f"/jobs/{job}{path}", json=body)
        assert "Traceback" not in served.command.output


async def test_a_deletion_that_takes_its_time_is_waited_for(world: World) -> None:
    job = await in_state(world, "completed")
    await world.execute(SLOW)
    async with serving(world) as served:
        assert (await served.send("DELETE", f"/jobs/{job}"))["deleted"]
        await served.get(f"/jobs/{job}", 404)
    await world.execute("DROP FUNCTION slowly CASCADE")


async def test_what_takes_too_long_may_have_been_done_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEERING_SECONDS", 3.0)  # in which it connects, too
    async with opened(settings(world.database)) as ledger:

        async def told() -> UnsureError | None:
            try:
                async with ledger.steering() as connection:
                    await connection.execute("SELECT pg_sleep(20)")
            except UnsureError as error:
                return error
            except DatabaseAwayError:  # it was not even connected by then, so nothing was begun
                return None
            raise AssertionError("it was done in time")

        assert "look at the job" in str(await eventually(told))
        monkeypatch.setattr(module, "STEERING_SECONDS", 20.0)
        async with AsyncExitStack() as stack:
            for _ in range(module.STEERINGS):
                await stack.enter_async_context(ledger.steering())
            with pytest.raises(BusyError, match="try again"):
                async with ledger.steering():
                    pass
        async with ledger.steering() as connection:
            assert await connection.fetchval("SELECT 1") == 1
