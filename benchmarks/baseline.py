"""The toolkit's worker without its protocol: what ledger, fences and leases cost is the difference.

The same messages from the same queue, the same concurrency, prefetch and pool, the same SQL and computation, one
transaction a partition, acked after its commit. No claim, no fence, no lease, no lock or counts in the ledger.
"""

import asyncio
import json
import os
import sys

from aio_pika.abc import AbstractIncomingMessage

from backfill import broker, database
from backfill.catalog import Target, resolve
from backfill.database import Pool
from backfill.examples.killmails import KillmailValues
from backfill.ledger.tally import Tally
from backfill.modes import Mode, Priority
from backfill.settings import Settings
from backfill.topology import Topology
from backfill.workers.computing.computation import compute
from backfill.workers.computing.ways import Ways
from backfill.workers.limits.unshared import Unshared
from backfill.workers.watch import Watch
from benchmarks.marks import Mark

CONCURRENCY = 3  # the default of backfill-worker, and so are the two below
PREFETCH = CONCURRENCY + 2
POOL = CONCURRENCY + 3


async def main(records: int) -> None:
    """Work until so many records are done."""
    definition, settings, mark = KillmailValues(), Settings(), Mark()
    arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with (
        database.pooled(
            os.environ["DATABASE_URL"],
            name="baseline",
            size=POOL,
            statement_timeout_ms=settings.statement_timeout_ms,
            lock_timeout_ms=settings.lock_timeout_ms,
        ) as pool,
        broker.connected(os.environ["RABBITMQ_URL"], name="baseline", heartbeat=settings.heartbeat) as connection,
    ):
        async with pool.acquire() as one:
            target = await resolve(one, definition, Mode.NULL)
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(Topology(definition.name).queue(Priority.NORMAL), ensure=False)
        left, seconds = Left(records), settings.partition_seconds
        slots = [asyncio.create_task(slot(pool, target, arrived, mark, left, seconds)) for _ in range(CONCURRENCY)]
        await queue.consume(arrived.put)
        done, _ = await asyncio.wait([*slots, asyncio.create_task(left.none.wait())], return_when="FIRST_COMPLETED")
        for task in (*done, *slots):
            if task.done():
                task.result()
            else:
                task.cancel()


class Left:
    """How many records are to be done yet."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.none = asyncio.Event()

    def subtract(self, records: int) -> None:
        self.records -= records
        if self.records <= 0:
            self.none.set()


async def slot(
    pool: Pool, target: Target, arrived: asyncio.Queue[AbstractIncomingMessage], mark: Mark, left: Left, seconds: float
) -> None:
    """One partition after another."""
    while True:
        message = await arrived.get()
        mark.begin()
        ids, tally = json.loads(message.body)["ids"], Tally()
        async with pool.acquire() as connection:
            computed = await compute(
                connection,
                target,
                ids,
                tally,
                Watch(),
                Unshared(None),
                seconds,
                Ways(seconds),
                last_attempt=False,
            )
            row = await connection.fetchrow(target.apply_values, *computed.arguments())
        assert row["updated"] + tally.skipped.total() == len(ids), (row, tally)
        mark.done(len(ids))
        await message.ack()
        left.subtract(len(ids))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
