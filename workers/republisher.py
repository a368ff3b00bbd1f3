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
from backfill.ledger.jobs import Row
from backfill.log import regard
from backfill.modes import Priority
from backfill.publisher import Publisher, partition_message
from backfill.texts import in_a_line
from backfill.workers.troubles import Troubles

PAGE: Final = 500


class Republisher:
    """The reconciler's publishing part; one partition that cannot be published is said and passed over."""

    def __init__(
        self, publisher: Publisher, grace_seconds: float, reconciled: Counter[str], troubles: Troubles
    ) -> None:
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
            by_job: dict[UUID, list[Row]] = {}
            for row in rows:
                by_job.setdefault(row["job"], []).append(row)
            published = 0
            for job, lost in by_job.items():
                sent = await self._publish(backfill, job, lost, priority)
                await planning.mark_published(connection, job, sent)
                published += len(sent)
                self._reconciled["republished"] += len(sent)
            if self._refusal is not None:
                self._troubles.tell((backfill, priority), f"Cannot publish lost messages again: {self._refusal}.")
                return
            self._troubles.over((backfill, priority))
            if published < PAGE:  # that was all, or the same ones would fail again at once
                return
            ready = None if ready is None else ready + len(rows)

    async def _publish(self, backfill: str, job: UUID, partitions: list[Row], priority: Priority) -> list[str]:
        """Publish all that can be and give their keys; raises BrokerLostError when the link breaks under any.

        What the broker does not take keeps no other from it: a queue may have room for some.
        """
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
        regard(job, key)  # in a task of its own
        try:
            message = partition_message(job, backfill, row["mode"], key, row["attempt_count"], row["record_ids"])
            await self._publisher.publish(message, priority)
        except NotTakenError as error:
            self._refusal = error
            return False
        except (BrokerLostError, BackfillError):
            raise
        except Exception as error:
            self.unpublished += 1
            self._troubles.tell((job, key), f"Cannot publish partition {key} of job {job}: {in_a_line(error)}")
            return False
        self._troubles.over((job, key))
        return True
