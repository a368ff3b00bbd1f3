"""What a look asks PostgreSQL: queries of the user's own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backfill.monitor.profile import Profile, SqlSource
from backfill.monitor.readings import Measure, Reading
from backfill.monitor.sources import queries
from backfill.services import ports
from tests.support import databases
from tests.support.pooler import pgbouncer
from tests.support.surroundings import surroundings


async def look(url: str, query: str, seconds: float = 60, **profile: str) -> Reading:
    source = SqlSource(query=query, timeout=seconds)
    where = surroundings(Path(), {"DATABASE_URL": url})
    reading, _ = await queries.read(source, Profile.model_validate(profile), where, {})
    return reading


async def problem(url: str, query: str, seconds: float = 60) -> str:
    (found,) = (await look(url, query, seconds)).problems
    return found.text


async def test_columns_are_measures_by_their_names(database: str) -> None:
    reading = await look(
        database,
        "SELECT 1200000 AS rows, 2e6::numeric AS rows_total, 17 AS range_start, DATE '2026-11-20' AS range_end, "
        "TIMESTAMP '2026-11-26 10:00' AS newest, NULL::int AS zero_values, '12,345' AS bytes, 0.5::float8 AS calls",
    )
    assert reading.problems == []
    assert reading.measures == {
        Measure.ROWS: 1_200_000,
        Measure.ROWS_TOTAL: 2_000_000,
        Measure.RANGE_START: 17,
        Measure.RANGE_END: datetime(2026, 11, 20, tzinfo=UTC),
        Measure.NEWEST: datetime(2026, 11, 26, 10, tzinfo=UTC),
        Measure.BYTES: 12_345,
        Measure.CALLS: 0.5,
    }
    assert (reading.seen, isinstance(reading.measures[Measure.ROWS_TOTAL], int)) == ("1 row", True)


async def test_the_first_query_that_anybody_types_counts_rows(database: str) -> None:
    reading = await look(database, "SELECT count(*) FROM generate_series(1, 7)")
    assert (reading.measures, reading.problems) == ({Measure.ROWS: 7}, [])


async def test_a_time_without_a_zone_is_of_the_profiles(database: str) -> None:
    reading = await look(database, "SELECT TIMESTAMP '2026-11-26 10:00' AS newest", timezone="Asia/Tokyo")
    assert reading.measures[Measure.NEWEST] == datetime(2026, 11, 26, 1, tzinfo=UTC)
    reading = await look(database, "SELECT 1 AS rows", timezone="Mars/Base")
    assert "there is no time zone 'Mars/Base'" in reading.problems[0].text


async def test_rows_may_be_groups_or_minutes(database: str) -> None:
    reading = await look(database, "SELECT * FROM (VALUES ('done', 5), (NULL, 2), (E'a\\nb', 1)) v (\"group\", count)")
    assert reading.groups == {"done": 5, "NULL": 2, "a\\nb": 1}
    reading = await look(
        database,
        "SELECT to_timestamp(n * 60) AS minute, n AS count FROM generate_series(1, 3000) n",
    )
    assert (len(reading.minutes), reading.minutes[1], reading.seen) == (1440, 1, "the first 1,441 rows")
    reading = await look(database, "SELECT 1795687200000::bigint AS minute, 7 AS count")
    assert reading.minutes == {1795687200 // 60: 7}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT 1 AS rowz, 2 AS rows", "no measure is called rowz; name the columns rows, rows_total"),
        ("SELECT count(*) AS number FROM pg_class", "no measure is called number; name the columns rows"),
        ("SELECT 1 AS rows UNION SELECT 2", "the query has 2 rows"),
        ("SELECT 'many' AS rows", "rows: 'many' is no number"),
        ("SELECT 'NaN'::float8 AS rows", "rows: nan is too large, or not finite"),
        ("SELECT 'infinity'::timestamptz AS newest", "newest: infinity is no time"),
        ("SELECT 'x' AS minute, 1 AS count", "minute and count: 'x' is no time"),
        ("SELEC 1", 'syntax error at or near "SELEC"; correct the query'),
        ("SELECT 1 AS rows FROM nowhere", 'relation "nowhere" does not exist; correct the query'),
        ("SELECT 1 AS rows; SELECT 2", "cannot insert multiple commands into a prepared statement"),
        ("SELECT 1/0 AS rows", "division by zero"),
        ("COMMIT", "the query tells nothing; write a SELECT"),
        ("", "the query tells nothing"),
        ("CREATE TABLE made (n int)", "the query tells nothing"),
        ("INSERT INTO written VALUES (1) RETURNING n AS rows", "cannot execute INSERT in a read-only transaction"),
        ("SELECT nextval('counted') AS rows", "cannot execute nextval() in a read-only transaction"),
        ("SELECT set_config('transaction_read_only', 'off', false) AS rows", "before any query"),
        ("SELECT pg_sleep(3000)::text AS rows", "the query took longer than 0.3 s and was stopped"),
        ("SELECT '10000-01-01'::timestamptz AS newest", "the driver cannot read a value of the query"),
    ],
)
async def test_what_is_wrong_with_a_query_is_said(database: str, query: str, says: str) -> None:
    await databases.execute(database, "CREATE TABLE written (n int)", "CREATE SEQUENCE counted")
    assert says in await problem(database, query, 0.3 if "pg_sleep" in query else 60)
    assert await databases.value(database, "SELECT count(*) FROM written") == 0


async def test_what_is_known_is_taken_beside_what_is_not(database: str) -> None:
    reading = await look(database, "SELECT 1 AS rowz, 2 AS rows, 'x' AS files")
    assert (reading.measures, len(reading.problems)) == ({Measure.ROWS: 2}, 2)


async def test_no_rows_is_no_problem(database: str) -> None:
    reading = await look(database, "SELECT 1 AS rows WHERE false")
    assert (reading.problems, reading.notes, reading.measures) == ([], ["the query has no rows"], {})


@pytest.mark.usefixtures("pooler")
async def test_through_a_pooler_it_is_the_same_and_nothing_stays_behind(database: str) -> None:
    async with pgbouncer(database, size=1) as through:
        for number in (1, 2, 3):
            reading = await look(through, f"SELECT {number} AS rows, 'a' AS range_start")
            assert (reading.problems, reading.measures[Measure.ROWS]) == ([], number)
        written = await databases.value(through, "SELECT current_setting('default_transaction_read_only')")
        assert written == "off"


async def test_a_database_that_is_down_or_not_named_is_a_problem() -> None:
    url = f"postgresql://u:secret@127.0.0.1:{ports.free_block(1)}/db"
    reading = await look(url, "SELECT 1 AS rows")
    assert "cannot reach PostgreSQL at postgresql://u:***@" in reading.problems[0].text
    source = SqlSource(query="SELECT 1 AS rows", database="MARKET_URL")
    reading, _ = await queries.read(source, Profile(), surroundings(Path(), {"MARKET_URL": url}), {})
    assert ("correct MARKET_URL" in reading.problems[0].text, reading.source) == (
        True,
        "sql SELECT 1 AS rows of MARKET_URL",
    )
    reading, _ = await queries.read(source, Profile(), surroundings(Path()), {})
    assert reading.problems[0].text.startswith("MARKET_URL is not set; set it to a URL such as postgresql://")
