"""`backfill-queue`: open a job and queue its records."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from backfill import __version__, application, log, parameters
from backfill.console import (
    EXIT_CODES,
    app_option,
    json_option,
    log_format_option,
    print_json,
    read_settings,
    reporting,
)
from backfill.invocation import SettingsCommand, given
from backfill.modes import MOST_IDS, MOST_OF_A_BATCH, Mode, Priority

if TYPE_CHECKING:
    from backfill.producers.parts import Parts
    from backfill.producers.screen import Screen
    from backfill.settings import Settings


@click.command(
    cls=SettingsCommand,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES
    + """

\b
Examples:
  backfill-queue --mode=zero --limit=5000
  backfill-queue killmail_values --mode=null --dry-run
  backfill-queue --resume latest""",
)
@click.argument("name", required=False)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=None,
    help="Which records: target IS NULL, target = 0, or every one.  [default: null; of a PartitionBackfill all]",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many records, exactly.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, MOST_OF_A_BATCH),
    help="Records a message and transaction.  [default: 500; of a PartitionBackfill its own]",
)
@click.option(
    "--priority",
    type=click.Choice([priority.value for priority in Priority]),
    default="normal",
    show_default=True,
    help="Which of the three queues.",
)
@click.option("--order", type=click.Choice(["asc", "desc"]), default="asc", show_default=True, help="Order of keys.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Just this record, if the mode selects it; repeatable.")
@click.option("--after", metavar="KEY", help="Only records behind this one, in the order of keys.")
@click.option(
    "-P",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the definition, kept with the job; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Show counts, predicate and query plan; write and publish nothing.")
@click.option("--idempotency-key", metavar="KEY", help="Open one job a key: the same call again goes on with it.")
@click.option(
    "--resume",
    metavar="JOB",
    help="Go on with a job whose queueing ended early: an id, its beginning, or latest.",
)
@app_option
@json_option
@log_format_option
@click.version_option(__version__, package_name="backfill-toolkit")
def main(
    name: str | None,
    resume: str | None,
    mode: str | None,
    app: str | None,
    as_json: bool,
    log_format: str | None,
    **options: Any,
) -> None:
    """Open a job for backfill NAME and queue its records, batch by batch.

    NAME may be left out when the app has one backfill. Every batch is in the ledger before it is published; killed
    at any point, `--resume` goes on where it was.
    """
    if resume and (beside := given() - {"--resume", "--app", "--json", "--log-format"}):
        raise click.UsageError(f"--resume goes on with the job as it was opened; leave out {', '.join(sorted(beside))}")
    if len(options["ids"]) > MOST_IDS:
        raise click.UsageError(f"at most {MOST_IDS:,} --id; leave them out and give a --limit instead")
    with reporting():
        # The network libraries are not loaded for --help.
        from backfill.ledger.jobs import Request
        from backfill.producers import queueing, resumption
        from backfill.producers.screen import Screen

        settings = read_settings(app=app, log_format=log_format)
        log.use(settings.log, settings.log_format)
        definitions = application.load(settings.app)
        with Screen(silent=as_json) as screen:
            if resume:
                result = _run(lambda parts: resumption.resume(parts, resume, definitions), settings, screen)
            else:
                definition = parameters.given(application.pick(definitions, name), options["pairs"])
                request = Request(
                    Mode(mode) if mode else definition.mode,
                    Priority(options["priority"]),
                    options["order"],
                    options["batch_size"] or definition.batch_size,
                    options["limit"],
                    options["ids"],
                    options["after"],
                    options["idempotency_key"],
                )
                for sentence in application.rivals(definitions, definition.name):
                    screen.warn(sentence)
                work = queueing.dry_run if options["dry_run"] else queueing.queue
                result = _run(lambda parts: work(parts, definition, request), settings, screen)
    if as_json:
        print_json(result)


def _run(
    work: "Callable[[Parts], Awaitable[dict[str, Any]]]", settings: "Settings", screen: "Screen"
) -> dict[str, Any]:
    """Do it to its end; SIGTERM ends it as Ctrl-C does, so that it gives back what it holds."""
    from backfill.producers.parts import built

    async def obeying() -> dict[str, Any]:
        task = asyncio.current_task()
        if task is not None and threading.current_thread() is threading.main_thread():  # it alone hears signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with built(settings, screen) as parts:
            return await work(parts)

    return asyncio.run(obeying())
