"""`backfill demo`: everything once, on private services and made-up killmails, and nothing left behind."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from backfill import runner
from backfill.commands.stage import stage
from backfill.console import reporting
from backfill.errors import BackfillError, UsageError

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress

EXAMPLE: Final = "backfill.examples.killmails"
STEP_SECONDS: Final = 300


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
        if not Path(_script("honcho")).is_file():
            raise UsageError("the demo needs honcho: pip install 'backfill-toolkit[services]'")
        with stage(f"{EXAMPLE}:KillmailValues") as environment:
            run = _Steps(environment)
            run("Tables and ledger", sys.executable, "-m", EXAMPLE, "schema")
            run(f"{killmails:,} killmails", sys.executable, "-m", EXAMPLE, "generate", "--killmails", str(killmails))
            run("", _script("backfill"), "init")
            run("Queue", _script("backfill-queue"), "--mode=null")
            _work(run, environment["DATABASE_URL"], workers)
            run("Progress as the ledger has it", _script("backfill"), "status", "latest")
            run("Verdict from SQL", sys.executable, "-m", EXAMPLE, "verify")
            click.echo(f"\nDone in {time.monotonic() - began:.1f} s; stopping what was started.")


class _Steps:
    """Runs one command after another and shows each as a person would type it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def start(self, title: str, *command: str) -> "subprocess.Popen[str]":
        if title:
            click.echo(f"\n== {title}")
        click.echo(f"$ {' '.join([Path(command[0]).name, *command[1:]])}")
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )

    def __call__(self, title: str, *command: str) -> None:
        with self.start(title, *command) as process:
            try:
                show(process)
                code = process.wait(timeout=STEP_SECONDS)
            except BaseException:
                process.terminate()
                raise
            if code:
                raise BackfillError(f"{Path(command[0]).name} ended with exit code {code}; see above")


def show(process: "subprocess.Popen[str]") -> None:
    """Print a command's lines as they come; of the many batches every fiftieth."""
    for line in process.stdout or ():
        batch = line.startswith("Queued batch") and int(line.split()[2].replace(",", ""))
        if not (batch and batch % 50):
            click.echo(f"  {line.rstrip()}")


def _work(run: _Steps, database_url: str, workers: int) -> None:
    """Run the Procfile's workers; pause and resume the job in the middle, and stop them when it has ended."""
    title = f"{workers} workers under the Procfile; the job is paused and resumed in the middle"
    with run.start(title, _script("honcho"), "--no-colour", "start", "-c", f"worker={workers}") as honcho:
        reader = threading.Thread(target=show, args=(honcho,), name="honcho")
        reader.start()
        try:
            runner.run(_operate(database_url))
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
            click.echo(f"  $ backfill pause latest\n    {done.text} {now.done:,} of {now.matched:,} records are done.")
            done = await operations.resume(connection, job, actor="demo")
            click.echo(f"  $ backfill resume latest\n    {done.text}")
        await until(lambda now: now.completed_at is not None)


def _script(name: str) -> str:
    """A command of the same environment as this one."""
    return str(Path(sys.executable).parent / name)
