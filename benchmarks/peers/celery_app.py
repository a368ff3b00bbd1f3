"""Celery: threads in two processes."""

import os

from celery import Celery

from benchmarks.peers import record

app = Celery("benchmarks.peers.celery_app", broker=os.environ["RABBITMQ_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="peer",
    worker_prefetch_multiplier=64,  # of each thread
    worker_disable_rate_limits=True,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="recompute")
def recompute(killmail_id: int) -> None:
    record.recompute(killmail_id)


def fill(killmails: int) -> None:
    """One connection for all messages."""
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for killmail_id in range(1, killmails + 1):
            recompute.apply_async((killmail_id,), producer=producer)
