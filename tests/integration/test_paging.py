"""Where a job begins and ends: --after, with everything that it goes with."""

import json
import re
import signal

import pytest

from tests.support.keyed import Table, numbers
from tests.support.world import World


async def test_a_limited_run_names_the_key_to_go_on_behind_and_the_next_run_does_others(world: World) -> None:
    table = await numbers(world, stays=40)
    for run in range(3):
        after = [f"--after={40 * run}"] if run else []
        printed = await table.queue("--limit=40", "--batch-size=15", *after)
        (key,) = re.findall(r"to go on behind it: --after=(\S+)$", printed, re.MULTILINE) or ["none"]
        assert key == ("none" if run == 2 else str(40 * (run + 1)))
        await table.work()
    assert await table.values() == {None: 40, 1: 60}
    assert [job["records_matched"] for job in await world.fetch("SELECT * FROM backfill_jobs ORDER BY created_at")] == [
        40, 40, 20,
    ]  # fmt: skip


async def test_a_limited_run_downwards_names_the_order_that_going_on_needs(world: World) -> None:
    table = await numbers(world, stays=100)
    printed = await table.queue("--limit=40", "--order=desc")
    (options,) = re.findall(r"to go on behind it: (.+)$", printed, re.MULTILINE)
    await table.work()
    assert "Records: 40 " in await table.queue("--limit=40", "--dry-run", *options.split())
    assert options == "--after=61 --order=desc"


@pytest.mark.parametrize(
    ("after", "order", "first", "count"),
    [("50", "asc", "51", 50), ("50", "desc", "49", 49), ("0", "asc", "1", 100), ("-7", "desc", None, 0),
     ("100", "asc", None, 0), ("2147483647", "desc", "100", 100)],
)  # fmt: skip
async def test_only_what_is_behind_a_key_is_planned(
    world: World, after: str, order: str, first: str | None, count: int
) -> None:
    table = await numbers(world)
    await world.execute("DELETE FROM keyed WHERE id = 50; INSERT INTO keyed VALUES (50)")
    dry = json.loads(await table.queue(f"--after={after}", f"--order={order}", "--dry-run", "--json"))
    assert dry["matched"] == count
    printed = await table.queue(f"--after={after}", f"--order={order}", "--batch-size=9")
    assert f"Records: {count}\n" in printed
    if first is None:
        assert "Nothing to do." in printed
        return
    ids = await table.planned()
    assert (ids[0], len(ids)) == (first, count)


async def test_a_text_and_a_key_that_is_not_there_are_behind_and_before(world: World) -> None:
    table = Table(world)
    await table.create('id text COLLATE "C"')
    await world.execute("INSERT INTO keyed (id) SELECT unnest($1::text[])", ["", "a", "b b", "c", "e"])
    for after, expected in (("", ["a", "b b", "c", "e"]), ("b b", ["c", "e"]), ("d", ["e"])):
        await table.queue(f"--after={after}")
        assert await table.planned() == expected
        await world.execute("DELETE FROM backfill_jobs")
    printed = await table.queue("--limit=3")
    assert "--after='b b'\n" in printed


@pytest.mark.parametrize("key", ["x", "", "1.5", "99999999999", "1,2", "{1}"])
async def test_what_is_no_key_is_a_wrong_call(world: World, key: str) -> None:
    table = await numbers(world, 3)
    for option in ("--after", "--id"):
        printed = await table.queue(f"{option}={key}", code=2)
        assert re.fullmatch(rf"error: {option}: .*; the key id of 'keyed' is integer\n", printed), printed


async def test_after_and_ids_together_are_the_ids_behind_it(world: World) -> None:
    table = await numbers(world)
    await table.queue("--after=50", "--id=7", "--id=51", "--id=99", "--id=099")
    assert await table.planned() == ["51", "99"]


async def test_a_killed_producer_goes_on_behind_its_own_cursor(world: World) -> None:
    table = await numbers(world)
    for at, planned in (("producer.after_open", 0), ("producer.after_plan", 20)):
        killed = table.producer("--after=20", "--batch-size=1", failpoint=f"{at}=kill")
        assert await killed.wait() == -signal.SIGKILL
        assert len(await table.planned()) == planned
        await world.execute("UPDATE backfill_jobs SET producer_lease_until = now()")
        assert "leave out --after" in await table.queue("--resume=latest", "--after=", code=2)
        await table.queue("--resume=latest")
        assert await table.planned() == [str(n) for n in range(21, 101)]
        await world.execute("DELETE FROM backfill_jobs")


async def test_jobs_on_both_sides_of_a_key_do_not_overlap(world: World) -> None:
    table = await numbers(world)
    await table.queue("--after=60")
    await table.queue("--after=61", "--order=desc")
    assert len(await table.planned()) == 60
    assert "overlaps this one" in await table.queue("--after=62", "--order=desc", code=4)
    refused = await table.queue("--after=99", code=4)
    assert "overlaps this one" in refused
    assert re.search(r"backfill cancel \S+ --reason=", refused), refused
    await table.work()
    assert await table.values() == {1: 100}
