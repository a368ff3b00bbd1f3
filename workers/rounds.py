"""Under one claim: compute and apply until nothing is left, or only what has to wait for another attempt."""

import time
from collections.abc import Iterable
from functools import partial
from typing import Final

import asyncpg

from backfill.catalog import Target
from backfill.database import Connection
from backfill.failpoints import failpoint
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.settings import Settings
from backfill.workers.applying.applier import Applier
from backfill.workers.applying.committing import Ending
from backfill.workers.applying.portion import Portion
from backfill.workers.applying.slices import Turns
from backfill.workers.computing.computation import compute
from backfill.workers.computing.ways import Ways
from backfill.workers.hand import Hold
from backfill.workers.holding import Wait
from backfill.workers.limits.spending import Spending
from backfill.workers.stats import Stats

# A row that the application changes while its value is computed is read again so often before it has to wait.
MOST_CONFLICTS: Final = 3


class Rounds:
    """Works on what was claimed, with what is known of each backfill's pace."""

    def __init__(self, settings: Settings, backfills: Iterable[str], stats: Stats, ways: Ways) -> None:
        self._settings = settings
        self._stats = stats
        self._ways = ways
        self._portions = {name: Portion() for name in backfills}

    async def work(
        self,
        connection: Connection,
        target: Target,
        claim: Claim,
        hold: Hold,
        wait: Wait,
        spending: Spending,
        spare: list[str],
    ) -> list[str]:
        """Values and counts are committed piece by piece; returns the ids that wait for another attempt.

        Those to spare are left in the partition untouched.

        Raises what `compute` and `apply` raise, and GivenBackError where the claim was given back. Answers of calls are
        written before UnwantedError says that the rest is to be.
        """
        is_last_attempt = claim.attempt >= self._settings.max_attempts
        portion = self._portions[target.definition.name]
        turns, began = Turns(claim), time.monotonic()
        put_off: dict[str, tuple[str, str]] = {}  # by `compute`: each is tried once under a claim
        while turns.ids:
            tally = Tally()
            seconds = self._settings.partition_seconds
            try:
                now, waiting = turns.slice()
                computed = await compute(
                    connection,
                    target,
                    now,
                    tally,
                    hold.watch,
                    spending,
                    seconds,
                    self._ways,
                    last_attempt=is_last_attempt,
                )
                untried = [*tally.later, *waiting]
                tally.later = later = [*untried, *turns.tried, *spare]
                failpoint("worker.after_compute")
                tally.calls, tally.refused = spending.counts()
                tally.remaining |= put_off
                now_put_off = tally.remaining
                # Time that ran out is nobody's failure: the rest goes on under the same claim.
                is_last = not untried and (turns.with_conflicts >= MOST_CONFLICTS - 1 or bool(tally.remaining))
                ending = Ending(
                    duration_ms=(time.monotonic() - began) * 1000,
                    retry_seconds=self._settings.retry_delay(claim.attempt) if is_last else None,
                    last=is_last_attempt and is_last,
                    last_attempt=is_last_attempt,
                )
                applier = Applier(connection, target, claim, portion, partial(self._settled, spending, began))
                tally = await applier.apply(computed, tally, ending)
            except asyncpg.LockNotAvailableError:
                await wait.for_a_table()
                began = time.monotonic()
                continue
            # At the last attempt they have failed, and are counted.
            put_off = {one: why for one, why in now_put_off.items() if one in tally.remaining}
            left = [*tally.remaining, *tally.held, *later]
            if not left:
                self._stats.ended[tally.state].add(time.monotonic() - claim.began)
            if tally.state == "pending":
                return left
            if turns.went(untried, tally, put_off):
                await wait.for_records(turns.held)
            began = time.monotonic()
        return []

    def _settled(self, spending: Spending, began: float, done: Tally) -> None:
        self._stats.add(done, began)
        spending.settled(done.calls, done.refused)
