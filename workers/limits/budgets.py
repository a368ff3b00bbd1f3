"""The budgets of a worker: one for each limit, shared by its slots."""

import asyncio
import contextlib
from uuid import UUID

from backfill.contract import need_limit
from backfill.database import Pool
from backfill.definition import Definition
from backfill.errors import SchemaError, UsageError
from backfill.ledger import limits
from backfill.ledger.partitions import Claim
from backfill.settings import Settings
from backfill.workers.holding import Holding
from backfill.workers.limits.budget import Budget
from backfill.workers.limits.spending import Spending
from backfill.workers.stats import Stats

CLOSE_SECONDS = 2.0


class Budgets:
    """Makes what each claim spends."""

    def __init__(self, settings: Settings, pool: Pool, holding: Holding, stats: Stats, worker: UUID) -> None:
        self._settings = settings
        self._pool = pool
        self._holding = holding
        self._stats = stats
        self._worker = worker
        self._budgets: dict[str, Budget] = {}
        self._owed: dict[int, tuple[int, int]] = {}

    def spending(self, definition: Definition, claim: Claim) -> Spending:
        """For one claim, `async with`; raises SchemaError where the definition's limit is none."""
        return Spending(self._pool, self._budget(definition), claim, self._holding, self._stats, self._owed)

    def _budget(self, definition: Definition) -> Budget:
        try:
            limit = need_limit(definition)
        except UsageError as error:
            raise SchemaError(str(error)) from None
        name = limit.name if limit is not None and limit.name else definition.name
        budget = self._budgets.get(name)
        if budget is None:
            budget = Budget(self._pool, self._worker, self._settings.lease_seconds, name, limit)
            self._budgets[name] = budget
        elif limit is not None:  # of several definitions with one limit, the last one says what it is
            budget.limit = limit
        return budget

    @property
    def asked(self) -> int:
        """Questions to the ledger."""
        return sum(budget.asked for budget in self._budgets.values())

    async def close(self) -> None:
        """Let others have what this worker may no longer call; bounded in time."""
        await asyncio.gather(*(budget.close() for budget in self._budgets.values()))
        if any(budget.limit and budget.limit.concurrency for budget in self._budgets.values()):
            with contextlib.suppress(Exception):  # permits end with the lease as well
                async with asyncio.timeout(CLOSE_SECONDS), self._pool.acquire() as connection:
                    await limits.leave(connection, self._worker)
