"""taskiq with taskiq-aio-pika: coroutines in two processes, a pool of connections in each."""

import asyncio
import os

import asyncpg
from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.queue import Queue, QueueType

from benchmarks.peers import record

AT_ONCE = 16

broker = AioPikaBroker(os.environ["RABBITMQ_URL"], qos=4 * AT_ONCE)
broker.with_queue(Queue(name="peer", type=QueueType.CLASSIC))


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def connect(state: TaskiqState) -> None:
    state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=AT_ONCE, max_size=AT_ONCE)


@broker.task(task_name="recompute")
async def recompute(killmail_id: int) -> None:
    await record.recompute_async(broker.state.pool, killmail_id)


def fill(killmails: int) -> None:
    """A window of confirms outstanding."""

    async def send() -> None:
        await broker.startup()
        for first in range(1, killmails + 1, 500):
            await asyncio.gather(*(recompute.kiq(n) for n in range(first, min(first + 500, killmails + 1))))
        await broker.shutdown()

    asyncio.run(send())
