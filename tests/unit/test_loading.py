"""What a batch's loading leaves behind."""

import gc
import weakref
from types import SimpleNamespace
from typing import Any

from backfill.ledger.partitions import Tally
from workers.loading import Loading
from workers.values import Batch


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
