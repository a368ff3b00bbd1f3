"""`backfill demo`: everything once, on private services and made-up killmails, and nothing left behind."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from backfill import door, eventloop
from backfill.commands.stage import stage
from backfill.commands.steps import STEP_SECONDS, Steps, script, show
from backfill.console import reporting
from backfill.errors import UsageError

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress

EXAMPLE: Final = "backfill.examples.killmails"


@click.command()
@click.option(
    "--killmails",
    type=click.IntRange(100, 1_000_000),
    default=100_000,
    show_default=True,
    help="How many records to make up.",
)
@click.option("--workers", type=click.IntRange(1, 16), default=3, show_default=True, help="How many to start.")
def demo(killmails: int, workers: int) -> None:
    """Fill a column of made-up killmails, and leave nothing behind.

    Services, tables, a queue, workers, a pause, and a verdict from SQL; in a checkout of the toolkit.
    """
    with reporting():
        began = time.monotonic()
        if not Path("Procfile").is_file():
            raise UsageError("no Procfile in this folder; run the demo in a checkout of the toolkit")
        if not Path(script("honcho")).is_file():
            raise UsageError("the demo needs honcho: pip install 'backfill-toolkit[services]'")
        with stage(f"{EXAMPLE}:KillmailValues", "killmail_values") as environment:
            run = Steps(environment)
            run("Tables and ledger", sys.executable, "-m", EXAMPLE, "schema")
            run(f"{killmails:,} killmails", sys.executable, "-m", EXAMPLE, "generate", "--killmails", str(killmails))
            run("", script("backfill"), "init")
            run("Queue", script("backfill-queue"), "--mode=null")
            _work(run, environment["DATABASE_URL"], workers)
            run("Progress as the ledger has it", script("backfill"), "status", "latest")
            run("Verdict from SQL", sys.executable, "-m", EXAMPLE, "verify")
            door.line()
            door.line(f"Done in {time.monotonic() - began:.1f} s; stopping what was started.")


def _work(run: Steps, database_url: str, workers: int) -> None:
    """Run the Procfile's workers; pause and resume the job in the middle, and stop them when it has ended."""
    title = f"{workers} workers under the Procfile; the job is paused and resumed in the middle"
    with run.start(title, script("honcho"), "--no-colour", "start", "-c", f"worker={workers}") as honcho:
        reader = threading.Thread(target=show, args=(honcho,), name="honcho")
        reader.start()
        try:
            eventloop.run(_operate(database_url))
        finally:
            honcho.send_signal(signal.SIGTERM)
            reader.join(timeout=30)


async def _operate(database_url: str) -> None:
    """What an operator would type in another terminal: `backfill pause latest`, `backfill resume latest`."""
    from backfill import database
    from backfill.ledger import jobs, operations, progress

    async with database.connected(database_url, name="backfill-demo") as connection:
        job = await jobs.find(connection, "latest")

        async def until(condition: "Callable[[Progress], bool]") -> "Progress":
            async with asyncio.timeout(STEP_SECONDS):
                while not condition(now := await progress.read(connection, job)):  # noqa: ASYNC110 - only the ledger tells
                    await asyncio.sleep(0.05)
            return now

        now = await until(lambda now: now.done > 0.3 * now.matched or now.completed_at is not None)
        if now.completed_at is None:
            done = await operations.pause(connection, job, actor="demo", reason="to show it")
            now = await until(lambda now: now.running_partitions == 0)
            door.line("  $ backfill pause latest")
            door.line(f"    {done.text} {now.done:,} of {now.matched:,} records are done.")
            done = await operations.resume(connection, job, actor="demo")
            door.line("  $ backfill resume latest")
            door.line(f"    {done.text}")
        await until(lambda now: now.completed_at is not None)
