"""Work that is no column: planned by its keys, fetched, and written with its progress."""

import json
from typing import Any

import pytest

from tests.support.operating import ask
from tests.support.waiting import eventually
from tests.support.world import World, last_json

pytestmark = pytest.mark.long


@pytest.fixture
def months(world: World) -> World:
    world.definition = "tests.support.pieces:Months"
    return world


def odd(**keys: str) -> list[str]:
    """The parameter that makes these keys go wrong, given as u1_01="fetch" for unit 1, month 1."""
    named = {
        f"unit-{int(name[1]):03}/2024-{name[-2:]}" if name[0] == "u" else name: what for name, what in keys.items()
    }
    return ["-P", f"odd={json.dumps(named)}"]


async def written(world: World) -> dict[str, int]:
    rows = await world.fetch("SELECT unit, month, writes FROM months ORDER BY 1, 2")
    return {f"{row['unit']}/{row['month']}": row["writes"] for row in rows}


async def status(world: World) -> dict[str, Any]:
    answer = await ask(world, "status", "latest", "--json")
    return answer.json


async def test_each_key_is_fetched_and_written_once_and_finish_says_what_it_came_to(months: World) -> None:
    await months.queue()
    await months.finish()

    assert set((await written(months)).values()) == {1}
    assert len(await written(months)) == 12
    now = await status(months)
    assert (now["state"], now["matched"], now["updated"], now["total_partitions"]) == ("completed", 12, 12, 12)
    assert now["result"] == {"months": 12, "total": 84}
    assert "Result: months=12, total=84" in (await ask(months, "status")).out
    await months.ends_well()


async def test_one_bad_key_fails_alone_and_is_done_again_by_a_retry(months: World) -> None:
    await months.queue(
        "--batch-size=5", *odd(u1_02="fetch", u2_01="write", u2_03="skip", u3_01="same", u3_02="exit", u1_04="away")
    )
    await months.finish()

    now = await status(months)
    counts = {name: now[name] for name in ("updated", "unchanged", "skipped", "failed", "matched")}
    assert counts == {"updated": 7, "unchanged": 1, "skipped": 1, "failed": 3, "matched": 12}
    assert now["skip_reasons"] == {"nothing was generated": 1}
    failures = (await ask(months, "failures", "--json")).json
    found = {one["record_id"]: (one["error_class"], one["error_message"]) for one in failures["failures"]}
    assert found == {
        "unit-001/2024-02": ("ValueError", "no such unit"),
        "unit-002/2024-01": ("UniqueViolationError", "twice"),
        "unit-003/2024-02": ("RuntimeError", "SystemExit: 3"),
    }
    assert await months.value("SELECT max(attempt_count) FROM backfill_partitions") == 3
    await months.ends_well()


async def test_a_key_that_failed_is_done_once_more_by_a_retry(months: World) -> None:
    await months.execute("INSERT INTO outage VALUES ('away')")
    job = await months.queue("--batch-size=6", *odd(u1_02="outage", u3_04="outage"))
    await months.finish()
    assert (await status(months))["failed"] == 2
    await months.execute("DELETE FROM outage")

    answer = await ask(months, "retry", str(job))
    assert answer.code == 0, answer.err
    refused = months.producer("-P", "unit=3")
    assert await refused.wait() == 4, refused.output  # the retry is about what its job was about
    await months.finish()

    now = await status(months)
    assert (now["matched"], now["updated"], now["parent_job"]) == (2, 2, str(job))
    assert set((await written(months)).values()) == {1}
    await months.ends_well()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nothing", "write of months returned None for unit-001/2024-02: return Outcome.UPDATED"),
        ("missing", 'write of months for unit-001/2024-02: UndefinedTableError: relation "nowhere" does not exist'),
        ("commit", "write of months for unit-001/2024-02 has ended its transaction"),
    ],
)
async def test_a_write_that_breaks_its_contract_pauses_the_job_and_says_so(months: World, what: str, said: str) -> None:
    await months.queue(*odd(u1_02=what))
    worker = months.worker("--burst", "--concurrency=1")
    assert await worker.wait() == 9, worker.output
    now = await status(months)
    assert now["state"] == "paused"
    assert said in now["pause_reason"]
    if what != "commit":
        assert "1/2024-02" not in await written(months)


async def test_a_finish_that_raises_pauses_the_job_and_nothing_of_it_is_kept(months: World) -> None:
    await months.queue(*odd(finish="yes"))
    worker = months.worker("--burst")
    assert await worker.wait() == 9, worker.output
    now = await status(months)
    assert now["pause_reason"] == "finish of months raised ValueError: nothing to say; nothing of it was kept"
    assert len(await written(months)) == 12


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("Disordered", "keys of disordered named 'unit-10' behind 'unit-9'"),
        ("Doubled", "keys of doubled named 'unit-2' twice"),
    ],
)
async def test_keys_out_of_order_or_doubled_are_refused_before_a_job_is_opened(
    world: World, definition: str, said: str
) -> None:
    world.definition = f"tests.support.pieces:{definition}"
    command = world.producer()
    assert await command.wait() == 6
    assert said in command.output
    assert await world.state() is None


async def test_jobs_whose_scopes_do_not_meet_may_be_active_at_once(months: World) -> None:
    first = await months.queue("-P", "unit=1")
    await months.queue("-P", "unit=2", "-P", "first=2024-01", "-P", "last=2024-02")
    await months.queue("-P", "unit=2", "-P", "first=2024-03", "-P", "last=2024-03")
    for refused in (
        ["-P", "unit=1", "-P", "first=2024-04", "-P", "last=2024-04"],
        ["-P", "first=2024-02", "-P", "last=2024-02"],
        [],
    ):
        command = months.producer(*refused)
        assert await command.wait() == 4, command.output
        assert "overlaps this one" in command.output
    assert str(first)[:8] in command.output
    await months.finish()
    assert set((await written(months)).values()) == {1}
    await months.queue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mode=null"], "months names its keys itself: leave out --mode=null"),
        (["--order=desc"], "leave out --order=desc"),
        (["-P", "first=2024-05"], "first=2024-05 is behind last=2024-04"),
    ],
)
async def test_what_keys_have_no_use_for_is_refused(months: World, arguments: list[str], said: str) -> None:
    command = months.producer(*arguments)
    assert await command.wait() == 2
    assert said in command.output


async def test_a_limit_ids_and_a_beginning_choose_among_the_keys(months: World) -> None:
    dry = months.producer("--dry-run", "--json", "--limit=5")
    assert await dry.wait() == 0, dry.output
    found = last_json(dry)
    assert (found["matched"], found["first_key"], found["last_key"]) == (5, "unit-001/2024-01", "unit-002/2024-01")

    await months.queue("--limit=2", "--after=unit-002/2024-03")
    await months.finish()
    assert list(await written(months)) == ["2/2024-04", "3/2024-01"]
    command = months.producer("--id=unit-001/2024-01", "--id=unit-009/2024-01")
    assert await command.wait() == 0
    assert "--id unit-009/2024-01: months names no such key" in command.output
    await months.finish()
    assert list(await written(months)) == ["1/2024-01", "2/2024-04", "3/2024-01"]


async def test_workers_may_write_the_tables_that_are_named_and_no_others(months: World) -> None:
    await months.execute("CREATE ROLE pieces_worker LOGIN PASSWORD 'x'")
    answer = await ask(months, "init", "--roles", "--app", "tests.support.pieces:Months")
    assert answer.code == 0, answer.err
    await months.execute("GRANT backfill_worker TO pieces_worker")
    url = months.database.replace(months.database.split("//")[1].split("@")[0], "pieces_worker:x")
    await months.queue(*odd(u3_04="elsewhere"))
    worker = months.worker("--burst", DATABASE_URL=url)
    assert await worker.wait() == 9, worker.output
    now = await status(months)
    assert (
        "InsufficientPrivilegeError: permission denied for table labels; name the table in writes of months"
        in (now["pause_reason"])
    )
    assert len(await written(months)) == 11


async def test_a_job_of_keys_can_be_paused_resumed_and_cancelled(months: World) -> None:
    job = await months.queue("-P", "units=40", "-P", "first=2024-01", "-P", "last=2024-12")
    await ask(months, "pause", str(job))
    worker = months.worker()
    await eventually(lambda: "Prefetch:" in worker.output, what="the worker")
    await ask(months, "resume", str(job))
    await months.until_ended()
    await months.drain(worker)
    assert len(await written(months)) == 480
    await months.ends_well()


async def test_a_slice_of_keys_ends_within_a_partition(months: World) -> None:
    await months.queue("--batch-size=12")
    for done in (5, 10):
        worker = months.worker("--max-records=5")
        assert await worker.wait() == 0, worker.output
        assert len(await written(months)) == done
    await months.finish()
    assert set((await written(months)).values()) == {1}
    await months.ends_well()


async def test_a_service_that_wants_to_be_left_alone_holds_the_job_and_costs_no_attempt(world: World) -> None:
    world.definition = "tests.support.pieces:LoadedMonths"
    await world.execute("INSERT INTO outage VALUES ('too many calls')")
    await world.queue(*odd(u1_01="unknown"))
    worker = world.worker()

    async def is_held() -> bool:
        now = await status(world)
        assert now["held_partitions"], now
        assert "rests for the limit of loaded_months until" in now["held_reason"]
        assert "429 too many calls" in now["held_reason"]
        return True

    await eventually(is_held)
    await world.execute("DELETE FROM outage")
    await world.until_ended()
    await world.drain(worker)

    now = await status(world)
    assert (now["updated"], now["skip_reasons"], now["failed"]) == (11, {"not known": 1}, 0)
    assert now["calls_made"] == 12 + now["calls_refused"]
    assert now["calls_refused"] > 0
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    assert await world.value("SELECT count(*) FROM backfill_events WHERE event = 'limit.held'") > 0
    await world.ends_well()


async def test_a_table_that_is_altered_meanwhile_fails_no_key(world: World) -> None:
    world.definition = "tests.support.pieces:LoadedMonths"
    await world.queue("-P", "units=20", "-P", "last=2024-12", "--batch-size=20")
    worker = world.worker("--concurrency=1")
    for done in (20, 60, 100, 140):
        await eventually(lambda done=done: world.value(f"SELECT count(*) >= {done} FROM months"), interval=0.01)
        await world.execute(f"ALTER TABLE labels ADD COLUMN more_{done} integer")
    await world.until_ended()
    await world.drain(worker)
    assert (await status(world))["failed"] == 0
    assert len(await written(world)) == 240
    await world.ends_well()


async def test_a_key_whose_rows_are_held_waits_alone_and_costs_no_attempt(months: World) -> None:
    await months.execute("INSERT INTO months (unit, month, total, writes) VALUES (1, '2024-02', 7, 0)")
    async with months.session() as session, session.transaction():
        await session.execute("SELECT FROM months WHERE unit = 1 FOR UPDATE")
        await months.queue("-P", "unit=1", "--batch-size=4")
        worker = months.worker("--concurrency=1")
        await eventually(lambda: months.value("SELECT count(*) = 4 FROM months WHERE unit = 1"), what="its neighbours")

        async def is_held() -> bool:
            assert (await status(months))["held_partitions"] == 1
            return True

        await eventually(is_held)
    await months.until_ended()
    await months.drain(worker)
    assert set((await written(months)).values()) == {1}
    assert await months.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await months.finish()
    await months.ends_well()


async def test_a_load_that_wants_the_service_left_alone_is_not_asked_again_before(world: World) -> None:
    world.definition = "tests.support.pieces:RefusedMonths"
    await world.execute("INSERT INTO outage VALUES ('too many calls')")
    await world.queue("-P", "unit=1")
    worker = world.worker("--concurrency=1")
    await eventually(lambda: world.value("SELECT refusals >= 4 FROM backfill_limits"))
    # Each time it is left alone for a second.
    since = "SELECT min(at) FROM backfill_events WHERE event = 'limit.held'"
    assert await world.value(f"SELECT refusals <= 2 + extract(epoch FROM refused_at - ({since})) FROM backfill_limits")
    await world.execute("DELETE FROM outage")
    await world.until_ended()
    await world.drain(worker)
    await world.ends_well()
