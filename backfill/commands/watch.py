"""`backfill status --watch`: one screen for people, plain lines for pipes, JSON lines for programs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from backfill import door, drawing, log
from backfill.commands.looking import look
from backfill.commands.report import burden, lines
from backfill.console import is_terminal
from backfill.errors import BackfillError
from backfill.settings import Settings
from backfill.states import ENDED
from backfill.texts import duration

if TYPE_CHECKING:
    import asyncpg
    from rich.console import RenderableType

    from backfill.ledger.progress import Progress, WorkerView


async def follow(settings: Settings, reference: str, interval: float, *, as_json: bool) -> None:
    """Show the job's progress until it has ended."""
    from backfill.ledger import progress

    with _screen(as_json) as screen:

        async def see(connection: "asyncpg.Connection[Any]", job_id: UUID) -> float | None:
            now = await progress.read(connection, job_id)
            screen.show(now, await progress.workers(connection, now), await _depths(settings, now))
            return None if now.state in ENDED else interval

        await look(settings, "watch", reference, see)


async def _depths(settings: Settings, now: "Progress") -> dict[str, int | None]:
    """Messages ready in the job's queue and the dead queue; empty when the broker does not answer."""
    from backfill.broker import BrokerLostError, connected, depth
    from backfill.modes import Priority
    from backfill.topology import Topology

    topology = Topology(now.backfill, settings.tenant)
    queues = (topology.queue(Priority(now.priority)), topology.dead_queue)
    try:
        async with connected(settings.rabbitmq_url, name="backfill-watch", heartbeat=settings.heartbeat) as broker:
            return {queue: await depth(broker, queue) for queue in queues}
    except (BackfillError, BrokerLostError):
        return {}


class _Lines:
    """Plain lines: one a look, and the whole status at the end."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, now: "Progress", workers: "list[WorkerView]", depths: dict[str, int | None]) -> None:
        if self._as_json:
            look = {"schema_version": 1, **now.as_json(), "workers": [asdict(one) for one in workers], "queues": depths}
            door.exact(log.as_json(look) + "\n")
            return
        left = f" | {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        door.line(
            f"{now.state.value}: {now.done:,}/{now.matched:,} ({100 * now.share:.1f}%) | "
            f"Rate: {now.rate or 0:,.1f}/sec{left} | Failed: {now.failed:,} | Workers: {len(workers)}"
        )
        if now.state in ENDED:
            for line in lines(now):
                door.line(line)


class _Live(drawing.Screen):
    """One screen that is drawn again at each look."""

    def show(self, now: "Progress", workers: "list[WorkerView]", depths: dict[str, int | None]) -> None:
        self.draw(_render(now, workers, depths))


def _screen(as_json: bool) -> Any:
    return _Live() if is_terminal() and not as_json else _Lines(as_json)


def _render(now: "Progress", workers: "list[WorkerView]", depths: dict[str, int | None]) -> "RenderableType":
    slowest = max((one.longest_seconds or 0 for one in workers), default=0)
    rows = []
    for one in workers:
        longest = f"{one.longest_seconds:.1f} s" if one.longest_seconds is not None else ""
        mark = " slowest" if longest and one.longest_seconds == slowest and len(workers) > 1 else ""
        rows.append(
            (
                f"{one.host}:{one.pid}",
                one.partitions,
                one.first_partition or "",
                longest + mark,
                f"{one.heartbeat_age_seconds:.0f} s ago",
                burden(one.cpu_percent, one.memory_bytes),
                f"{one.updated:,}",
            )
        )
    queues = " | ".join(
        f"{queue}: {'none' if ready is None else f'{ready:,} ready'}" for queue, ready in depths.items()
    )
    return drawing.panel(
        f"{now.backfill} {now.state.value}",
        "Ctrl-C ends the watching, not the job",
        drawing.share(now.done, now.matched),
        # The bar ends without a line break, and would lie over the first line.
        drawing.text("", *lines(now)),
        drawing.text(queues or "RabbitMQ does not answer"),
        drawing.table(("worker", "partitions", "first", "longest", "heartbeat", "takes", "updated"), rows, expand=True)
        if workers
        else drawing.text(f"No worker; start one with: backfill-worker {now.backfill}"),
    )
