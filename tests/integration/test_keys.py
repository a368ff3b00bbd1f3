"""Keys of any type: each record is planned once and done once, whatever the roles and machines are set to."""

from collections.abc import AsyncIterator

import pytest

from tests.support.keyed import Table, login
from tests.support.world import World

pytestmark = pytest.mark.long

ROWS = 40
STAY = 5
# Of n, which is 1 to 40; further ones are the type's own edges.
KEYS = {
    "char(12)": ("'k' || n", ["''"]),
    "bit(12)": ("n::bit(12)", []),
    "timestamptz": ("'2025-10-26Z'::timestamptz + n * '333 seconds 7 us'::interval", ["'infinity'", "'-infinity'"]),
    "date": ("'2025-01-01'::date + n", ["'infinity'", "'-infinity'"]),
    "interval": ("n * '1 month 7 days 1 us'::interval", ["'-1 day'"]),
    "float8": ("n / 3.0", ["'NaN'", "'infinity'", "'-infinity'", "5e-324", "'-0.1'"]),
    "numeric": ("n / 3.0", ["'NaN'", "'infinity'", "1e40"]),
    "inet": ("('10.0.0.' || n || '/24')::inet", ["'10.0.0.1'", "'::1'"]),
    "bytea": ("decode(to_hex(65280 + n), 'hex')", ["''", "'\\x5c27'"]),
    "text": ("repeat('ä', n) || n", ["''", "'NULL'", "'a,b'", "'{x}'", "'\"'", "E'\\\\'", "' '", "repeat('z', 2000)"]),
    "citext": ("'Key ' || n", ["'ÄÖÜ'"]),
    "uuid": ("gen_random_uuid()", []),
    "tstzrange": ("tstzrange('2025-01-01Z', '2025-01-02Z'::timestamptz + n * '1 h'::interval)", ["'empty'", "'(,)'"]),
    "jsonb": ("jsonb_build_object('n', n)", ["'null'", "'[1, \"a\"]'"]),
}  # fmt: skip
ABROAD = {
    "TimeZone": "'Asia/Kolkata'",
    "DateStyle": "'SQL, DMY'",
    "IntervalStyle": "'sql_standard'",
    "extra_float_digits": "'-5'",
    "bytea_output": "'escape'",
}


@pytest.fixture
async def abroad(world: World) -> AsyncIterator[str]:
    """The URL of a role for which every text looks different."""
    async with login(world, **ABROAD) as url:
        yield url


async def fill(table: Table, type_name: str) -> int:
    """Make the table with a key of this type; how many rows it has."""
    of_number, others = KEYS[type_name]
    if type_name == "citext":
        await table.world.execute("CREATE EXTENSION citext")
    await table.create(f"id {type_name}")
    await table.world.execute(f"INSERT INTO keyed SELECT ({of_number})::{type_name} FROM generate_series(1, {ROWS}) n")
    for one in others:
        await table.world.execute(f"INSERT INTO keyed VALUES ({one})")
    # They match to the end: a sweep must know them by their texts.
    await table.world.execute(f"UPDATE keyed SET stays = 'yes' WHERE id IN (SELECT id FROM keyed LIMIT {STAY})")
    return ROWS + len(others)


@pytest.mark.parametrize("type_name", KEYS)
async def test_each_record_is_done_once_though_producer_and_worker_are_set_to_different_ways(
    world: World, abroad: str, type_name: str
) -> None:
    table = Table(world)
    rows = await fill(table, type_name)
    home = {"TZ": "America/New_York", "PGTZ": "America/New_York"}
    order = "asc" if len(type_name) % 2 else "desc"
    await table.queue("--batch-size=7", f"--order={order}", DATABASE_URL=abroad)
    in_order = await world.fetch(f"SELECT id FROM keyed ORDER BY id {order}")
    assert len(set(await table.planned())) == len(await table.planned()) == rows == len(in_order)
    await table.work(**home)
    assert await table.values() == {1: rows - STAY, None: STAY}
    job = await table.job()
    assert (job["state"], job["records_matched"], job["records_updated"]) == ("completed", rows, rows - STAY)
    assert (job["sweep"], job["sweep_found"]) == (1, 0)


@pytest.mark.parametrize("lost", [20, 30])
async def test_a_key_whose_text_is_not_the_key_ends_the_planning(world: World, lost: int) -> None:
    labels = [f"label {n:02}" for n in range(1, 31)]
    await world.execute(
        f"CREATE TYPE label AS ENUM ({', '.join(map(repr, labels))});"
        "CREATE FUNCTION label_text(label) RETURNS text IMMUTABLE LANGUAGE sql"
        f" AS $$ SELECT replace(enum_out($1)::text, '{lost}', '01') $$;"
        "CREATE CAST (label AS text) WITH FUNCTION label_text(label)"
    )
    table = Table(world)
    await table.create("id label")
    await world.execute("INSERT INTO keyed SELECT unnest(enum_range(NULL::label))")
    printed = await table.queue("--mode=all", "--batch-size=1", code=6)
    assert "error: the key id of 'keyed' cannot be paged: the text 'label 01'" in printed
    assert "does not lead back to it; use another unique column" in printed
    jobs = await world.fetch("SELECT * FROM backfill_jobs")
    assert len(jobs) == (lost == 20)  # the last one is noticed before a job is opened
    assert await world.value("SELECT count(*) FROM backfill_partitions") == 0
    if jobs:
        assert f"backfill cancel {jobs[0]['id']} --reason=" in printed


async def test_an_array_is_refused_as_a_key_in_a_line(world: World) -> None:
    table = Table(world)
    await table.create("id integer[]")
    printed = await table.queue(code=6)
    assert printed.splitlines() == [
        "error: the key 'id' of 'keyed' is integer[], and there are no arrays of arrays to look many of them up at "
        "once; use another unique column"
    ]


async def test_records_without_a_key_are_named_and_left_out(world: World) -> None:
    table = Table(world, key="code")
    await world.execute("CREATE TABLE keyed (code text UNIQUE, value integer, stays text)")
    await world.execute("INSERT INTO keyed SELECT nullif('c' || n, 'c1') FROM generate_series(1, 20) n")
    printed = await table.queue("--order=desc")
    assert "warning: 1 records of keyed that the mode selects have a NULL key code and are left out" in printed
    assert "Records: 19\n" in printed
    await table.work()
    assert await table.values() == {1: 19, None: 1}
    assert (await table.job())["records_left"] == 0


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_key_of_several_columns_with_a_null_in_any_is_left_out(world: World, order: str) -> None:
    table = Table(world, key="a,b")
    await world.execute("CREATE TABLE keyed (a integer, b integer, value integer, stays text, UNIQUE (a, b))")
    await world.execute("INSERT INTO keyed SELECT nullif(n % 5, 0), nullif(n / 5, 0) FROM generate_series(0, 39) n")
    keyless = await world.value("SELECT count(*) FROM keyed WHERE a IS NULL OR b IS NULL")
    printed = await table.queue("--batch-size=3", f"--order={order}")
    assert f"warning: {keyless} records of keyed that the mode selects have a NULL key (a, b)" in printed
    await table.work()
    assert await table.values() == {1: 40 - keyless, None: keyless}


async def test_only_rows_without_a_key_are_nothing_to_do_and_said(world: World) -> None:
    await world.execute("CREATE TABLE keyed (id integer UNIQUE, value integer, stays text)")
    await world.execute("INSERT INTO keyed SELECT FROM generate_series(1, 3)")
    printed = await Table(world).queue()
    assert "warning: 3 records of keyed that the mode selects have a NULL key id" in printed
    assert "Nothing to do." in printed


async def test_children_of_a_table_are_left_alone_and_said(world: World) -> None:
    table = Table(world)
    await table.create("id integer")
    await world.execute("CREATE TABLE child (PRIMARY KEY (id)) INHERITS (keyed)")
    await world.execute(
        "INSERT INTO keyed SELECT generate_series(1, 9); INSERT INTO child SELECT generate_series(1, 20)"
    )
    printed = await table.queue("--batch-size=2")
    assert "warning: keyed has children (child): only its own rows are worked on" in printed
    assert "Records: 9\n" in printed
    await table.work()
    counts = "SELECT count(*) FROM {} WHERE value = 1"
    assert (await world.value(counts.format("ONLY keyed")), await world.value(counts.format("child"))) == (9, 0)
    assert (await table.job())["records_matched"] == 9
