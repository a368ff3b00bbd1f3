"""What a batch's loading leaves behind."""

import gc
import weakref
from types import SimpleNamespace
from typing import Any, cast

from backfill import ColumnBackfill
from backfill.ledger.tally import Tally
from backfill.workers.computing.loading import Loading
from backfill.workers.computing.values import Batch


def test_a_batch_is_let_go_at_once_and_not_when_the_collector_comes() -> None:
    """A worker lets the collector come seldom: batches in circles pile up to hundreds of megabytes."""
    target: Any = SimpleNamespace(definition=SimpleNamespace(name="any"))
    connection: Any = None
    gc.disable()
    try:
        loading = Loading(connection, target, Batch(["1"], [["1"]], ["7"]), Tally(), last_attempt=False)
        gone = weakref.ref(loading)
        del loading
        assert gone() is None
    finally:
        gc.enable()


async def test_the_inputs_of_no_record_are_asked_for_with_an_array_for_each_column_of_the_key() -> None:
    """So it is found whether the query itself is broken: a driver's complaint about arguments would hide it."""

    class Lines(ColumnBackfill):
        key = ("order_id", "line_no")
        inputs = "SELECT …"

    asked: list[Any] = []

    class Recording:
        async def fetch(self, query: str, *arrays: Any) -> list[Any]:
            asked.append(arrays)
            return []

    await Lines().load(cast("Any", Recording()), [])
    await Lines().load(cast("Any", Recording()), [(1, "a"), (2, "b")])
    assert asked == [((), ()), ((1, 2), ("a", "b"))]
