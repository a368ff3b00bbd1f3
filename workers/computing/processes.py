"""Computing the rows of a partition in a process: what ends it, or takes too long in it, is found and stands alone."""

from collections import deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from backfill import computing
from backfill.column_backfill import ColumnBackfill
from backfill.errors import SchemaError
from backfill.workers.computing.child import Order, Refusal, ordered
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.pool import Child, LateError, LostError, Pool
from backfill.workers.computing.sending import UnsendableError, plain
from backfill.workers.computing.straight import halved
from backfill.workers.definitions import FormerDefinitionError

# Processes that end in one computation, before what is left waits for another attempt: it is no single record's doing.
MOST_LOST: Final = 3


class Processes:
    """Computes in the processes of one worker."""

    def __init__(self, record_seconds: float) -> None:
        self._pool = Pool(record_seconds)

    async def compute(
        self,
        definition: ColumnBackfill,
        names: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        until: float,
        *,
        last_attempt: bool,
    ) -> Outcomes:
        """What becomes of these rows.

        A record under which the process ends is an attempt, and its neighbours go on in another process. At the last
        attempt each goes alone; the one under which the process ends twice fails.
        """
        order = ordered(definition, names)
        size = 1 if last_attempt else computing.of(definition).call_size
        pieces = deque(range(first, min(first + size, len(rows))) for first in range(0, len(rows), size))
        work = _Work(pieces, last_attempt=last_attempt)
        async with self._pool.child() as child:
            while pieces and monotonic() <= until and work.outcomes.held is None:
                piece = pieces.popleft()
                await work.go_on(child, order, piece, rows, until)
        return work.outcomes

    async def close(self) -> None:
        await self._pool.close()


class _Work:
    """What is left of one partition, and what has become of the rest."""

    def __init__(self, pieces: deque[range], *, last_attempt: bool) -> None:
        self._pieces = pieces
        self._last_attempt = last_attempt
        self.outcomes = Outcomes()
        self._lost = 0
        self._doubted: set[int] = set()

    async def go_on(
        self, child: Child, order: Order, piece: range, rows: Sequence[Mapping[str, Any]], until: float
    ) -> None:
        """Compute a piece, or know more about it."""
        try:
            answer = await child.compute(order, [plain(rows[place]) for place in piece], until)
        except UnsendableError as error:
            if len(piece) > 1:
                self._pieces.extendleft(reversed(halved(piece)))
                return
            text = f"what is loaded for it cannot be sent to the process that computes: {error}"
            self.outcomes.failed[piece.start] = "UnsendableError", text
        except LostError as error:
            self._lost_one(piece, error)
        else:
            if isinstance(answer, Refusal):
                raise FormerDefinitionError(answer.text) if answer.is_former else SchemaError(answer.text)
            self.outcomes.add(answer, list(piece))

    def _lost_one(self, piece: range, error: LostError) -> None:
        """Set apart what was being computed; what is around it is computed in another process."""
        culprits = piece if error.places is None else piece[error.places.start : error.places.stop]
        around = [piece[: culprits.start - piece.start], piece[culprits.stop - piece.start :]]
        if len(culprits) > 1:
            around[1:1] = halved(culprits)
        elif isinstance(error, LateError):
            self.outcomes.failed[culprits.start] = "RecordTimeoutError", str(error)
        elif not self._last_attempt:
            self.outcomes.again[culprits.start] = "LostProcessError", str(error)
        elif culprits.start in self._doubted:
            self.outcomes.failed[culprits.start] = "LostProcessError", f"{error}, twice while it was computed alone"
        else:
            self._doubted.add(culprits.start)
            around[1:1] = [culprits]
        self._pieces.extendleft(one for one in reversed(around) if one)
        self._lost += not isinstance(error, LateError)
        if self._lost >= MOST_LOST and not self._last_attempt:
            left = [place for waiting in self._pieces for place in waiting]
            self.outcomes.again |= dict.fromkeys(left, ("LostProcessError", str(error)))
            self._pieces.clear()
