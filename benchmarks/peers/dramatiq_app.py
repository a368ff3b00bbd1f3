"""Dramatiq: its defaults (8 threads a process), with a deeper prefetch from the environment."""

import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.peers import record

broker = RabbitmqBroker(url=os.environ["RABBITMQ_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="peer", max_retries=3)
def recompute(killmail_id: int) -> None:
    record.recompute(killmail_id)


def fill(killmails: int) -> None:
    """The broker keeps its connection."""
    for killmail_id in range(1, killmails + 1):
        recompute.send(killmail_id)
    broker.close()
