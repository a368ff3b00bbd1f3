"""What a user writes: which records, how to load their inputs, how to compute, what to write."""

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # a definition needs no driver, and --help no network library
    from backfill.database import Connection


class Skip(str):
    """Returned by `compute` instead of values: leave the record alone, for this reason.

    Keep reasons few: they are counted by their text, so an id in one makes a count of its own.
    """

    __slots__ = ()


class ColumnBackfill:
    """A derived column: subclass it, name the table and columns, give one input query and a pure function.

    name     the job's `asset_name`, and part of the queue's name: letters, digits, underscores
    table    the table whose records are recomputed, perhaps with its schema
    key      its primary key, or another unique and never changing column
    columns  the columns that `compute` returns, written together
    target   the column that the modes null and zero look at; the first of `columns` unless named
    inputs   one query for many records: `$1` is an array of keys, the first output column is the key
    version  columns that change whenever the application writes the row; the row's `xmin` unless named
    reads    tables that `inputs` reads: `backfill init --roles` lets workers read them, and no others
    """

    name: ClassVar[str]
    table: ClassVar[str]
    key: ClassVar[str] = "id"
    columns: ClassVar[tuple[str, ...]]
    target: ClassVar[str] = ""
    inputs: ClassVar[str] = ""
    version: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()

    async def load(self, connection: "Connection", keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """Load the inputs of many records; the default runs `inputs`. Each row's first field is its key.

        Called outside any transaction, after the rows' versions were read. Raise TransientError (or let a network
        error out) when the same records may load later: the partition is then retried with growing delays.
        """
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(self.inputs, keys)
        return rows

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        """Turn one loaded row into a value for each of `columns`, or a Skip; must be pure.

        An exception fails this record alone: it is listed by `backfill failures`, its neighbours are written.
        """
        raise NotImplementedError

    async def warnings(self, connection: "Connection") -> list[str]:
        """Sentences to show before a job starts, such as an empty input table."""
        del connection
        return []

    @property
    def target_column(self) -> str:
        return self.target or self.columns[0]

    def fingerprint(self) -> str:
        """16 hex digits over what is declared and the class's source, to notice a changed definition."""
        declared = (
            self.name,
            self.table,
            self.key,
            self.columns,
            self.target_column,
            self.inputs,
            self.version,
        )
        try:
            source = inspect.getsource(type(self))
        except (OSError, TypeError):  # defined at a prompt or generated: the declarations must do
            source = ""
        return hashlib.sha256(repr((declared, source)).encode()).hexdigest()[:16]
