"""The same work in three task frameworks, a message a record, each as its own documentation would have it done well.

What is the same for all: durable classic queue (cheaper than the quorum queue that the toolkit uses), persistent
messages, ack after the commit, no result backend, two worker processes with several records at once in each so that
their commits share a flush, connections that are kept, prepared statements, a prefetch that never runs dry.
"""

from typing import NamedTuple

SETTINGS = {"dramatiq_queue_prefetch": "64"}
CELERY = (
    *("celery", "--app", "benchmarks.peers.celery_app", "worker", "--pool=threads", "--concurrency=8"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"),
)
DRAMATIQ = ("dramatiq", "benchmarks.peers.dramatiq_app", "--processes", "2", "--threads", "8")
TASKIQ = (
    *("taskiq", "worker", "benchmarks.peers.taskiq_app:broker", "--workers", "2", "--max-async-tasks", "16"),
    *("--max-prefetch", "32"),
    *("--ack-type", "when_executed", "--log-level", "ERROR"),
)


class Peer(NamedTuple):
    """A module that fills its queue, and the commands (after `python -m`) that make two worker processes."""

    module: str
    commands: tuple[tuple[str, ...], ...]


PEERS = {
    "Celery": Peer("celery_app", ((*CELERY, "--hostname=peer1@localhost"), (*CELERY, "--hostname=peer2@localhost"))),
    "Dramatiq": Peer("dramatiq_app", (DRAMATIQ,)),
    "taskiq-aio-pika": Peer("taskiq_app", (TASKIQ,)),
}
