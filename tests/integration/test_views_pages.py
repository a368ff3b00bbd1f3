"""Lists of the ledger, page by page: complete and without doubles, whatever is inserted meanwhile."""

import base64
import json
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from backfill.errors import NotFoundError, UsageError
from backfill.ledger import jobs, views
from backfill.ledger.views import Page, cursor
from tests.support.operating import done, in_state, with_failures
from tests.support.world import World

pytestmark = pytest.mark.long

Read = Callable[[str | None], Awaitable[Page]]
Meanwhile = Callable[[int], Awaitable[None]]

SOME = UUID("3f2a1c9e-0000-4000-8000-000000000001")
OPEN = """
    INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, completed_at, key_range, tenant_id)
    SELECT $1, 'null', 10, 'x', $2, CASE WHEN $2 = 'cancelled' THEN now() END, 'empty', $3
    FROM generate_series(1, $4::integer) RETURNING id
"""


async def opened(world: World, name: str, state: str = "cancelled", *, count: int = 1, tenant: str = "default") -> None:
    await world.fetch(OPEN, name, state, tenant, count)


async def planned(world: World, count: int, *, first: int = 1, job: UUID | None = None) -> UUID:
    """A job of partitions of one record each."""
    if job is None:
        job = (await world.fetch(OPEN, "made", "pending", "default", 1))[0]["id"]
    await world.execute(
        """
        INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count)
        SELECT $1, lpad(n::text, 9, '0'), ARRAY[n::text], 1 FROM generate_series($2::integer, $3::integer) AS n
        """,
        job,
        first,
        first + count - 1,
    )
    return job


ENDED = """
    UPDATE backfill_partitions SET state = $2, started_at = now(), completed_at = now(), records_updated = 1
    WHERE backfill_job_id = $1 AND partition_key = ANY (SELECT lpad(n::text, 9, '0') FROM unnest($3::integer[]) AS n)
"""


async def walk(read: Read, meanwhile: Meanwhile | None = None) -> list[dict[str, object]]:
    """Every item, with something done behind each page."""
    found: list[dict[str, object]] = []
    place: str | None = None
    for number in range(1_000):
        page = await read(place)
        found += page.items
        if meanwhile is not None:
            await meanwhile(number)
        if page.next_cursor is None:
            return found
        assert page.items, "a page without items is the last one"
        place = page.next_cursor
    raise AssertionError("it goes on and on")


async def test_jobs_are_listed_once_each_while_others_are_opened(world: World) -> None:
    await opened(world, "many", count=23)  # in one statement: some of them at the same moment
    await world.execute("UPDATE backfill_jobs SET created_at = date_trunc('minute', created_at)")
    before = [str(row["id"]) for row in await world.fetch("SELECT id FROM backfill_jobs")]

    async def read(place: str | None) -> Page:
        return await views.job_page(world.connection, states=None, backfill=None, cursor=place, limit=4)

    found = await walk(read, lambda _: opened(world, "later"))
    seen = [item["job"] for item in found]
    assert len(seen) == len(set(seen))
    assert set(before) <= set(seen)
    assert [item["backfill"] for item in found] == ["many"] * 23


async def test_jobs_of_a_state_of_a_backfill_and_of_this_tenant(world: World) -> None:
    await opened(world, "one", count=3)
    await opened(world, "one", "pending")
    await opened(world, "two")
    await opened(world, "one", tenant="other")

    async def names(states: list[str] | None, backfill: str | None) -> list[tuple[str, str]]:
        page = await views.job_page(world.connection, states=states, backfill=backfill, cursor=None, limit=50)
        return [(item["backfill"], item["state"]) for item in page.items]

    assert len(await names(None, None)) == 5
    assert await names(["pending", "running"], None) == [("one", "pending")]
    assert await names(["cancelled"], "one") == [("one", "cancelled")] * 3
    assert await names([], "three") == []
    with pytest.raises(UsageError, match="no state 'gone'; there are: pending, running"):
        await names(["gone"], None)


async def test_partitions_are_listed_once_each_while_more_are_planned(world: World) -> None:
    job = await planned(world, 23)

    async def read(place: str | None) -> Page:
        return await views.partition_page(world.connection, job, states=None, cursor=place, limit=4)

    async def plan(number: int) -> None:
        if number < 3:
            await planned(world, 2, first=24 + 2 * number, job=job)

    found = await walk(read, plan)
    assert [item["partition_key"] for item in found] == [f"{n:09}" for n in range(1, 30)]


@pytest.mark.parametrize("count", [40, 50_700], ids=["small", "large"])
async def test_partitions_of_some_states_are_found(world: World, count: int) -> None:
    job = await planned(world, count)
    some = {"completed": [1, 2, 3, 31, count - 1], "failed": [4, 32, count], "skipped": [5]}
    for state, numbers in some.items():
        await world.execute(ENDED, job, state, numbers)
    await world.execute(
        "UPDATE backfill_partitions SET state = 'running', lease_expires_at = now() WHERE partition_key = '000000006'"
    )
    await jobs.roll_up(world.connection, job)

    async def keys(*states: str, first: str | None = None, last: str | None = None) -> list[int]:
        async def read(place: str | None) -> Page:
            return await views.partition_page(
                world.connection, job, states=[*states], cursor=place, limit=2, first_key=first, last_key=last
            )

        return [int(str(item["partition_key"])) for item in await walk(read)]

    for state, numbers in some.items():
        assert await keys(state) == numbers, state
    assert await keys("running") == [6]
    assert await keys("failed", "completed", "running") == sorted([*some["completed"], *some["failed"], 6])
    assert await keys("completed", "pending", first="000000002", last="000000008") == [2, 3, 7, 8]
    assert await keys("completed", "pending", first="2", last="0000000008") == [2, 3, 7, 8]
    assert await keys(*some, "running", "pending", last="000000009") == [*range(1, 10)]
    with pytest.raises(UsageError, match="'x' is no key of a partition"):
        await keys(first="x")
    with pytest.raises(UsageError, match="there is no state 'paused'"):
        await keys("paused")


async def test_failures_are_listed_once_each_the_newest_first(world: World) -> None:
    job = await planned(world, 1)

    async def fail(first: int, count: int, error: str = "ValueError") -> None:
        await world.execute(
            """
            INSERT INTO backfill_failures
                (backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
            SELECT $1, '000000001', n::text, $4, 'record ' || n, 1 FROM generate_series($2::integer, $3::integer) AS n
            """,
            job,
            first,
            first + count - 1,
            error,
        )

    await fail(1, 10)
    await fail(11, 3, "CheckViolationError")

    async def read(place: str | None) -> Page:
        return await views.failure_page(world.connection, job, error_class=None, cursor=place, limit=4)

    found = await walk(read, lambda number: fail(100 + number, 1))
    assert [item["record_id"] for item in found] == [str(n) for n in range(13, 0, -1)]
    assert all(isinstance(item["id"], str) for item in found)

    async def violations(place: str | None) -> Page:
        return await views.failure_page(world.connection, job, error_class="CheckViolationError", cursor=place, limit=2)

    assert [item["record_id"] for item in await walk(violations)] == ["13", "12", "11"]


async def test_events_are_listed_once_each_the_newest_first(world: World) -> None:
    job = await in_state(world, "paused")
    other = await planned(world, 1)

    async def read(place: str | None) -> Page:
        return await views.event_page(world.connection, job, cursor=place, limit=1)

    async def resume(number: int) -> None:
        if number == 0:
            await done(world, "resume", str(job), "--reason", "go | on\n<b>")

    found = await walk(read, resume)
    assert [item["event"] for item in found] == ["job.paused", "job.running", "job.opened"]
    assert {item["job"] for item in found} == {str(job)}
    everything = await views.event_page(world.connection, None, cursor=None, limit=50)
    assert [item["event"] for item in everything.items] == [
        "job.resuming", "job.opened", "job.paused", "job.running", "job.opened"
    ]  # fmt: skip
    assert everything.items[1]["job"] == str(other)
    assert everything.items[0]["reason"] == "go | on\n<b>"
    assert everything.items[0]["details"] == {}


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "nonsense",
        "*",
        "é",
        "A" * 10_000,
        cursor.encode("events", 7),
        cursor.encode("jobs", "2026-01-01T00:00:00+00:00"),
        cursor.encode("jobs", "2026-01-01T00:00:00", SOME),
        cursor.encode("jobs", "infinity", SOME),
        cursor.encode("jobs", "2026-01-01T00:00:00+00:00", "x"),
        cursor.encode("jobs", "2026-01-01T00:00:00+00:00", SOME, 1),
        base64.urlsafe_b64encode(json.dumps(["jobs", 1, None]).encode()).decode(),
        base64.urlsafe_b64encode(b"[" * 1_400).decode(),
        base64.urlsafe_b64encode(b"17").decode(),
    ],
)
async def test_a_cursor_that_is_none_is_refused(world: World, wrong: str) -> None:
    with pytest.raises(UsageError, match="this is no cursor of jobs; begin without one"):
        await views.job_page(world.connection, states=None, backfill=None, cursor=wrong, limit=10)


@pytest.mark.parametrize("place", ["0", "-1", "9223372036854775808", "1_0", "x\x00", "٣", ""])
async def test_a_place_that_no_row_can_have_is_refused(world: World, place: str) -> None:
    job = await planned(world, 1)
    for name, read in (
        ("events", views.event_page(world.connection, job, cursor=cursor.encode("events", place), limit=1)),
        (
            "partitions",
            views.partition_page(
                world.connection, job, states=None, cursor=cursor.encode("partitions", place), limit=1
            ),
        ),
    ):
        with pytest.raises(UsageError, match=f"this is no cursor of {name}"):
            await read


@pytest.mark.parametrize("limit", [0, -1, 1_001])
async def test_a_page_has_a_bounded_number_of_items(world: World, limit: int) -> None:
    with pytest.raises(UsageError, match="1 to 1,000 items"):
        await views.event_page(world.connection, None, cursor=None, limit=limit)


async def test_what_there_is_not_is_said(world: World) -> None:
    unknown = uuid4()
    for read in (
        views.partition_page(world.connection, unknown, states=None, cursor=None, limit=1),
        views.partition(world.connection, unknown, "000000001"),
        views.failure_page(world.connection, unknown, error_class=None, cursor=None, limit=1),
        views.failure_groups(world.connection, unknown),
        views.event_page(world.connection, unknown, cursor=None, limit=1),
        views.partition_map(world.connection, unknown),
    ):
        with pytest.raises(NotFoundError, match=f"no job {unknown}"):
            await read
    job = await planned(world, 1)
    with pytest.raises(NotFoundError, match="has no partition '7'"):
        await views.partition(world.connection, job, "7")


async def test_a_partition_has_its_records_and_those_that_failed(world: World) -> None:
    job = await with_failures(world)
    found = await views.partition(world.connection, job, "000000002")
    assert found["record_ids"] == [str(n) for n in range(11, 21)]
    assert (found["state"], found["remaining_ids"], found["updated"], found["failed"]) == ("completed", None, 9, 1)
    (worker,) = await world.fetch("SELECT * FROM backfill_workers")
    assert (found["worker"], found["host"], found["pid"]) == (str(worker["id"]), worker["host"], worker["pid"])
    (failure,) = found["failures"]
    assert (failure["record_id"], failure["error_class"], failure["attempts"]) == ("15", "ValueError", 1)
    listed = await views.partition_page(world.connection, job, states=["completed"], cursor=None, limit=10)
    assert [item["failed"] for item in listed.items] == [1, 1, 0, 0]
    assert {name: found[name] for name in listed.items[1]} == listed.items[1]


async def test_failures_are_grouped_by_the_shape_of_their_message(world: World) -> None:
    job = await with_failures(world)
    found = await views.failure_groups(world.connection, job)
    assert (found.looked_at, found.is_cut) == (2, False)
    (group,) = found.items
    assert (group["error_class"], group["message"], group["failed"]) == ("ValueError", "record # cannot be computed", 2)
    assert (group["first_record"], group["sample"]) == ("5", ["15", "5"])

    await world.execute(
        """
        INSERT INTO backfill_failures (backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
        SELECT $1, '000000001', 'x' || n, 'Error' || n % 120, repeat('a', n % 7) || ' in "' || n || '"', 1
        FROM generate_series(1, 10000) AS n
        """,
        job,
    )
    found = await views.failure_groups(world.connection, job)
    assert (len(found.items), found.looked_at, found.is_cut) == (100, 10_000, True)
    all_of_them = list(found.items)
    await world.execute(
        """
        INSERT INTO backfill_failures (backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
        SELECT $1, '000000001', 'later' || n, 'LaterError', 'later', 1 FROM generate_series(1, 500) AS n
        """,
        job,
    )
    while found.next_cursor is not None:
        found = await views.failure_groups(world.connection, job, cursor=found.next_cursor, limit=300)
        assert (found.looked_at, found.is_cut) == (10_000, True)
        all_of_them += found.items
    kinds = [(item["error_class"], item["message"]) for item in all_of_them]
    assert len(kinds) == len(set(kinds)) == 840
    assert sum(item["failed"] for item in all_of_them) == 10_000
    assert "LaterError" not in {error_class for error_class, _ in kinds}
    with pytest.raises(UsageError, match="no cursor of failures/groups"):
        await views.failure_groups(world.connection, job, cursor="x")
    found = await views.failure_groups(world.connection, job)
    assert found.items[0]["error_class"] == "LaterError"
    assert all(len(item["sample"]) <= 5 for item in found.items)
    assert found.items[1]["message"].endswith(" in '…'")


async def test_failures_of_a_group_are_listed_once_each(world: World) -> None:
    job = await planned(world, 1)
    await world.execute(
        """
        INSERT INTO backfill_failures (backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
        SELECT $1, '000000001', n, CASE WHEN n % 2 = 0 THEN 'KeyError' ELSE 'ValueError' END,
               CASE WHEN n % 3 = 0 THEN 'no type ' || n ELSE 'no price of ' || n END, 1
        FROM generate_series(1, 60) AS n
        """,
        job,
    )

    async def found(error_class: str | None, message: str) -> list[int]:
        async def read(place: str | None) -> Page:
            return await views.failure_page(
                world.connection, job, error_class=error_class, message=message, cursor=place, limit=4
            )

        return [int(str(item["record_id"])) for item in await walk(read)]

    assert await found(None, "no type #") == list(range(60, 0, -3))
    assert await found("KeyError", "no type #") == list(range(60, 0, -6))
    assert await found("ValueError", "no price of #") == [n for n in range(60, 0, -1) if n % 2 and n % 3]
    assert await found("ValueError", "nothing") == []


@pytest.mark.parametrize("count", [0, 1, 7, 40, 403, 50_700])
@pytest.mark.parametrize("bins", [1, 7, 200])
async def test_the_map_has_every_partition_once(world: World, count: int, bins: int) -> None:
    job = await planned(world, count)
    numbers: dict[str, list[int]] = {"completed": [], "failed": [], "skipped": []}
    for n in range(1, count):
        if n % 31 in (6, 7):
            numbers["failed" if n % 31 == 6 else "skipped"].append(n)
        elif n % 31 == 9 or (n < count / 2 and n % 3 == 0):
            numbers["completed"].append(n)
    for state, some in numbers.items():
        await world.execute(ENDED, job, state, some)
    await world.execute(
        "UPDATE backfill_partitions SET state = 'running', lease_expires_at = now(), held_since = now() "
        "WHERE state = 'pending' AND partition_key::integer % 50 = 3"
    )
    await jobs.roll_up(world.connection, job)
    found = await views.partition_map(world.connection, job, bins)
    cells = found["cells"]
    assert len(cells) <= bins
    assert found["partitions"] == count
    following = 1
    for cell in cells:
        assert int(cell["first_key"]) == following
        following = int(cell["last_key"]) + 1
        rows = await world.fetch(
            "SELECT state, count(*) AS n, count(held_since) AS held FROM backfill_partitions "
            "WHERE partition_key BETWEEN $1 AND $2 GROUP BY 1",
            cell["first_key"],
            cell["last_key"],
        )
        there = {row["state"]: row["n"] for row in rows}
        for state in ("pending", "running", "completed", "failed", "skipped"):
            assert cell[state] == there.get(state, 0), (cell, there)
        assert cell["held"] == sum(row["held"] for row in rows)
        assert cell["partitions"] == sum(there.values())
    assert following == count + 1
    with pytest.raises(UsageError, match="1 to 1,000 cells"):
        await views.partition_map(world.connection, job, 1_001)


@pytest.mark.parametrize(
    "keys",
    [["{1001,3}", "{1001,4}"], ["9223372036854775807", "-9223372036854775808"], ["<b>|`x`\n", "'; DROP\t\"\u202e"]],
    ids=["composite", "64 bit", "hostile"],
)
async def test_keys_arrive_as_they_are(world: World, keys: list[str]) -> None:
    job = await planned(world, 0)
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, records_failed, "
        "state, started_at, completed_at) VALUES ($1, '000000001', $2, 2, 2, 'failed', now(), now())",
        job,
        keys,
    )
    await world.execute(
        "INSERT INTO backfill_failures (backfill_job_id, partition_key, record_id, error_class, error_message, "
        "attempts) SELECT $1, '000000001', unnest($2::text[]), 'E', 'x', 1",
        job,
        keys,
    )
    found = await views.partition(world.connection, job, "000000001")
    assert found["record_ids"] == keys
    assert sorted(one["record_id"] for one in found["failures"]) == sorted(keys)
    page = await views.failure_page(world.connection, job, error_class=None, cursor=None, limit=10)
    assert sorted(one["record_id"] for one in page.items) == sorted(keys)
    (group,) = (await views.failure_groups(world.connection, job)).items
    assert sorted(group["sample"]) == sorted(keys)
