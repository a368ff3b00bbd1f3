"""Recompute derived values for millions of existing PostgreSQL rows through RabbitMQ.

PostgreSQL is the truth, a message is only a wake-up, and a value and its progress commit in one transaction.
The order of the modules, each importing only from lines above its own:

    errors  states  modes  message                 values and contracts
    definition  settings  statements               what the user brings, and what is read from files
    database  catalog  broker  topology            the network
    ledger                                         every statement on the ledger
    api                                            producing and working from Python, in one process
    commands                                       what people run
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backfill.column_backfill import ColumnBackfill
    from backfill.definition import Outcome, Skip
    from backfill.ended_partition import EndedPartition
    from backfill.errors import HeldError, TransientError
    from backfill.limit import Limit
    from backfill.partition_backfill import Call, PartitionBackfill
    from backfill.required import Required

__all__ = [
    "Call",
    "ColumnBackfill",
    "EndedPartition",
    "HeldError",
    "Limit",
    "Outcome",
    "PartitionBackfill",
    "Required",
    "Skip",
    "TransientError",
]
__version__ = "0.1.0"

_PLACES = {
    "Call": "partition_backfill",
    "ColumnBackfill": "column_backfill",
    "EndedPartition": "ended_partition",
    "HeldError": "errors",
    "Limit": "limit",
    "Outcome": "definition",
    "PartitionBackfill": "partition_backfill",
    "Required": "required",
    "Skip": "definition",
    "TransientError": "errors",
}


def __getattr__(name: str) -> Any:
    """What a definition needs, imported when it is asked for: a command's first import is to take no time."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"backfill.{_PLACES[name]}"), name)
