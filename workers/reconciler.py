"""Bring back what got lost: compare the ledger with the queues, publish the difference, close what has ended."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from backfill.broker import BrokerLostError, connected, depth
from backfill.catalog import Target, resolve
from backfill.database import Connection, Pool, is_transient
from backfill.definition import ColumnBackfill
from backfill.errors import BackfillError, SchemaError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import jobs, planning, reconciling
from backfill.ledger.jobs import Row
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher, partition_message
from backfill.settings import Settings
from backfill.texts import why
from backfill.topology import Topology
from workers.troubles import Troubles

TICK_SECONDS = 1.0
PAGE = 500
SETTLE_SECONDS = 60.0  # beyond the longest computation: what an apply may take


class Reconciler:
    """Runs in every worker; for each backfill one of them leads, the others stand by."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        pool: Pool,
        publisher: Publisher,
        definitions: dict[str, ColumnBackfill],
        worker: UUID,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._url = url
        self._pool = pool
        self._publisher = publisher
        self._definitions = definitions
        self._worker = worker
        self._say = say
        self._leading: set[str] = set()
        self._troubles = Troubles(say)
        self.reconciled: Counter[str] = Counter()  # by reason
        self.unpublished = 0

    async def run(self) -> None:
        """Roll counts up every second and reconcile every `reconcile_seconds`, until cancelled."""
        due = time.monotonic()
        while True:
            try:
                full = time.monotonic() >= due
                await self.tick(full=full)
                if full:
                    due = time.monotonic() + self._settings.reconcile_seconds
            except (BrokerLostError, UnreachableError):
                pass  # the intake says so; the next round comes soon enough
            except SchemaError as error:
                self._say(f"Cannot reconcile: {error}")
            except Exception as error:
                if not is_transient(error):
                    raise
            await asyncio.sleep(min(TICK_SECONDS, self._settings.reconcile_seconds))

    async def tick(self, *, full: bool) -> None:
        """One round for each backfill that this worker leads."""
        async with self._pool.acquire(timeout=5) as connection:
            for backfill in self._definitions:
                # Long enough to survive a slow round, short enough that a dead leader is soon followed.
                seconds = max(3 * TICK_SECONDS, 2 * self._settings.reconcile_seconds)
                if not await reconciling.lead(connection, backfill, self._worker, seconds):
                    self._leading.discard(backfill)
                    continue
                self._leading.add(backfill)
                await self.close_ended(connection, backfill)
                if full:
                    await self._bring_back(connection, backfill)
                else:
                    for priority in Priority:  # resumed, reset or opened by a retry: not to be waited for
                        await self._publish_lost(connection, backfill, priority, ready=None)

    async def close_ended(self, connection: Connection, backfill: str) -> bool:
        """Roll up the active jobs and end those that are done; True when a sweep found more to do."""
        found_more = False
        for job in await jobs.active(connection, [backfill]):
            counts = await jobs.roll_up(connection, job["id"])
            if counts is None:  # deleted meanwhile
                continue
            share, minimum = self._settings.failed_share, self._settings.failed_minimum
            error = reconciling.too_many_failed(counts, share, minimum)
            if error and await reconciling.give_up(connection, job["id"], error):
                self._say(f"Job {job['id']} failed: {error}.")
                continue
            if not counts["ended"]:
                continue
            try:
                target = await self._target(connection, job)
            except SchemaError as error:  # the other jobs can still be closed
                self._say(f"Cannot close job {job['id']}: {error}")
                continue
            async with connection.transaction(isolation="read_committed"):
                result = await reconciling.close(connection, target, job, failed_share=share, failed_minimum=minimum)
            if isinstance(result, reconciling.Ended):
                self._say(f"Job {result.job} {result.state.value}.")
            elif result:
                self._say(f"Closing sweep of job {job['id']}: {result:,} records had been missed; queued.")
                found_more = True
                await self._publish_lost(connection, backfill, Priority(job["priority"]), ready=0)
        await reconciling.settle(connection, backfill, self._settings.partition_seconds + SETTLE_SECONDS)
        return found_more

    async def _bring_back(self, connection: Connection, backfill: str) -> None:
        if freed := await reconciling.free_expired(connection, backfill):
            self.reconciled["lease_expired"] += freed
            self._say(f"{freed:,} partitions of {backfill} had lost their worker; queued again.")
        async with connected(self._url, name="backfill-reconciler", heartbeat=self._settings.heartbeat) as broker:
            for priority in Priority:
                ready = await depth(broker, Topology(backfill, self._settings.tenant).queue(priority))
                await self._publish_lost(connection, backfill, priority, ready=ready or 0)

    async def _publish_lost(
        self, connection: Connection, backfill: str, priority: Priority, *, ready: int | None
    ) -> None:
        while rows := await reconciling.lost(
            connection,
            backfill,
            priority,
            ready=ready,
            grace_seconds=self._settings.reconcile_seconds,
            most=PAGE,
        ):
            by_job: dict[UUID, list[Row]] = {}
            for row in rows:
                by_job.setdefault(row["job"], []).append(row)
            published = 0
            for job, lost in by_job.items():
                sent = await self._publish(backfill, job, lost, priority)
                await planning.mark_published(connection, job, sent)
                published += len(sent)
            self.reconciled["republished"] += published
            if published < PAGE:  # that was all, or the same ones would fail again at once
                return
            ready = None if ready is None else ready + len(rows)

    async def _publish(self, backfill: str, job: UUID, partitions: list[Row], priority: Priority) -> list[str]:
        """Publish all that can be and give their keys; raises BrokerLostError when the link breaks under any."""
        failpoint("reconciler.before_publish")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    row["partition_key"]: group.create_task(self._publish_one(backfill, job, row, priority))
                    for row in partitions
                }
            return [key for key, task in tasks.items() if task.result()]
        except ExceptionGroup as errors:
            _, others = errors.split((BrokerLostError, UnreachableError))
            if others is not None:
                raise others.exceptions[0] from errors
            raise BrokerLostError(str(errors.exceptions[0])) from errors

    async def _publish_one(self, backfill: str, job: UUID, row: Row, priority: Priority) -> bool:
        """Publish a partition; what is wrong with it alone is said, and keeps no other from its message."""
        key = row["partition_key"]
        try:
            message = partition_message(job, backfill, row["mode"], key, row["attempt_count"], row["record_ids"])
            await self._publisher.publish(message, priority)
        except (BrokerLostError, BackfillError):
            raise
        except Exception as error:
            self.unpublished += 1
            kind, said = why(error)
            self._troubles.tell((job, key), f"Cannot publish partition {key} of job {job}: {kind}: {said}")
            return False
        self._troubles.over((job, key))
        return True

    async def _target(self, connection: Connection, job: Row) -> Target:
        return await resolve(connection, self._definitions[job["asset_name"]], Mode(job["mode"]))

    async def stop(self) -> None:
        """Leave the lead to another worker."""
        async with self._pool.acquire(timeout=2) as connection:
            for job in await jobs.active(connection, list(self._definitions)):
                await jobs.roll_up(connection, job["id"])  # this may be the last worker for a while
            for backfill in self._leading:
                await reconciling.leave(connection, backfill, self._worker)
