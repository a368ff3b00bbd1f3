"""Computed values are checked before they travel: NaN, infinity, wrong types, out of range."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill import kinds
from backfill.columns import Column
from backfill.ledger.tally import Tally
from backfill.workers.computing.values import Batch, Computed, written

TYPES = {
    "numeric": [Decimal("1.5"), 1, 1.5],
    "float8": [1.5, 1],
    "float4": [1.5],
    "int2": [-(2**15), 2**15 - 1],
    "int4": [-(2**31), 2**31 - 1],
    "int8": [-(2**63), 2**63 - 1],
    "text": ["", "ä", "'; --"],
    "varchar": ["x"],
    "bool": [True, False],
}
REFUSED = {
    "numeric": [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), math.nan, math.inf, -math.inf, "1", True, b"1"],
    "float8": [math.nan, math.inf, "1", True, 10**400],
    "float4": [math.nan, 1e39],
    "int2": [2**15, -(2**15) - 1, 1.0, True, "1"],
    "int4": [2**31, -(2**31) - 1, 1.5, False],
    "int8": [2**63, -(2**63) - 1, Decimal(1)],
    "text": ["a\0b", 1, b"x", None.__class__],
    "varchar": ["\0"],
    "bool": [1, 0, "true"],
}


def write(kind: str, values: list[Any], *, not_null: bool = False) -> tuple[Computed, Tally]:
    column = Column("value", kind, kind, kind, kinds.known(kind, in_catalog=True), not_null, "")
    ids, tally = [str(n) for n in range(len(values))], Tally()
    batch = Batch(ids, [ids], ids)
    return written([column], batch, list(range(len(values))), [(value,) for value in values], tally), tally


def check(kind: str, *values: Any, not_null: bool = False) -> tuple[list[int], dict[str, tuple[str, str]]]:
    """The places that were kept, and what failed."""
    computed, tally = write(kind, list(values), not_null=not_null)
    assert len(computed.ids) == len(computed.batch.versions) == len(computed.columns[0])
    return list(map(int, computed.ids)), tally.failed


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in TYPES.items() for value in values])
def test_a_right_value_is_kept(kind: str, value: Any) -> None:
    assert check(kind, value) == ([0], {})
    assert check(kind, value, None) == ([0, 1], {})


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in REFUSED.items() for value in values])
def test_a_wrong_value_is_refused_and_its_neighbours_are_kept(kind: str, value: Any) -> None:
    good = TYPES[kind][0]
    kept, failed = check(kind, good, value, good)
    assert kept == [0, 2]
    assert list(failed) == ["1"]
    error_class, sentence = failed["1"]
    assert error_class in ("ValueError", "TypeError")
    assert "value" in sentence


def test_none_is_refused_where_the_column_is_not_null() -> None:
    assert check("int4", 1, None, not_null=True)[0] == [0]


def test_when_every_value_is_refused_nothing_is_left() -> None:
    kept, failed = check("numeric", math.nan, "x")
    assert kept == []
    assert len(failed) == 2


@settings(deadline=None)  # a busy machine is no wrong answer
@given(st.lists(st.none() | st.integers() | st.floats() | st.decimals() | st.text() | st.booleans() | st.binary()))
def test_whatever_comes_every_record_is_kept_or_failed(values: list[Any]) -> None:
    for kind in TYPES:
        kept, failed = check(kind, *values)
        assert sorted([*map(str, kept), *failed], key=int) == [str(n) for n in range(len(values))]
        for key in kept:
            value = values[key]
            assert value is None or not isinstance(value, float | Decimal) or math.isfinite(value)


@settings(deadline=None)
@given(st.lists(st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_numeric_literal_has_one_element_a_value_and_nothing_to_escape(values: list[Any]) -> None:
    computed, _ = write("numeric", values)
    literal = computed.arguments()[2]
    inner = literal.removeprefix("{").removesuffix("}").split(",")
    assert len(inner) == len(values)
    assert set(literal) <= set('{},-+.e0123456789NUL"')
