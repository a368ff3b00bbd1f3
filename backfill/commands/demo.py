"""`backfill demo`: everything once, on private services and made-up killmails, and nothing left behind."""

import asyncio
import importlib.util
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
@click.option("--keep", is_flag=True, help="Leave everything up at the end, the page and workers too, until Ctrl-C.")
def demo(killmails: int, workers: int, keep: bool) -> None:
    """Fill a column of made-up killmails, and leave nothing behind.

    Services, tables, a page, a queue, workers, a pause, and a verdict from SQL; in a checkout of the toolkit.
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
            with _page(run) as page:
                run("Queue", script("backfill-queue"), "--mode=null")
                _work(run, environment["DATABASE_URL"], workers)
                run("Progress as the ledger has it", script("backfill"), "status", "latest")
                run("Verdict from SQL", sys.executable, "-m", EXAMPLE, "verify")
                door.line()
                done = f"Done in {time.monotonic() - began:.1f} s; "
                if keep:
                    door.line(f"{done}everything stays up.")
                    _keep(run, page, workers)
                else:
                    door.line(f"{done}stopping what was started.")


@contextmanager
def _page(run: Steps) -> Iterator[str | None]:
    """Serve the page beside the rest; None where what it needs is not installed."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        door.line()
        door.line("No page: it needs FastAPI and uvicorn (pip install 'backfill-toolkit[api]').")
        yield None
        return
    with run.beside("Page, live while the rest goes on", script("backfill"), "serve", "--port=0") as line:
        yield line.removeprefix("Page: ")


def _keep(run: Steps, page: str | None, workers: int) -> None:
    """Leave workers beside the page until somebody has seen enough."""
    title = f"{workers} workers that stay"
    with run.start(title, script("honcho"), "--no-colour", "start", "-c", f"worker={workers}", "worker") as honcho:
        reader = threading.Thread(target=show, args=(honcho,), name="honcho")
        reader.start()
        try:
            door.line()
            if page is not None:
                door.line(f"Open {page} and start a job there: of mode all, for one.")
            door.line("Ctrl-C ends all of it and leaves nothing behind.")
            honcho.wait()
        except KeyboardInterrupt:  # as was said: no failure
            door.line("Ended by Ctrl-C; stopping what was started.")
        finally:
            honcho.send_signal(signal.SIGTERM)
            reader.join(timeout=30)


def _work(run: Steps, database_url: str, workers: int) -> None:
    """Run the Procfile's workers; pause and resume the job in the middle, and stop them when it has ended."""
    title = f"{workers} workers under the Procfile; the job is paused and resumed in the middle"
    with run.start(title, script("honcho"), "--no-colour", "start", "-c", f"worker={workers}", "worker") as honcho:
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
