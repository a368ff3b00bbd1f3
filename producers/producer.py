"""Plan a job page by page and publish each page while the next is planned."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from backfill.broker import BrokerLostError
from backfill.errors import UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import course, jobs, planning
from backfill.ledger.job import Job, PlannedPartition
from backfill.modes import Priority
from backfill.outlet import Outlet
from backfill.producers.source import Source

PAGE_PARTITIONS: Final = 20  # published together
PAGES_AHEAD: Final = 2
PUBLISH_SECONDS: Final = 60.0

Pages: TypeAlias = asyncio.Queue[list[PlannedPartition] | None]
Queued: TypeAlias = Callable[[str, int], None]  # partition key, records in it; sent, or to be when a pause is over


class Producer:
    """The one process that plans a job, until its lease on the job ends."""

    def __init__(
        self,
        marker: "asyncpg.Connection[Any]",
        publisher: Outlet,
        producer: UUID,
        queued: Queued,
    ) -> None:
        self._marker = marker
        self._publisher = publisher
        self._id = producer
        self._queued = queued
        self._leading = asyncio.Lock()
        self.records = 0  # queued by this run
        self.batches = 0
        self.last_key: str | None = None  # where a limit ended the planning

    async def run(self, source: Source, job: Job) -> None:
        """Publish what is planned and unpublished, then plan and publish the rest.

        Killed anywhere, `--resume` goes on: a planned page is in the ledger, an unplanned one is behind no cursor.
        """
        await self._publish_leftovers(job, shown=True)
        if job.planned_at is None:
            pages: Pages = asyncio.Queue(maxsize=PAGES_AHEAD)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._plan(source, job, pages), name="planner")
                group.create_task(self._publish_pages(job, pages), name="publisher")
            await self._publish_leftovers(job, shown=False)  # planned while the job was paused
            failpoint("producer.before_finish")
            await planning.finish(self._marker, job.id, self._id)
        await planning.leave(self._marker, job.id, self._id)

    async def _plan(self, source: Source, job: Job, pages: Pages) -> None:
        counted = await planning.count_planned(self._marker, job.id)
        next_number, planned, cursor = counted["next_number"], counted["records"], job.cursor_key
        while job.record_limit is None or planned < job.record_limit:
            room = None if job.record_limit is None else job.record_limit - planned
            page = await source.plan(cursor, next_number, room)
            if page is None:
                break
            failpoint("producer.after_plan")
            cursor = page.edge
            if page.partitions:
                next_number += len(page.partitions)
                planned += page.found
                await pages.put(page.partitions)
        self.last_key = cursor if planned == job.record_limit else None
        await pages.put(None)

    async def _publish_leftovers(self, job: Job, *, shown: bool) -> None:
        while page := await planning.unpublished(self._marker, job.id, PAGE_PARTITIONS):
            if not await self._publish(job, page):
                return
            if shown:
                self._show(page)

    async def _publish_pages(self, job: Job, pages: Pages) -> None:
        while (page := await pages.get()) is not None:
            await self._publish(job, page)
            self._show(page)

    async def _publish(self, job: Job, page: list[PlannedPartition]) -> bool:
        """Publish where the job's messages go now; False while it is paused, as workers would only drop them.

        Without a broker nothing is published, nor said to be: workers that come later find it as it is.
        """
        if not self._publisher.sends:
            return False
        priority = await course.read(self._marker, job.id)
        if priority is None:
            return False
        async with asyncio.TaskGroup() as group:
            for partition in page:
                group.create_task(self._publish_one(job, partition, priority))
        failpoint("producer.after_publish")
        await planning.mark_published(self._marker, job.id, [partition.partition_key for partition in page])
        failpoint("producer.after_mark")
        return True

    def _show(self, page: list[PlannedPartition]) -> None:
        for partition in page:
            self.records += len(partition.record_ids)
            self.batches += 1
            self._queued(partition.partition_key, len(partition.record_ids))

    async def _publish_one(self, job: Job, partition: PlannedPartition, priority: Priority) -> None:
        message = partition.message(job.backfill)
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((BrokerLostError, UnreachableError)),
            wait=wait_random_exponential(multiplier=0.5, max=5),
            stop=stop_after_delay(PUBLISH_SECONDS),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    # A blocked broker must not cost the lead of a job that is being worked on.
                    async with self._leading:
                        await jobs.renew_lead(self._marker, job.id, self._id)
                await self._publisher.publish(message, priority)
