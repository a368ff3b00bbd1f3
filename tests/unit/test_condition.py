"""The columns that a `where` names, and how it stands in statements."""

import pytest

from backfill import condition
from backfill.errors import SchemaError
from tests.support.definitions import Counter


def where(text: str) -> Counter:
    made: Counter = type("Made", (Counter,), {"where": text})()
    return made


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("true", ()),
        ("t.b AND NOT t.a AND t.b", ("b", "a")),
        ('T.Active OR "t"."Active"', ("active", "Active")),
        ('t . "a ""b"" c" = 1', ('a "b" c',)),
        ("t.Ä = t.ä_$1", ("Ä", "ä_$1")),
        ("'t.x' = $$t.x$$ OR $q$t.x $$ '$q$ = E'\\' t.x' -- t.x\nOR /* t.x */ t.y", ("y",)),
        ("other.t.x = art.x OR t1.x OR x.t", ()),
        ('"T".x', ()),
        ("EXISTS (SELECT FROM tags g WHERE g.page = t.id AND t.lang=g.lang)", ("id", "lang")),
    ],
)
def test_the_columns_behind_each_t(text: str, names: tuple[str, ...]) -> None:
    assert condition.columns(where(text)) == names


@pytest.mark.parametrize("text", ["t IS NULL", "t.*", "to_jsonb(t)", "EXISTS (SELECT FROM tags t)", 'x OR "t"', "t."])
def test_a_whole_row_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match="where of Made has `t` without a column"):
        condition.columns(where(text))


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("", "true OR x"),
        ("t.a OR t.b", "(true OR x) AND (t.a OR t.b)"),
        ("t.a -- some", "(true OR x) AND (t.a -- some\n)"),
    ],
)
def test_it_stands_beside_the_condition_of_the_mode(text: str, beside: str) -> None:
    assert condition.beside(where(text), "true OR x") == beside


def test_it_is_shown_on_one_line() -> None:
    assert condition.shown(where("\n    t.a\n    AND t.b\x1b[0m\n")) == "t.a AND t.b\\x1b[0m"
    assert condition.shown(Counter()) == ""
