"""`backfill run`: plan a job and work on it in one process, without a broker."""

import gc
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from backfill import application, log, parameters, requesting
from backfill.commands.live import Live
from backfill.commands.report import lines
from backfill.commands.wait import exit_code
from backfill.console import app_option, json_option, log_format_option, note, print_json, read_settings, reporting
from backfill.errors import BackfillError, ConflictError, NotEndedError
from backfill.requesting import need_fitting, opening_options, records_options
from backfill.runner import checked, run
from backfill.states import ENDED

if TYPE_CHECKING:
    from backfill.api.running import Ran, Run
    from backfill.settings import Settings


@click.command(
    name="run",
    epilog="""\b
Exit codes: 0 completed, 7 failed or completed with failed records, 8 cancelled, 9 paused until its definition or
table is corrected, 75 asked to stop by `backfill workers stop`.

\b
Examples:
  backfill run killmail_values --mode=null
  backfill run --resume latest""",
)
@click.argument("name", required=False)
@records_options(a_batch="transaction")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=3, show_default=True, help="Partitions worked on at once."
)
@opening_options(dry="write", resumed="that has not ended")
@app_option
@json_option
@log_format_option
def run_(
    name: str | None, resume: str | None, app: str | None, as_json: bool, log_format: str | None, **options: Any
) -> None:
    """Plan a job for backfill NAME and work on it, in this process and without RabbitMQ.

    The ledger is the same, and so are the promises. Killed at any point, `--resume` goes on, and so do workers with a
    broker. SIGTERM and SIGINT finish the partitions in hand; a second signal ends at once and loses nothing.
    """
    need_fitting(resume, options, "--concurrency")
    with reporting():
        settings = read_settings(app=app, log_format=log_format)
        identity = uuid4()
        log.use(settings.log, settings.log_format, identity)
        with Live(silent=as_json) as live:
            code = run(_work(settings, live, identity, name, resume, as_json, **options))
    sys.exit(code)


async def _work(
    settings: "Settings", live: Live, identity: Any, name: str | None, resume: str | None, as_json: bool, **options: Any
) -> int:
    # The network libraries are not loaded for --help.
    from backfill.api import planning
    from backfill.api.running import Run

    definitions = application.load(settings.app)
    if resume:
        async with checked(settings, "run") as connection:
            job_id, backfill = await planning.need_open(connection, resume)
        if backfill not in definitions:
            has = ", ".join(definitions)
            raise ConflictError(f"job {job_id} is for {backfill!r}, which the app does not have; it has: {has}")
        definition = definitions[backfill]
        plan = planning.rest_of(job_id, definition)
    else:
        definition = parameters.given(application.pick(definitions, name), options["pairs"])
        request = requesting.request(definition, options)
        for sentence in application.rivals(definitions, definition.name):
            live.warn(sentence)
        if options["dry_run"]:
            found = await planning.dry_run(settings, definition, request, live)
            if as_json:
                print_json(found)
            return 0
        plan = planning.whole(definition, request)
    made = Run(
        settings,
        definition,
        live,
        concurrency=options["concurrency"],
        stats_interval=live.stats_interval,
        ends_process=_is_ours(),
        watcher=live,
        worker=identity,
    )
    number, ran = await _until_ended(made, plan, live)
    return _told(ran, number, live, as_json=as_json)


async def _until_ended(made: "Run", plan: Any, live: Live) -> "tuple[int, Ran]":
    """What it came to, and by which signal it was stopped, if it was."""
    if not _is_ours():
        return 0, await made.work(plan)
    from backfill.api import signals

    # What is loaded stays, and a partition's records live for milliseconds: walking either finds nothing.
    gc.freeze()
    gc.set_threshold(50_000)
    received = signals.obey(made.stop, live.say)
    try:
        with signals.interrupting(made.lookout):
            ran = await made.work(plan)
    except BackfillError as error:
        if made.job is not None and "--resume" not in str(error):
            live.note(f"job {made.job} has not ended; go on with: backfill run --resume {made.job}")
        raise
    # A signal that comes while the interpreter ends must not make a clean exit look like a kill.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)
    return received(), ran


def _is_ours() -> bool:
    """Whether this is a process's main thread, which alone hears signals."""
    return threading.current_thread() is threading.main_thread()


def _told(ran: "Ran", number: int, live: Live, *, as_json: bool) -> int:
    now = ran.progress
    if now is None:
        if number:
            live.note("interrupted; no job was opened")
            return 128 + number
        if as_json:
            print_json(ran.queued)
        return 0
    if as_json:
        print_json(now.as_json())
    else:
        for line in lines(now):
            live.say(line)
    if now.state in ENDED or now.needs_correction:
        return exit_code(now)
    note(f"stopped before job {now.job_id} had ended; go on with: backfill run --resume {now.job_id}")
    return 128 + number if number else NotEndedError.exit_code
