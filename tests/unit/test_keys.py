"""A key's SQL and its way to Python."""

import math
from decimal import Decimal

import asyncpg
import pytest

from backfill import kinds
from backfill.columns import Column
from backfill.keys import Key
from backfill.needs import why_no_key


def column(name: str, kind: str, **more: bool) -> Column:
    return Column(name, kind, kind, kind, kinds.known(kind, in_catalog=True), True, "", **more)


ONE = Key((column("id", "int8"),))
TWO = Key((column('a"b', "int8"), column("code", "text")))


def test_names_are_quoted_everywhere() -> None:
    for text in [*TWO.fragments.values(), *TWO.paging("asc", inclusive=True, first="$1", last="$2").values()]:
        assert 'a"b' not in text.replace('"a""b"', "")


def test_a_range_of_keys_is_open_or_closed_and_has_a_direction() -> None:
    closed = ONE.paging("asc", inclusive=True, first="$1", last="$2")["in_range"]
    assert closed == 't."id" >= ($1)::int8 AND t."id" <= ($2)::int8'
    open_down = ONE.paging("desc", inclusive=False, first="$1", last="$2")["in_range"]
    assert open_down == 't."id" < ($1)::int8 AND t."id" >= ($2)::int8'


def test_texts_are_compared_bytewise() -> None:
    assert ONE.text(["x"]) == '(x)::text COLLATE "C"'
    assert TWO.text(["x", "y"]) == 'ARRAY[(x)::text COLLATE "C", (y)::text COLLATE "C"]::text'


def test_a_domain_is_compared_as_what_it_is_made_of() -> None:
    key = Key((column("id", "int8", is_domain=True),))
    assert key.among("$1") == 't."id"::int8 = ANY ((SELECT $1::text::int8[])::int8[])'


def test_keys_are_read_from_their_texts_where_that_is_exact() -> None:
    assert ONE.read([["1", "-5"]]) == [1, -5]
    assert TWO.read([["1", "2"], ["x", "y"]]) == [(1, "x"), (2, "y")]
    assert not Key((column("id", "numeric"),)).is_exact


@pytest.mark.parametrize("value", [math.nan, Decimal("NaN"), asyncpg.Range(math.nan, math.nan), {"a": [1]}, [math.nan]])
def test_a_key_that_equals_nothing_or_has_no_hash_is_found_again(value: object) -> None:
    key = Key((column("id", "numeric"),))
    assert len(set(key.comparable([value, value]))) == 1


def test_keys_that_python_takes_for_equal_are_not_the_same() -> None:
    """Keys of jsonb: PostgreSQL tells them apart."""
    keys = [1, True, "True", "NaN", math.nan, {}, "{}", "repr"]
    for shape in (Key((column("id", "jsonb"),)), Key((column("id", "jsonb"), column("n", "int8")))):
        given = keys if len(shape.columns) == 1 else [(key, 1) for key in keys]
        assert len(set(shape.comparable(given))) == len(keys)


def test_blanks_that_fill_a_text_up_are_no_part_of_a_key() -> None:
    key = Key((column("id", "bpchar"),))
    assert key.comparable(["a  ", " b"]) == key.comparable(["a", " b "])


@pytest.mark.parametrize("kind", ["money", "regclass", "regconfig", "int4[]", "pg_node_tree"])
def test_what_is_no_key_has_a_reason(kind: str) -> None:
    assert why_no_key(Column("id", kind, kind, kind, None, True, ""))
    assert not why_no_key(column("id", "int8"))
