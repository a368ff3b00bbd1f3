"""What arrives in another process is what was sent, or it is refused before it leaves."""

import enum
import pickle
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from asyncpg.types import BitString, Box, Circle, Line, LineSegment, Path, Point, Polygon, Range

from backfill.workers.computing.sending import UnsendableError, plain, sendable


class Colour(enum.Enum):
    RED = "red"


class ToldError(Exception):
    """Made of two, it tells one: taken apart, it cannot be made again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


class Square(Point):
    pass


def arrived(value: Any) -> Any:
    return pickle.loads(pickle.dumps(sendable(value)))  # noqa: S301


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "a", b"b", Decimal("1.50"), [1, (2, {"a": [None]})], {1, 2}, Counter("aab"), Colour.RED),
        *(Range(1, 5), BitString("101"), [Range(1, 2)]),
        *(Point(1, 2), Line(1, 2, 3), LineSegment((0, 0), (1, 1)), Box((1, 1), (0, 0)), Circle((0, 0), 2)),
    ],
)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    found = arrived(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", [Path((0, 0), (1, 1)), Path((0, 0), (1, 1), is_closed=True), Polygon((0, 0), (1, 1))])
def test_a_path_arrives_as_it_was(value: Any) -> None:
    found = arrived([value])[0]
    assert (type(found), found.points, found.is_closed) == (type(value), value.points, value.is_closed)


def local() -> object:
    class Inner:
        """Its class has no name that another process could import."""

    return Inner()


@pytest.mark.parametrize(
    "value", [threading.Lock(), ToldError("one", "two"), Square(1, 2), [{"a": ToldError("one", "two")}], local()]
)
def test_what_could_not_be_made_again_there_is_refused_here(value: Any) -> None:
    with pytest.raises(UnsendableError, match=r"^an? (lock|ToldError|Square|Inner) \((TypeError|AttributeError): "):
        plain({"id": 1, "value": value})
