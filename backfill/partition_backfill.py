"""What a user writes for work that is no column: which keys, how to fetch for one, how to write it."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from backfill.definition import Definition, Outcome, Skip
from backfill.modes import Mode

if TYPE_CHECKING:
    from backfill.database import Connection


class Call(Protocol):
    """What `fetch` calls a service under: `async with call:` waits until the limit lets it, and counts."""

    attempt: int  # of the partition: 1, and more after failures
    loaded: Any  # what `load` gave

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class PartitionBackfill(Definition):
    """Work in pieces that have a key, such as unit-7/2024-03: subclass it, give keys, a fetch and a write.

    writes   the tables that `write` and `finish` write to: `backfill init --roles` lets workers write them, no others
    batch_size  keys a message; each key has a transaction of its own whatever it is
    scope    which parameters say what a job is about, by dimension: {"unit": "unit", "month": ("from", "to")}; a pair
             is a range with both its ends, a parameter that is None stands for everything. Two jobs may be active at
             once if some dimension keeps them apart
    """

    writes: ClassVar[tuple[str, ...]]
    mode: ClassVar[Mode] = Mode.ALL
    batch_size: ClassVar[int] = 1
    scope: ClassVar[Mapping[str, str | tuple[str, str]]] = {}

    def keys(self, connection: "Connection", after: str | None) -> AsyncIterator[str]:
        """Yield the keys of the job, ascending as Python compares them, each once.

        Asked again after a crash of the producer: with `after`, those behind that key; others are passed over.
        """
        raise NotImplementedError

    async def load(self, connection: "Connection", key: str) -> Any:
        """Read from the database what `fetch` needs, such as the ETag of the last answer; `call.loaded` has it."""
        del connection, key

    async def fetch(self, call: Call, key: str) -> Any:
        """Get what `write` needs from outside, without any transaction; may run more than once for a key.

        An exception fails this key alone; TransientError, or a service that does not answer, tries it again later;
        HeldError makes all workers rest. A Skip leaves the key alone; nothing is written then.
        """
        del call, key

    async def write(self, connection: "Connection", key: str, fetched: Any) -> Outcome | Skip:
        """Write what was fetched, in the transaction that counts it: both happen, or neither.

        Must neither commit nor roll back. An exception undoes it and fails this key alone.
        """
        raise NotImplementedError

    def _declared(self) -> Mapping[str, Any]:
        # A definition without settings keeps the fingerprint that it had before there were any.
        names = ("name", "writes", "scope", *(("settings",) if self.settings else ()))
        return {name: getattr(self, name) for name in names}
