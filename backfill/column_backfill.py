"""What a user writes for a derived column: which records, how to load their inputs, how to compute, what to write."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backfill.definition import Definition

if TYPE_CHECKING:
    from backfill.database import Connection


class ColumnBackfill(Definition):
    """A derived column: subclass it, name the table and columns, give one input query and a pure function.

    The function is `compute`, from one loaded row, or `compute_many`, from many; either may be `async`.

    table    the table whose records are recomputed, perhaps with its schema
    key      its primary key, or another unique and never changing column; a tuple of names for a key of several
    columns  the columns that `compute` returns, written together
    target   the column that the modes null and zero look at; the first of `columns` unless named
    where    an SQL condition that records have to meet besides, in every mode: "t.is_active". Columns are written with
             `t.`, as others would be taken for names in the statements around it; NULL counts as false
    inputs   one query for many records: `$1` is an array of keys (of several columns: `$2` is the second's, and so on)
             and each row has the key under its name
    version  columns that change whenever the application writes the row; the row's `xmin` unless named
    inputs_version  a query like `inputs`, from keys to versions of the rows that `inputs` reads of other tables, any
             number a key; a record for which they have changed when its value is written is computed again
    reads    the tables that `inputs` reads, `table` too, where workers have a role of their own
    call_size  the most records that `compute_many` is called with: 1,000 unless given, 50 of an async one
    at_once  how many calls of an async function are under way at once, for one partition
    compute_in  where a plain function runs: in the worker's loop, in its threads (for what waits, or lets other threads
             run), or in processes of its own (for what computes long); async functions run in the loop
    """

    table: ClassVar[str]
    key: ClassVar[str | tuple[str, ...]] = "id"
    columns: ClassVar[tuple[str, ...]]
    target: ClassVar[str] = ""
    where: ClassVar[str] = ""
    inputs: ClassVar[str] = ""
    version: ClassVar[tuple[str, ...]] = ()
    inputs_version: ClassVar[str] = ""
    call_size: ClassVar[int | None] = None
    at_once: ClassVar[int] = 4
    compute_in: ClassVar[Literal["loop", "threads", "processes"]] = "loop"

    async def load(self, connection: "Connection", keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """Load the inputs of many records; the default runs `inputs`. Each row has the key under its name.

        `keys` are as the driver gives them, tuples where the key has several columns. Called outside any transaction,
        after the rows' versions were read. Raise TransientError (or let a network error out) when the same records may
        load later: the partition is then retried with growing delays.
        """
        several = len(self.key_columns)
        arrays = [keys] if several == 1 else list(zip(*keys, strict=True)) or [()] * several
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(self.inputs, *arrays)
        return rows

    # Any, so that a definition may give either function as a plain or as an async one.

    def compute(self, record: Mapping[str, Any]) -> Any:
        """Turn one loaded row into a value for each of `columns` (a mapping), or a Skip.

        A plain function must be pure. An async one is called within `limit`, `at_once` calls at a time; it may be
        called again for a record, after a failure or a kill. An exception fails this record alone: it is listed by
        `backfill failures`, its neighbours are written. TransientError, and in an async function a service that does
        not answer, tries it again later; HeldError makes all workers rest.
        """
        raise NotImplementedError

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """The same for many records: give a list with a mapping, a Skip or an exception for each, in their order.

        An exception in the list fails the record at its place. One that is raised, or a list of another length, is
        looked into by halving: at worst there are about twice as many calls as records. A TransientError that an async
        one raises, or a service that does not answer, tries all records of the call again later.
        """
        return [self.compute(record) for record in records]

    @property
    def key_columns(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def target_column(self) -> str:
        return self.target or self.columns[0]

    def _declared(self) -> Mapping[str, Any]:
        names = ("name", "table", "key", "columns", "target_column", "inputs", "version", "inputs_version", "settings")
        # One that is not there must not change what jobs of older programs were opened with.
        more = ("where",) if self.where else ()
        return {name: getattr(self, name) for name in names + more}
