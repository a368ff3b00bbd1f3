"""What a class must be to be a PartitionBackfill: refused in one line, with what to correct."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from backfill.contract import need_callable, need_common, need_names
from backfill.errors import UsageError
from backfill.modes import MOST_OF_A_BATCH
from backfill.partition_backfill import PartitionBackfill

CALLED_WITH: Final = {
    "keys": ("a connection", "the key to begin behind"),
    "load": ("a connection", "a key"),
    "fetch": ("a call", "a key"),
    "write": ("a connection", "a key", "what was fetched"),
    "finish": ("a connection", "the job"),
    "warnings": ("a connection",),
}


def need_whole(definition: PartitionBackfill) -> None:
    """Raise UsageError for what is missing, of another type, or cannot be called as it will be."""
    title, kind = type(definition).__name__, type(definition)
    for attribute in ("name", "writes"):
        if not getattr(definition, attribute, None):
            raise UsageError(f"{title} sets no {attribute!r}; see `PartitionBackfill` for what a definition needs")
    if not isinstance(definition.name, str):
        raise UsageError(f"{title}.name is {type(definition.name).__name__}: give a str")
    need_names(title, "writes", definition.writes)
    need_names(title, "reads", definition.reads)
    for method in ("keys", "write"):
        if getattr(kind, method) is getattr(PartitionBackfill, method):
            raise UsageError(f"{title} has no `{method}`; see `PartitionBackfill` for what a definition needs")
    if not inspect.isasyncgenfunction(definition.keys):
        raise UsageError(
            f"{title}.keys must be an asynchronous generator: async def keys(…), and yield one key after another"
        )
    for method in ("load", "fetch", "write", "finish"):
        if not inspect.iscoroutinefunction(getattr(definition, method)):
            raise UsageError(f"{title}.{method} is no coroutine function: write it with async def")
    need_callable(definition, CALLED_WITH)
    size: Any = definition.batch_size
    if type(size) is not int or not 1 <= size <= MOST_OF_A_BATCH:
        raise UsageError(f"{title}.batch_size is {size!r}: give a number of keys from 1 to {MOST_OF_A_BATCH:,}")
    need_common(definition)
    _need_scope(definition)


def _need_scope(definition: PartitionBackfill) -> None:
    title, scope = type(definition).__name__, definition.scope
    if not isinstance(scope, Mapping):
        raise UsageError(f"{title}.scope is {type(scope).__name__}: give a dict from dimensions to names of parameters")
    known = [] if definition.Parameters is None else list(definition.Parameters.model_fields)
    for dimension, names in scope.items():
        ends = (names,) if isinstance(names, str) else tuple(names)
        if not isinstance(dimension, str) or len(ends) > 2 or not all(isinstance(one, str) for one in ends):
            raise UsageError(
                f"{title}.scope[{dimension!r}] is {names!r}: give the name of a parameter, or of the two that say from "
                "and to"
            )
        if missing := [one for one in ends if one not in known]:
            raise UsageError(
                f"{title}.scope names {', '.join(missing)}, which is no parameter; it has: {', '.join(known) or 'none'}"
            )
