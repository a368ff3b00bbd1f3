"""The inputs of a batch: loaded together, and held against the keys that were asked for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from inspect import isawaitable
from typing import Any

import asyncpg

from backfill import sessions, texts
from backfill.catalog import Target
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.errors import SchemaError
from backfill.kinds import packed
from backfill.ledger.tally import Tally
from backfill.workers.computing.halving import Halving
from backfill.workers.computing.values import Batch

Rows = dict[int, Mapping[str, Any]]  # by their places in the batch


class Loading:
    """Loads one batch; records that cannot be loaded fail in the tally."""

    def __init__(
        self, connection: Connection, target: Target, batch: Batch, tally: Tally, *, last_attempt: bool
    ) -> None:
        self._connection = connection
        self._target = target
        self._batch = batch
        self._tally = tally
        self._halving = Halving(connection, target.definition.name, batch.ids, tally, last_attempt=last_attempt)
        self._keys: dict[int, Any] = {}  # as the driver gives them, by place
        self._asked: dict[Any, int] = {}  # places by comparable key

    async def rows(self) -> Rows:
        """The loaded row of each record that has one; raises SchemaError when the definition is to blame."""
        places = await self._read_keys(list(range(len(self._batch))))
        found = await self._halving.work(places, self._load)
        for place in places:
            if place not in found and not self._is_set_apart(place):
                self._tally.skip(self._batch.ids[place], "no inputs")
        return found

    async def versions(self) -> list[str | None]:
        """The version of each record's inputs in other tables; None where there is none."""
        places = await self._read_keys(list(range(len(self._batch))))
        found = await self._halving.work(places, self._load_versions)
        return [found.get(place) for place in range(len(self._batch))]

    async def _load_versions(self, places: Sequence[int]) -> dict[int, str]:
        async with self._set_apart():
            rows = await self._connection.fetch(self._target.inputs_version, *self._arrays(places))
        names = set(self._target.key.names)
        by_place: dict[int, list[str]] = {}  # all rows of a record together are its version
        for one, row in zip(self._keys_of(rows), rows, strict=True):
            if one in self._asked:
                version = repr([value for name, value in row.items() if name not in names])
                by_place.setdefault(self._asked[one], []).append(version)
        return {place: "".join(sorted(versions)) for place, versions in by_place.items()}

    def _set_apart(self) -> AbstractAsyncContextManager[Any]:
        """Within the transaction of an apply, one record's error must not undo what was done before it."""
        return self._connection.transaction() if self._connection.is_in_transaction() else nullcontext()

    def _is_set_apart(self, place: int) -> bool:
        return self._batch.ids[place] in self._tally.failed or self._batch.ids[place] in self._tally.held

    def _arrays(self, places: Sequence[int]) -> list[str]:
        return [packed([part[place] for place in places]) for part in self._batch.parts]

    # --- keys

    async def _read_keys(self, places: list[int]) -> list[int]:
        """Know each record's key as the driver gives it; returns the places of those that it can give."""
        key, batch = self._target.key, self._batch
        if key.is_exact:
            self._keys = dict(enumerate(key.read(batch.parts)))
        else:
            await self._halving.work(places, self._ask_keys)
        known = list(self._keys)
        comparable = key.comparable([self._keys[place] for place in known])
        self._asked = dict(zip(comparable, known, strict=True))
        if len(self._asked) < len(known):
            # Such as 9999-12-31 23:59:59.999999 and infinity, which the driver takes for the same.
            for one, place in zip(comparable, known, strict=True):
                if self._asked[one] != place:
                    for doubled in (place, self._asked[one]):
                        self._halving.fail(doubled, "KeyError", f"Python reads its key and another one as {one!r}")
        if self._tally.failed or self._tally.held:
            known = [place for place in known if not self._is_set_apart(place)]
        return known

    async def _ask_keys(self, places: Sequence[int]) -> Rows:
        ids = packed([self._batch.ids[place] for place in places])
        rows = await self._connection.fetch(self._target.statement("read_keys"), ids)
        single = len(self._target.key.columns) == 1
        self._keys |= {place: row[0] if single else tuple(row) for place, row in zip(places, rows, strict=True)}
        return {}

    # --- inputs

    async def _load(self, places: Sequence[int]) -> Rows:
        loaded = await self._call(places)
        keys = self._keys_of(loaded)
        found = list(map(self._asked.get, keys))
        if None in found:
            raise SchemaError(self._stray(keys[found.index(None)]))
        rows = {place: row for place, row in zip(found, loaded, strict=True) if place is not None}
        if len(rows) < len(found):
            for place, times in Counter(found).items():
                if times > 1 and place is not None:
                    self._halving.fail(place, "ValueError", f"its inputs have {times} rows with this key, not one")
        if self._tally.failed:
            return {place: row for place, row in rows.items() if self._batch.ids[place] not in self._tally.failed}
        return rows

    async def _call(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        definition = self._target.definition
        if type(definition).load is ColumnBackfill.load:
            rows: Sequence[Mapping[str, Any]] = await self._connection.fetch(self._target.inputs, *self._arrays(places))
            return rows
        is_within = self._connection.is_in_transaction()
        loading: Any = definition.load(self._connection, [self._keys[place] for place in places])
        if not isawaitable(loading):
            raise SchemaError(f"load of {definition.name} is an ordinary function; write it with: async def load")
        loaded: Any = await loading
        if not is_within:
            await sessions.need_ended(self._connection, f"load of {definition.name}")
        if not isinstance(loaded, Iterable) or isinstance(loaded, Mapping | str | bytes):
            raise SchemaError(f"load of {definition.name} returned {type(loaded).__name__}, not a list of rows")
        return list(loaded)

    def _keys_of(self, loaded: Sequence[Mapping[str, Any]]) -> list[Any]:
        key, name = self._target.key, self._target.definition.name
        try:
            keys = key.comparable(key.of(loaded))
            hash(tuple(keys))
        except KeyError as error:
            raise SchemaError(f"the inputs of {name} have no column {error}; name the key so") from None
        except TypeError:
            for row in loaded:
                if not isinstance(row, Mapping | asyncpg.Record):
                    raise SchemaError(
                        f"load of {name} gave a row that is no mapping but a {type(row).__name__}; "
                        f"give each with the key under its name {key.title}"
                    ) from None
            raise SchemaError(self._stray(next(one for one in key.of(loaded) if not _is_hashable(one)))) from None
        return keys

    def _stray(self, key: Any) -> str:
        expected = self._keys[next(iter(self._keys))]
        return (
            f"the inputs of {self._target.definition.name} gave a row for the key {texts.clean(repr(key), 100)} "
            f"({_type(key)}), which was not asked for; keys are like {texts.clean(repr(expected), 100)} "
            f"({_type(expected)})"
        )


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _type(key: object) -> str:
    if isinstance(key, tuple):
        return f"({', '.join(type(part).__name__ for part in key)})"
    return type(key).__name__
