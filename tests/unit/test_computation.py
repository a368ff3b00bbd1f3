"""What a computation leaves in the tally, whichever way it goes; and which way a definition takes."""

from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from backfill import ColumnBackfill, HeldError, TransientError, computing, kinds
from backfill.columns import Column
from backfill.ledger.tally import Tally
from backfill.workers.computing import computation
from backfill.workers.computing.values import Batch, Computed
from backfill.workers.computing.ways import Ways
from backfill.workers.watch import Watch
from tests.support.computing import Free, defined, rows

VALUE = Column("value", "int8", "int8", "int8", kinds.known("int8", in_catalog=True), False, "")


def target(definition: ColumnBackfill) -> Any:
    return SimpleNamespace(definition=definition, columns=[VALUE], inputs="", inputs_version="")


def batch(number: int) -> Batch:
    ids = [f"r{place}" for place in range(number)]
    return Batch(ids, [ids], ids)


async def computed(definition: ColumnBackfill, number: int) -> tuple[Computed, Tally, Free]:
    tally, spending = Tally(), Free()
    loaded: Any = dict(enumerate(rows(number)))
    read = computation.Loaded(target(definition), batch(number), loaded, tally, Watch(), spending)
    return await read.computed(Ways(30), monotonic() + 60, last_attempt=False), tally, spending


def result(record: Any) -> Any:
    if record["base"] == 3:
        raise ValueError("bad")
    if record["base"] == 4:
        raise TransientError("later")
    if record["base"] == 8:
        raise HeldError("too many calls", 30)
    return {"value": record["base"]}


def results(records: Any) -> Any:
    return [result(record) for record in records]


async def awaited(record: Any) -> Any:
    return result(record)


async def all_awaited(records: Any) -> Any:
    return results(records)


@pytest.mark.parametrize(
    "parts",
    [
        {"compute": result},
        {"compute_many": results, "call_size": 1},
        {"compute": result, "compute_in": "threads"},
        {"compute_many": results, "compute": awaited, "call_size": 4},
        {"compute": awaited, "at_once": 1},
        {"compute_many": all_awaited, "call_size": 1, "at_once": 1},
    ],
)
async def test_a_held_service_leaves_the_rest_for_later_and_each_record_is_in_one_place(parts: Any) -> None:
    found, tally, spending = await computed(defined(**parts), 20)
    assert found.ids == ["r0", "r1", "r2", "r5", "r6", "r7"]
    assert tally.failed == {"r3": ("ValueError", "bad")}
    assert tally.remaining == {"r4": ("TransientError", "later")}
    assert tally.later == [f"r{place}" for place in range(8, 20)]
    assert [error.reason for error in spending.refused] == ["too many calls"]


async def test_a_load_that_is_held_leaves_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(ColumnBackfill):
        name, table, columns = "refusing", "things", ("value",)

        async def load(self, connection: Any, keys: Any) -> Any:
            raise HeldError("closed at night", 60)

        def compute(self, record: Any) -> Any:
            raise AssertionError

    async def read(*_: Any) -> Batch:
        return batch(5)

    monkeypatch.setattr(computation, "_read", read)
    one = target(Refusing())
    one.key = SimpleNamespace(is_exact=True, read=lambda parts: parts[0], comparable=lambda keys: keys)
    tally, spending = Tally(), Free()
    connection: Any = SimpleNamespace(is_in_transaction=lambda: False)
    found = await computation.compute(
        connection,
        one,
        [],
        tally,
        Watch(),
        spending,
        60,
        Ways(30),
        last_attempt=False,  # type: ignore[arg-type]
    )
    assert len(found) == 0
    assert tally == Tally(later=[f"r{place}" for place in range(5)])
    assert [(error.reason, error.seconds) for error in spending.refused] == [("closed at night", 60)]
    assert spending.rests == 1


def many(records: Any) -> Any:
    return []


@pytest.mark.parametrize(
    ("parts", "size", "is_plain"),
    [
        ({"compute": result}, 100, True),
        ({"compute_many": many}, 1_000, False),
        ({"compute_many": many, "call_size": 7}, 7, False),
        ({"compute": awaited}, 1, False),
        ({"compute": awaited, "call_size": 7}, 1, False),
        ({"compute_many": all_awaited}, 50, False),
    ],
)
def test_the_size_of_a_call(parts: Any, size: int, is_plain: bool) -> None:
    found = computing.of(defined(**parts))
    assert (found.call_size, found.is_plain) == (size, is_plain)
