"""Types that users make of others: ranges, domains, enums, composites."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg

from tests.worlds.model import Type

Range = asyncpg.Range
NO_RANGES = ("x", "[1,2]", [1, 2], 1, object())
MOMENT = datetime(2020, 2, 29, 12, 30, tzinfo=UTC)
BARE = MOMENT.replace(tzinfo=None)


def ranges(name: str, low: object, low_sql: str, high: object, high_sql: str, bad: tuple[object, ...]) -> list[Type]:
    """A range and its multirange."""
    one = (Range(low, high), f"'[{low_sql},{high_sql})'")
    good = (
        one,
        (Range(low, low, lower_inc=True, upper_inc=True), f"'[{low_sql},{low_sql}]'"),
        (Range(None, high, lower_inc=False, upper_inc=True), f"'(,{high_sql}]'"),
        (Range(), "'(,)'"),
        (Range(empty=True), "'empty'"),
    )
    wrong = (Range(high, low), *(Range(part, None) for part in bad), Range("x", "y"), *NO_RANGES)
    multi = name.replace("range", "multirange")
    several = ([Range(low, high), Range(empty=True)], f"'{{[{low_sql},{high_sql})}}'"), ([], "'{}'")
    return [
        Type(name, "Range", good, wrong, written="an asyncpg.Range"),
        Type(
            multi,
            "list",
            several,
            ([Range(high, low)], [1], ["x"], "x", Range(low, high), [None], object()),
            nests=False,
            written="a list of asyncpg.Range",
        ),
    ]


RANGES = [
    *ranges("int4range", 1, "1", 2**31 - 2, "2147483646", (2**31, 1.5, True)),
    *ranges("int8range", -1, "-1", 2**63 - 2, "9223372036854775806", (2**63, Decimal(1))),
    *ranges("numrange", Decimal("-1.50"), "-1.50", 10**30, "1" + "0" * 30, (Decimal("NaN"), "1")),
    *ranges("daterange", date(1, 1, 2), "0001-01-02", date(2020, 2, 29), "2020-02-29", (date.max, MOMENT)),
    *ranges("tsrange", BARE, "2020-02-29 12:30", datetime(9999, 1, 1), "9999-01-01", (MOMENT, datetime.max)),
    *ranges("tstzrange", MOMENT, '"2020-02-29 12:30+00"', MOMENT + timedelta(1), '"2020-03-01 12:30+00"', (BARE,)),
]
MADE = [
    Type("w.mood", "str", (("sad", "'sad'"), ("o'k", "'o''k'"), ("", "''"), ("ä,\"{}\\", "'ä,\"{}\\'")),
         ("Sad", "happy", "sad ", 1, b"sad", "a\0"),
         setup=("CREATE TYPE w.mood AS ENUM ('sad', 'o''k', '', 'ä,\"{}\\')",),
         title="an enum"),
    Type("w.d", "int", ((1, "1"), (2**31 - 1, "2147483647")), (0, -1, 2**31, "1", True),
         setup=("CREATE DOMAIN w.d AS int CHECK (value > 0)",), title="a domain over int with CHECK"),
    Type("w.d", "str", (("", "''"), ("12345", "'12345'"), ("1234  ", "'1234  '")), ("123456", 1, "\ud800"),
         keys=("''", "'12345'"), setup=("CREATE DOMAIN w.d AS varchar(5)",), title="a domain over varchar(5)"),
    Type("w.d", "Decimal", ((Decimal("1.005"), "1.005"), (7, "7")), (10**8, Decimal("NaN"), "1"),
         setup=("CREATE DOMAIN w.d AS numeric(10,2)",), title="a domain over numeric(10,2)"),
    Type("w.outer_d", "str", (("ab", "'ab'"), ("abc", "'abc'")), ("a", "abcdef", "", 1),
         setup=("CREATE DOMAIN w.inner_d AS varchar(5) CHECK (length(value) > 1)",
                "CREATE DOMAIN w.outer_d AS w.inner_d CHECK (value <> 'abcd')"), title="a domain over a domain"),
    Type("w.d", "str", (("sad", "'sad'"),), ("glad", "happy"), compared="{}::w.mood", setup=(
        "CREATE TYPE w.mood AS ENUM ('sad', 'glad')", "CREATE DOMAIN w.d AS w.mood CHECK (value <> 'glad')"),
        title="a domain over an enum"),
    Type("w.d", "list", (([1, 2], "'{1,2}'"), ([], "'{}'")), ([1, 2, 3, 4], ["a"], 1, [2**31]), nests=False,
         setup=("CREATE DOMAIN w.d AS int[] CHECK (cardinality(value) < 4)",), no_key="no arrays of arrays",
         title="a domain over an array"),
    Type("w.d", "Range", ((Range(1, 5), "'[1,5)'"), (Range(empty=True), "'empty'")),
         (Range(1, 200), Range(5, 1), *NO_RANGES),
         setup=("CREATE DOMAIN w.d AS int4range CHECK (coalesce(upper(value), 0) < 100)",),
         title="a domain over a range"),
    Type("w.d", "object", (([1], "'[1]'"), (["a", {}], "'[\"a\", {}]'")), (1, {}, "x", object()), nests=False,
         setup=("CREATE DOMAIN w.d AS jsonb CHECK (jsonb_typeof(value) = 'array')",), title="a domain over jsonb"),
    Type("w.d", "str", (("Ab", "'Ab'"), ("x", "'x'")), ("", 1, "\ud800"),
         setup=("CREATE DOMAIN w.d AS citext CHECK (value <> '')",), title="a domain over citext"),
    Type("w.floats", "Range", ((Range(1.5, 2), "'[1.5,2)'"), (Range(None, None), "'(,)'")),
         (Range(float("nan"), None), Range(2, 1), *NO_RANGES),
         setup=("CREATE TYPE w.floats AS RANGE (subtype = float8)",),
         keys=("'[1.5,2)'", "'[NaN,NaN]'", "'[1,infinity)'"), title="a range of one's own"),
    Type("w.texts", "Range", ((Range("a", 'b"\\,()'), "'[a,\"b\\\"\\\\,()\")'"), (Range("", "x"), "'[\"\",x)'")),
         (Range("b", "a"), Range("a\0", None), *NO_RANGES), setup=("CREATE TYPE w.texts AS RANGE (subtype = text)",),
         title="a range of texts"),
    Type("w.pair", no_column="see docs/types.md", setup=("CREATE TYPE w.pair AS (a int, b text)",),
         keys=(), no_key="falls apart", title="a composite"),
]  # fmt: skip
