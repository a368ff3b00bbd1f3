"""Publish again what the ledger expects in a queue and the broker has not."""

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID

from backfill.broker import BrokerLostError, NotTakenError
from backfill.database import Connection
from backfill.errors import BackfillError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import planning, reconciling
from backfill.ledger.job import PlannedPartition
from backfill.log import regard
from backfill.modes import Priority
from backfill.outlet import Outlet
from backfill.texts import in_a_line
from backfill.workers.troubles import Troubles

PAGE: Final = 500


class Republisher:
    """The reconciler's publishing part; one partition that cannot be published is said and passed over."""

    def __init__(self, publisher: Outlet, grace_seconds: float, reconciled: Counter[str], troubles: Troubles) -> None:
        self._publisher = publisher
        self._grace_seconds = grace_seconds
        self._reconciled = reconciled
        self._troubles = troubles
        self._refusal: NotTakenError | None = None
        self.unpublished = 0

    async def publish_lost(
        self, connection: Connection, backfill: str, priority: Priority, *, ready: int | None
    ) -> None:
        """Publish what the ledger expects and the queue of `ready` messages lacks; None: only what never was."""
        while rows := await reconciling.lost(
            connection,
            backfill,
            priority,
            ready=ready,
            grace_seconds=self._grace_seconds,
            most=PAGE,
        ):
            self._refusal = None
            by_job: dict[UUID, list[PlannedPartition]] = {}
            for row in rows:
                by_job.setdefault(row.job_id, []).append(row)
            published = 0
            for job_id, lost in by_job.items():
                sent = await self._publish(backfill, lost, priority)
                await planning.mark_published(connection, job_id, sent)
                published += len(sent)
                self._reconciled["republished"] += len(sent)
            if self._refusal is not None:
                self._troubles.tell((backfill, priority), f"Cannot publish lost messages again: {self._refusal}.")
                return
            self._troubles.over((backfill, priority))
            if published < PAGE:  # that was all, or the same ones would fail again at once
                return
            ready = None if ready is None else ready + len(rows)

    async def _publish(self, backfill: str, partitions: list[PlannedPartition], priority: Priority) -> list[str]:
        """Publish all that can be and give their keys; raises BrokerLostError when the link breaks under any.

        What the broker does not take keeps no other from it: a queue may have room for some.
        """
        failpoint("reconciler.before_publish")
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    one.partition_key: group.create_task(self._publish_one(backfill, one, priority))
                    for one in partitions
                }
            return [key for key, task in tasks.items() if task.result()]
        except ExceptionGroup as errors:
            _, others = errors.split((BrokerLostError, UnreachableError))
            if others is not None:
                raise others.exceptions[0] from errors
            raise BrokerLostError(str(errors.exceptions[0])) from errors

    async def _publish_one(self, backfill: str, partition: PlannedPartition, priority: Priority) -> bool:
        """Publish a partition; what is wrong with it alone is said, and keeps no other from its message."""
        job_id, key = partition.job_id, partition.partition_key
        regard(job_id, key)  # in a task of its own
        try:
            await self._publisher.publish(partition.message(backfill), priority)
        except NotTakenError as error:
            self._refusal = error
            return False
        except (BrokerLostError, BackfillError):
            raise
        except Exception as error:
            self.unpublished += 1
            self._troubles.tell((job_id, key), f"Cannot publish partition {key} of job {job_id}: {in_a_line(error)}")
            return False
        self._troubles.over((job_id, key))
        return True
