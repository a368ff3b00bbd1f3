"""Bring back what got lost: compare the ledger with the queues, and publish the difference."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from backfill.broker import BrokerLostError, connected, depth
from backfill.database import Connection, Pool, is_transient
from backfill.definition import Definition
from backfill.errors import RefusedError, UnreachableError
from backfill.ledger import jobs, reconciling
from backfill.log import warn
from backfill.modes import Priority
from backfill.outlet import Outlet
from backfill.settings import Settings
from backfill.topology import Topology
from backfill.workers.patience import REFUSED_SECONDS, Patience
from backfill.workers.troubles import Troubles
from backfill.workers.upkeep.closing import Closing
from backfill.workers.upkeep.counting import Counting
from backfill.workers.upkeep.depths import Depths
from backfill.workers.upkeep.dropping import Dropping
from backfill.workers.upkeep.expired import Expired
from backfill.workers.upkeep.republisher import Republisher

TICK_SECONDS = 1.0
RETURN_SECONDS = 3.0  # after an outage of the database
LOGIN = "the login"
LOSSES = (BrokerLostError, UnreachableError)  # of RabbitMQ


class Reconciler:
    """Runs in every worker; for each backfill one of them leads, the others stand by."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        pool: Pool,
        publisher: Outlet,
        definitions: dict[str, Definition],
        worker: UUID,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._url = url
        self._pool = pool
        self._definitions = definitions
        self._worker = worker
        self._say = say
        self._turns = list(definitions)  # the one that lost RabbitMQ last has its turn last
        self._leading: set[str] = set()
        self._troubles = Troubles(say)
        self._patience = Patience()
        self.expired = Expired()
        self.dropping = Dropping(settings.dead_messages)
        self._depths = Depths(settings.retry_delays)
        self.reconciled: Counter[str] = Counter()  # by reason
        self.republisher = Republisher(publisher, settings.reconcile_seconds, self.reconciled, self._troubles)
        self._counting = Counting(self._troubles)
        self._closing = Closing(settings, definitions, self._troubles, say)

    async def run(self) -> None:
        """Roll counts up every second and reconcile every `reconcile_seconds`, until cancelled."""
        due, was_still = time.monotonic(), False
        while True:
            try:
                full = time.monotonic() >= due
                await self.tick(full=full)
                if full:
                    due, was_still = time.monotonic() + self._settings.reconcile_seconds, False
            except RefusedError as error:
                if not self._patience.bears():
                    raise
                self._troubles.tell(LOGIN, f"{error}. Trying again for {REFUSED_SECONDS:g} s.")
            except LOSSES:
                pass  # the intake says so; the next round comes soon enough
            except Exception as error:
                if not is_transient(error):
                    raise
                # Workers that have been cut off renew, or give back, what they hold first.
                due = max(due, time.monotonic() + RETURN_SECONDS)
            pause, slept = min(TICK_SECONDS, self._settings.reconcile_seconds), time.monotonic()
            await asyncio.sleep(pause)
            if not was_still and time.monotonic() - slept - pause > self._settings.lease_seconds / 3:
                # The machine stood still, with others on it: they renew first, too. Once a round, as it may be a
                # definition that holds up this loop again and again.
                due, was_still = max(due, time.monotonic() + RETURN_SECONDS), True

    async def tick(self, *, full: bool) -> None:
        """One round for each backfill that this worker leads; raises a loss of RabbitMQ when all had their turn.

        What needs the ledger alone does not wait for a queue, and no backfill for another's.
        """
        lost: Exception | None = None
        async with self._pool.acquire(timeout=5) as connection:
            for backfill in self._turns.copy():
                try:
                    await self._reconcile(connection, backfill, full=full and lost is None)
                except LOSSES as error:
                    lost = lost or error
                    self._turns.remove(backfill)
                    self._turns.append(backfill)
                except Exception as error:
                    self._troubles.tell_or_raise(backfill, f"Cannot reconcile {backfill}", error)
                else:
                    self._troubles.over(backfill)
        if lost is not None:
            raise lost

    async def _reconcile(self, connection: Connection, backfill: str, *, full: bool) -> None:
        # Long enough to survive a slow round, short enough that a dead leader is soon followed.
        seconds = max(3 * TICK_SECONDS, 2 * self._settings.reconcile_seconds)
        if not await reconciling.lead(connection, backfill, self._worker, seconds):
            self._leading.discard(backfill)
            return
        self._leading.add(backfill)
        await self.close_ended(connection, backfill)
        await self._counting.bring_up(connection, backfill, look=full)
        if full:
            await self._bring_back(connection, backfill)
        else:
            for priority in Priority:  # resumed, reset or opened by a retry: not to be waited for
                await self.republisher.publish_lost(connection, backfill, priority, ready=None)

    async def close_ended(self, connection: Connection, backfill: str) -> bool:
        """Roll up the active jobs and end those that are done; True when there is more to do."""
        found_more = False
        lost: Exception | None = None
        for job in await jobs.active(connection, [backfill]):
            if await self._closing.close(connection, job):
                found_more = True
                try:
                    await self.republisher.publish_lost(connection, backfill, job.priority, ready=0)
                except LOSSES as error:  # what its sweep found is not published yet; the others' ends do not wait
                    lost = error
        if lost is not None:
            raise lost
        return found_more

    async def _bring_back(self, connection: Connection, backfill: str) -> None:
        if freed := await reconciling.free_expired(connection, backfill, self._worker, self._settings.lease_seconds):
            self.reconciled["lease_expired"] += freed
            warn(self._say, f"{freed:,} partitions of {backfill} had lost their worker; queued again.")
        async with connected(self._url, name="backfill-reconciler", heartbeat=self._settings.heartbeat) as broker:
            topology = Topology(backfill, self._settings.tenant)
            if await self.expired.clear(broker, topology):
                self._troubles.tell(
                    topology,
                    f"Messages of {backfill} expire before a worker has them: a policy sets message-ttl for "
                    f"{' or '.join(topology.queue(priority) for priority in Priority)}; find it with "
                    "rabbitmqctl list_policies, and except these queues. They are published again.",
                )
            for priority in Priority:
                ready = await depth(broker, topology.queue(priority))
                await self.republisher.publish_lost(connection, backfill, priority, ready=ready or 0)
            if dropped := await self.dropping.clear(connection, broker, topology):
                warn(
                    self._say,
                    f"Dropped the {dropped:,} oldest messages of {topology.dead_queue}, which keeps "
                    f"{self._settings.dead_messages:,}; see: backfill events --without-job",
                )
            await self._depths.remember(connection, broker, topology)
        self._patience.over()
        self._troubles.over(LOGIN)

    async def stop(self) -> None:
        """Leave the lead to another worker."""
        async with self._pool.acquire(timeout=2) as connection:
            for job in await jobs.active(connection, list(self._definitions)):
                await jobs.roll_up(connection, job.id)  # this may be the last worker for a while
            for backfill in self._leading:
                await reconciling.leave(connection, backfill, self._worker)
