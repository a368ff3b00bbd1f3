"""Each example shows itself by one command, on a database of its own, and leaves nothing behind."""

import pytest

from backfill import broker
from tests.support.waiting import eventually
from tests.support.world import World

# Each takes a minute where the machine has something else to do.
pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
NAMES = {
    "prices": ("market_prices", "killmail_values"),
    "generation": ("monthly_generation",),
    "embeddings": ("job_embeddings",),
}
DATABASES = "SELECT array_agg(datname::text) FROM pg_database WHERE datname LIKE 'backfill_demo_%'"


async def shown(world: World, example: str, *arguments: str) -> str:
    """What its demo prints."""
    before = set(await world.value(DATABASES) or ())
    demo = world.run("python", "-m", f"backfill.examples.{example}", "demo", *arguments)
    assert await demo.wait(300) == 0, demo.output
    found = set(await world.value(DATABASES) or ()) - before  # those of other tests go when their demos end

    async def none_is_left() -> bool:
        return not found & set(await world.value(DATABASES) or ())

    await eventually(none_is_left, deadline=150, what="no database of the demo's")
    async with world.broker() as connection:
        for name in NAMES[example]:
            assert await broker.depth(connection, f"backfill_{name}_queue") is None
    return demo.output


async def test_prices(world: World) -> None:
    said = await shown(world, "prices", "--killmails=3", "--rate=1000")
    asked, again, seen = (said.partition(title)[2] for title in ("== Prices", "== The same again", "has seen"))
    keys = int(asked.partition("Records: ")[2].split()[0])
    assert f"| Errors: 0 | Calls: {keys}" in asked
    assert "Updated: 0 |" in again
    assert f"  {2 * keys} calls, at most " in seen
    assert ", 0 refused" in seen
    assert "Verdict: 3 killmails | 3 with values | 0 missing" in said
    assert "| 0 differ from an independent SQL computation" in said
    assert "0 have " not in said


async def test_generation(world: World) -> None:
    said = await shown(world, "generation", "--units=2", "--rate=1000")
    assert "error: job " in said
    assert "of monthly_generation is pending and overlaps this one" in said
    assert "Updated: 8 | Skipped: 0 | Errors: 0 | Calls: 8" in said
    assert "Result: data_from=2024-01-01, data_to=2024-02-29, months=2, total_kwh=" in said
    assert "was opened with this idempotency key; it is pending." in said
    assert "was opened with this idempotency key; it is completed." in said
    assert "  10 calls, at most " in said


async def test_embeddings(world: World) -> None:
    said = await shown(world, "embeddings", "--advertisements=48")
    assert "Records: 42" in said
    assert "Updated: 40 | Skipped: 0 | Errors: 0" in said
    assert "Updated: 2 | Skipped: 0 | Errors: 0" in said
    assert "Nothing to do." in said
    nurses, gardeners = (said.partition(question)[2].splitlines()[1] for question in ("in a hospital'", "Bäume?'"))
    assert "  Nurse: " in nurses
    assert "  Gardener: " in gardeners
