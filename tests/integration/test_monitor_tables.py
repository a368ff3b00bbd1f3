"""What a look asks of a table: tables of all kinds, columns of all types, and statements that take too long."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backfill.monitor.profile import Profile, SqlSource
from backfill.monitor.readings import Measure, Reading, Remembered
from backfill.monitor.sources import queries
from tests.support import databases
from tests.support.logins import as_role
from tests.support.pooler import pgbouncer
from tests.support.surroundings import surroundings

MADE = """
    CREATE TABLE items (id bigint PRIMARY KEY, at timestamptz, naive timestamp, epoch bigint, state text, value float8);
    INSERT INTO items
    SELECT n, now() - n * interval '30 s', (now() - n * interval '30 s') AT TIME ZONE 'Asia/Tokyo',
           (extract(epoch FROM now()) - n * 30) * 1000,
           CASE WHEN n % 4 = 0 THEN 'failed' WHEN n % 10 > 0 THEN 'done' END,
           CASE WHEN n % 10 = 0 THEN 0 WHEN n % 10 > 1 THEN n END
    FROM generate_series(1, 1000) n;
    UPDATE items SET at = 'epoch', naive = '0001-01-01', epoch = 0 WHERE id <= 3;
"""


async def ask(
    url: str, table: str, remembered: Remembered | None = None, zone: str | None = None, **more: Any
) -> tuple[Reading, Remembered]:
    where = surroundings(Path(), {"DATABASE_URL": url})
    source = SqlSource(table=table, **{"timeout": 60, **more})
    return await queries.read(source, Profile(timezone=zone), where, remembered or {})


async def look(url: str, table: str, **more: Any) -> Reading:
    return (await ask(url, table, **more))[0]


@pytest.mark.parametrize("newest", ["at", "naive", "epoch"])
async def test_the_usual_questions(database: str, newest: str) -> None:
    await databases.execute(database, MADE)
    reading = await look(database, "items", range="id", newest=newest, group="state", value="value", zone="Asia/Tokyo")
    assert reading.problems == []
    latest = reading.measures.pop(Measure.NEWEST)
    assert isinstance(latest, datetime)
    assert abs(datetime.now(UTC) - timedelta(seconds=120) - latest) < timedelta(seconds=30)
    assert reading.measures == {
        Measure.ROWS: 1000,
        Measure.RANGE_START: 1,
        Measure.RANGE_END: 1000,
        Measure.ZERO_VALUES: 100,
        Measure.NULL_VALUES: 100,
        Measure.ZERO_TIMESTAMPS: 3,
    }
    assert reading.groups == {"done": 700, "failed": 250, "NULL": 50}
    assert sum(reading.minutes.values()) == pytest.approx(117, abs=2)
    assert max(reading.minutes) == int(latest.timestamp()) // 60
    assert (reading.seen, reading.source) == ("public.items", "sql items")


async def test_an_empty_table_and_one_of_nothing_but_nulls(database: str) -> None:
    await databases.execute(database, "CREATE TABLE none (id int, at timestamptz, v int)")
    for rows in (0, 1):
        reading = await look(database, "none", range="id", newest="at", group="v", value="v")
        assert (reading.problems, reading.notes) == ([], ["no row has a at"])
        assert reading.measures == {
            Measure.ROWS: rows, Measure.NULL_VALUES: rows, Measure.ZERO_VALUES: 0, Measure.ZERO_TIMESTAMPS: 0,
        }  # fmt: skip
        await databases.execute(database, "INSERT INTO none VALUES (NULL)")


@pytest.mark.parametrize(
    ("type_", "first", "last", "shown"),
    [
        ("numeric(78)", "0", "1" + "0" * 77, (0, 10**77)),
        ("numeric", "1.5", "NaN", (1.5, "NaN")),
        ("text", "a", "b\x1b[31m", ("a", "b\\x1b[31m")),
        (
            "uuid",
            "00000000-0000-0000-0000-000000000001",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ("00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ),
        ("date", "2026-01-01", "infinity", (datetime(2026, 1, 1, tzinfo=UTC), "infinity")),
        (
            "timestamptz",
            "-infinity",
            "2026-01-01 00:00:00.5+02",
            ("-infinity", datetime(2025, 12, 31, 22, 0, 0, 500_000, tzinfo=UTC)),
        ),
        ("timestamp", "0044-03-15 BC", "294276-01-01", ("0044-03-15 00:00:00 BC", "294276-01-01 00:00:00")),
        ("bytea", "\\x00", "\\xff", ("\\x00", "\\xff")),
        ("float8", "-Infinity", "2.5", ("-Infinity", 2.5)),
    ],
)
async def test_a_range_of_any_type(database: str, type_: str, first: str, last: str, shown: tuple[Any, Any]) -> None:
    await databases.execute(database, f"CREATE TABLE many (v {type_})")
    for text in (first, last):
        await databases.execute(database, f"INSERT INTO many VALUES (E'{text.replace(chr(92), chr(92) * 2)}')")
    reading = await look(database, "many", range="v", value="v")
    assert reading.problems == []
    assert (reading.measures[Measure.RANGE_START], reading.measures[Measure.RANGE_END]) == shown
    assert reading.measures[Measure.NULL_VALUES] == 0


async def test_infinite_times_are_no_newest(database: str) -> None:
    await databases.execute(
        database,
        "CREATE TABLE times (at timestamptz, f float8)",
        "INSERT INTO times VALUES ('infinity', 'NaN'), ('2026-01-01Z', 1767225600), ('-infinity', NULL)",
    )
    for column, zeros in (("at", 1), ("f", 0)):
        reading = await look(database, "times", newest=column)
        assert (reading.problems, reading.measures[Measure.NEWEST]) == ([], datetime(2026, 1, 1, tzinfo=UTC))
        assert reading.measures[Measure.ZERO_TIMESTAMPS] == zeros


async def test_names_as_people_write_them(database: str) -> None:
    await databases.execute(
        database,
        'CREATE TABLE "Big Items" ("Id" int); CREATE TABLE orders (n int); CREATE TABLE "Orders" (n int)',
        'CREATE SCHEMA shop; CREATE TABLE shop.orders ("we""ird" int); CREATE TABLE shop.stock (n int)',
        'INSERT INTO "Orders" VALUES (1); INSERT INTO shop.orders VALUES (1), (2)',
        "CREATE SCHEMA other; CREATE TABLE other.stock (n int)",
    )
    for name, rows in {
        "orders": 0, "Orders": 1, '"Orders"': 1, "ORDERS": 0, "shop.orders": 2, '"shop"."orders"': 2, "Shop.ORDERS": 2,
        '"Big Items"': 0, "Big Items": 0,
    }.items():  # fmt: skip
        assert (await look(database, name)).measures == {Measure.ROWS: rows}, name
    assert (await look(database, "Big Items", range="Id")).problems == []
    assert (await look(database, "shop.orders", value='we"ird')).problems == []
    for name, says in {
        '"ORDERS"': 'there is no table "ORDERS"; correct its name, or name it with its schema',
        "stock": "there are other.stock, shop.stock; write which",
        "a.b.c": "'a.b.c' is no table's name; write table or schema.table",
        'x"; DROP TABLE orders; --': "is no table's name",
    }.items():
        assert says in (await look(database, name)).problems[0].text


async def test_a_column_that_is_wrong_loses_nothing_else(database: str) -> None:
    await databases.execute(database, MADE)
    reading = await look(database, "items", range="ident", newest="state", group="state", value="values")
    assert [one.text.partition(";")[0] for one in reading.problems] == [
        '"public"."items"."state" is text, no time',
        '"public"."items" has no column \'ident\'',
        '"public"."items" has no column \'values\'',
    ]
    assert "it has: id, at, naive, epoch, state, value" in reading.problems[1].text
    assert (reading.measures, len(reading.groups)) == ({Measure.ROWS: 1000}, 3)
    await databases.execute(database, "CREATE TABLE of_json (v json)", "INSERT INTO of_json VALUES ('1')")
    reading = await look(database, "of_json", range="v")
    assert "range: could not identify an ordering operator for type json" in reading.problems[0].text
    assert reading.measures == {Measure.ROWS: 1}


async def test_views_partitions_and_materialized_views(database: str) -> None:
    await databases.execute(
        database,
        MADE,
        "CREATE VIEW seen AS SELECT * FROM items WHERE id > 500",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM items",
        "CREATE TABLE parts (id bigint, at timestamptz, value numeric) PARTITION BY RANGE (id)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (500)",
        "CREATE TABLE parts_2 PARTITION OF parts DEFAULT; INSERT INTO parts SELECT id, at, value FROM items",
    )
    for name, rows in {"seen": 500, "kept": 1000, "parts": 1000}.items():
        reading = await look(database, name, range="id", newest="at", value="value")
        assert (reading.problems, reading.measures[Measure.ROWS], len(reading.measures)) == ([], rows, 7)


SLOW = """
    CREATE TABLE big AS SELECT n AS id, CASE WHEN n % 2 = 0 THEN 0 ELSE n END AS value
    FROM generate_series(1, 300000) n;
    ANALYZE big;
    CREATE FUNCTION slowly(bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(10); RETURN $1; END';
    CREATE VIEW slow AS SELECT slowly(id) AS id, value FROM big WHERE id <= 1000;
"""


async def test_what_is_slow_is_cut_off_and_not_asked_again_for_a_while(database: str) -> None:
    await databases.execute(database, SLOW)
    reading, remembered = await ask(database, "slow", range="id", group="value", timeout=12)
    assert "range: took longer than" in reading.problems[0].text
    assert (len(reading.problems), len(reading.groups)) == (1, 20)
    again, kept = await ask(database, "slow", remembered, range="id", group="value", timeout=12)
    assert (again.problems, "range: took too long before" in again.notes[0], kept) == ([], True, remembered)
    assert again.groups == reading.groups


async def test_a_table_that_is_too_big_to_count_is_estimated_and_sampled(database: str) -> None:
    await databases.execute(database, SLOW)
    remembered = {"slow": {"count": time.time() + 100}}
    reading, kept = await ask(database, "big", remembered, value="value", range="id")
    assert (reading.problems, kept) == ([], remembered)
    rows, zeros = reading.measures[Measure.ROWS], reading.measures[Measure.ZERO_VALUES]
    assert rows == pytest.approx(300_000, rel=0.05)
    assert zeros == pytest.approx(150_000, rel=0.1)
    assert any(note.startswith("about ") for note in reading.notes)
    assert any("a sample of" in note for note in reading.notes)


async def test_a_table_that_is_locked_keeps_nobody_waiting(database: str) -> None:
    await databases.execute(database, MADE)
    async with databases.session(database) as session, session.transaction():
        await session.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        reading = await look(database, "items", range="id", timeout=8)
    (found,) = reading.problems
    assert found.text == "range: somebody has locked the table; look again when that has ended"


async def test_a_role_without_rights_and_one_with_some(database: str) -> None:
    role = f"stranger_{database[-8:]}"
    await databases.execute(database, MADE, f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        url = as_role(database, role, "x")
        reading = await look(url, "items", range="id")
        assert "permission denied for table items; GRANT SELECT to the role of DATABASE_URL" in reading.problems[0].text
        await databases.execute(database, f"GRANT SELECT (id, at) ON items TO {role}")
        reading = await look(url, "items", newest="at", group="state")
        assert "group: permission denied for table items" in reading.problems[0].text
        assert (len(reading.problems), reading.measures[Measure.ROWS]) == (1, 1000)
    finally:
        await databases.execute(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.usefixtures("pooler")
async def test_through_a_pooler(database: str) -> None:
    await databases.execute(database, MADE)
    async with pgbouncer(database, size=1) as through:
        reading = await look(through, "items", range="id", newest="at", group="state", value="value")
        assert (reading.problems, len(reading.measures)) == ([], 7)


async def test_names_that_stand_for_others_are_not_called(database: str) -> None:
    await databases.execute(
        database,
        MADE,
        "CREATE FUNCTION public.floor(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 / 0'",
        "CREATE FUNCTION public.theirs(numeric, integer) RETURNS numeric LANGUAGE sql AS 'SELECT $1 / 0'",
        "CREATE OPERATOR public./ (FUNCTION = theirs, LEFTARG = numeric, RIGHTARG = integer)",
    )
    for newest in ("at", "naive", "epoch"):
        reading = await look(
            database, "items", range="id", newest=newest, group="state", value="value", zone="Asia/Tokyo"
        )
        assert (reading.problems, len(reading.minutes) > 50) == ([], True)
