"""What a definition returns is stored as it is, or its record fails: nothing is cut, rounded to infinity or guessed."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from backfill.errors import SchemaError
from backfill.modes import Mode
from tests.support.made_up import Made, backfilled, box, giving, queued
from tests.support.world import World

pytestmark = pytest.mark.long

NAIVE = datetime(2024, 5, 1, 12)  # noqa: DTZ001 - that it has no zone is the point
AWARE = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("kind", "good", "stored", "bad", "says"),
    [
        ("varchar(5)", "abcde", "abcde", "abcdef", "value too long for type character varying(5)"),
        ("char(3)", "abc", "abc", "abcd", "value too long for type character(3)"),
        ("bit(3)", "101", "101", "1011", "bit string length 4 does not match type bit(3)"),
        ("bit(3)", "101", "101", "10", "bit string length 2 does not match type bit(3)"),
        ("varbit(3)", "1", "1", "1011", "bit string too long for type bit varying(3)"),
        ("varchar(3)[]", ["abc"], "{abc}", ["abcd"], "value too long for type character varying(3)"),
        ("date", date(9999, 12, 30), "9999-12-30", date.max, "infinity"),
        ("date", date(1, 1, 2), "0001-01-02", date.min, "infinity"),
        ("timestamp", NAIVE, "2024-05-01 12:00:00", datetime.max, "infinity"),  # noqa: DTZ901
        ("timestamptz", AWARE, "2024-05-01 10:00:00+00", datetime.min.replace(tzinfo=UTC), "infinity"),
        ("float8", 0.1, "0.1", 10**400, "out of range"),
        ("float4", 0.5, "0.5", 1e39, "out of range"),
        ("numeric(4, 1)", Decimal("999.94"), "999.9", Decimal("999.96"), "numeric field overflow"),
        ("numeric", 10**400, str(10**400), float("nan"), "not a finite number"),
        ("smallint", 32767, "32767", 32768, "out of range"),
        ("integer", 1, "1", True, "give an int"),
        ("text", "a", "a", "a\0", "NUL"),
        ("text", "a", "a", "\ud800", "surrogate"),
        ("jsonb", {"a": [1, None]}, '{"a": [1, null]}', {"a": "\0"}, "\\u0000"),
        ("jsonb", "word", '"word"', float("nan"), "Out of range float values"),
        ("json", {"b": 1, "a": 2}, '{"b": 1, "a": 2}', {1, 2}, "set"),
        ("xid_like", "blue", "blue", "green", "invalid input value for enum"),
        ("int[]", [1, None, 3], "{1,NULL,3}", [1, "2"], "give"),
        ("inet", "10.0.0.1/8", "10.0.0.1/8", "10.0.0.300", "invalid input syntax for type inet"),
    ],
)
async def test_a_value_is_stored_whole_or_its_record_fails(
    world: World, kind: str, good: Any, stored: str, bad: Any, says: str
) -> None:
    await world.execute("CREATE TYPE xid_like AS ENUM ('red', 'blue'); SET TimeZone = 'UTC'")
    await box(world, kind)

    ended = await backfilled(world, Made(giving({1: good, 2: bad, 3: good})))

    assert ended.state == "completed"
    assert ended.counts == {"updated": 2, "failed": 1}
    assert says in ended.failed["2"][1]
    rows = await world.fetch("SELECT id, value::text FROM box ORDER BY id")
    assert [row["value"] for row in rows] == [stored, None, stored]


@pytest.mark.parametrize(
    ("kind", "stored", "longer"),
    [
        ("varchar(3)", "abc", "abcd"),
        ("char(3)", "abc", "abcd"),
        ("bit(3)", "101", "1011"),
        ("varbit(3)", "101", "1011"),
    ],
)
async def test_a_value_that_would_be_cut_to_what_is_stored_is_not_called_unchanged(
    world: World, kind: str, stored: str, longer: str
) -> None:
    await box(world, kind, [1], stored=f"'{stored}'")
    ended = await backfilled(world, Made(giving({1: longer})))
    assert ended.counts == {"failed": 1}


@pytest.mark.parametrize("kind", ["varchar(5)", "char(5)", "bit(5)", "numeric(5, 2)", "timestamp(0)"])
async def test_what_plain_sql_would_store_is_what_is_stored(world: World, kind: str) -> None:
    """Blanks that a length forbids, digits and fractions that a precision has no room for."""
    value: Any = {
        "varchar(5)": "abc    ",
        "char(5)": "abc",
        "bit(5)": "10101",
        "numeric(5, 2)": Decimal("1.005"),
        "timestamp(0)": NAIVE.replace(microsecond=700_000),
    }[kind]
    await box(world, kind, [1])
    await world.execute(f"CREATE TABLE plain (value {kind})")
    await world.execute(f"INSERT INTO plain VALUES ('{value}')")

    assert (await backfilled(world, Made(giving({1: value})))).counts == {"updated": 1}

    assert await world.value("SELECT b.value::text = p.value::text FROM box b, plain p")
    assert (await backfilled(world, Made(giving({1: value})))).counts == {"unchanged": 1}


@pytest.mark.parametrize(
    ("kind", "bad", "says"),
    [
        ("timestamptz", NAIVE, "it has no time zone, so that it would mean another moment on each machine"),
        ("timestamp", AWARE, "it has a time zone and the column has none"),
        ("timetz", NAIVE.time(), "it has no time zone"),
        ("time", AWARE.timetz(), "it has a time zone and the column has none"),
    ],
)
async def test_a_time_without_its_zone_fails_that_record_on_every_machine(
    world: World, kind: str, bad: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"timestamptz": AWARE, "timestamp": NAIVE, "timetz": AWARE.timetz(), "time": NAIVE.time()}[kind]
    await box(world, kind)
    stored = set()
    for zone in ("Asia/Tokyo", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        ended = await backfilled(world, Made(giving({1: other, 2: bad, 3: other})))
        assert ended.counts.get("failed") == 1
        assert f"value is {bad} ({type(bad).__name__}), the column is " in ended.failed["2"][1]
        assert says in ended.failed["2"][1]
        stored.add(await world.value("SELECT array_agg(value ORDER BY id)::text FROM box"))
    assert len(stored) == 1


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("date", "2024-05-01", "value is '2024-05-01' (str), the column is date: give a datetime.date"),
        ("numeric(12,2)", "12", "value is '12' (str), the column is numeric(12,2): give an int, a Decimal or a float"),
        ("uuid", 7, "value is 7 (int), the column is uuid: give a uuid.UUID, or a str of one"),
        ("bytea", "a", "value is 'a' (str), the column is bytea: give bytes"),
        ("text", 5, "value is 5 (int), the column is text: give a str"),
        ("text[]", "abc", "value is 'abc' (str), the column is text[]: give a list, each element a str"),
        ("interval", 60, "value is 60 (int), the column is interval: give a datetime.timedelta"),
        ("boolean NOT NULL", None, "value is None (NoneType), the column is boolean: the column is NOT NULL"),
    ],
)
async def test_a_wrong_type_is_told_by_column_type_and_value(world: World, kind: str, value: Any, message: str) -> None:
    await box(world, kind, [1], stored="false" if "NOT NULL" in kind else "NULL")

    ended = await backfilled(world, Made(giving({1: value})))

    assert ended.failed["1"][1] == message


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("xml", "it cannot be compared: use text"),
        ("point", "docs/types.md"),
        ("point[]", "docs/types.md"),
        ("tsvector", "GENERATED ALWAYS AS (to_tsvector('english', …)) STORED"),
        ("money", "use numeric"),
        ("regclass", "docs/types.md"),
    ],
)
async def test_a_column_of_a_type_that_cannot_be_written_is_refused_when_the_job_opens(
    world: World, kind: str, says: str
) -> None:
    await box(world, kind)

    with pytest.raises(SchemaError) as refused:
        await queued(world, Made(giving({})))

    assert f"column 'value' of 'box' is {kind}, which a backfill cannot write: " in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 6
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_json_arrives_in_compute_as_python_objects(world: World) -> None:
    await box(world, "jsonb", more="document jsonb, plain json")
    await world.execute("""UPDATE box SET document = '{"tags": ["a", "b"], "n": 1.5}', plain = '[null, true]'""")
    seen = []

    def compute(record: Any) -> Any:
        seen.append((record["document"], record["plain"]))
        return {"value": {"count": len(record["document"]["tags"])}}

    assert (await backfilled(world, Made(compute))).counts == {"updated": 3}

    assert seen == [({"tags": ["a", "b"], "n": 1.5}, [None, True])] * 3
    assert await world.value("SELECT min(value->>'count') FROM box") == "2"


async def test_mode_null_goes_on_where_a_refused_value_was(world: World) -> None:
    """A refused value leaves the record as it was, to be found again."""
    await box(world, "varchar(5)")
    values = {1: "a", 2: "too long", 3: "c"}
    assert (await backfilled(world, Made(giving(values)), mode=Mode.NULL)).counts == {"updated": 2, "failed": 1}

    values[2] = "short"
    assert (await backfilled(world, Made(giving(values)), mode=Mode.NULL)).counts == {"updated": 1}


@pytest.mark.parametrize("order", ["id DESC", "md5(id::text)"])
async def test_each_record_gets_its_own_value_in_whatever_order_its_inputs_come(world: World, order: str) -> None:
    await box(world, "integer", range(1, 101))
    inputs = f"SELECT id FROM box WHERE id = ANY($1) ORDER BY {order}"

    ended = await backfilled(world, Made(lambda row: {"value": row["id"] * 10}, inputs=inputs), batch_size=40)

    assert ended.counts == {"updated": 100}
    assert await world.value("SELECT count(*) FROM box WHERE value = id * 10") == 100
