"""`backfill run`: plan a job and work on it in one process, without a broker."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from backfill import application, log, parameters, requesting
from backfill.commands.live import Live
from backfill.commands.report import lines
from backfill.commands.runs import Runs, StoppedError
from backfill.commands.wait import exit_code
from backfill.console import app_option, json_option, log_format_option, note, print_json, read_settings, reporting
from backfill.errors import ConflictError, NotEndedError
from backfill.eventloop import run
from backfill.requesting import chain_options, need_fitting, opening_options, passes_option, records_options, unmet
from backfill.runner import checked
from backfill.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from backfill.api.running import Ran
    from backfill.definition import Definition
    from backfill.ledger.jobs import Request
    from backfill.ledger.progress import Progress
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
@chain_options
@passes_option
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

    definitions = application.load(settings.app)
    if resume:
        async with checked(settings, "run") as connection:
            job_id, backfill = await planning.need_open(connection, resume)
        if name not in (None, backfill):
            raise ConflictError(f"job {job_id} is for {backfill!r}, not for {name!r}")
        if backfill not in definitions:
            has = ", ".join(definitions)
            raise ConflictError(f"job {job_id} is for {backfill!r}, which the app does not have; it has: {has}")
        definition = definitions[backfill]
        runs = Runs(settings, live, identity, concurrency=options["concurrency"])
        return _told(await runs.work(definition, planning.rest_of(job_id, definition)), runs, live, as_json=as_json)
    definition = parameters.given(application.pick(definitions, name), options["pairs"])
    request = requesting.request(definition, options)
    for sentence in application.rivals(definitions, definition.name):
        live.warn(sentence)
    if options["dry_run"]:
        found = await planning.dry_run(settings, definition, request, live)
        if as_json:
            print_json(found)
        return 0
    runs = Runs(settings, live, identity, concurrency=options["concurrency"])
    return await _opened(settings, live, runs, definitions, definition, request, options, as_json=as_json)


async def _opened(
    settings: "Settings",
    live: Live,
    runs: Runs,
    app: "dict[str, Definition]",
    definition: "Definition",
    request: "Request",
    options: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    """Open a job and work on it, after those of what it requires."""
    from backfill.api import planning
    from backfill.api.chain import Chain, Met
    from backfill.api.passes import Passes, Series

    async def opening(required: "Definition", wanted: "Request", met: Met) -> bool:
        ran = await runs.to_its_end(required, planning.whole(required, wanted, met=met))
        if ran.progress is not None and not as_json:
            for line in lines(ran.progress):
                live.say(line)
        return ran.progress is not None

    async def work(met: Met) -> "Ran":
        return await runs.work(definition, planning.whole(definition, request, met=met))

    async def one(series: Series) -> "Progress | None":
        def planned(met: Met) -> "Awaitable[Ran]":
            return runs.to_its_end(definition, planning.whole(definition, request, met=met, series=series))

        return (await chain.first(planned)).progress

    chain = Chain(settings, live, app, unmet(options), opening)
    try:
        if options["until_complete"]:
            passes = Passes(settings, live, definition, request, "backfill run")
            try:
                found, code = await passes.run(one)
            except StoppedError:
                live.note(f"the passes go on with: {passes.again}")
                raise
            if as_json:
                print_json(found)
            return code
        ran = await chain.first(work)
    except StoppedError as stopped:
        ran = stopped.ran
    except asyncio.CancelledError:
        if not runs.number:
            raise
        return 128 + runs.number
    return _told(ran, runs, live, as_json=as_json)


def _told(ran: "Ran", runs: Runs, live: Live, *, as_json: bool) -> int:
    now, number = ran.progress, runs.number
    runs.end()
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
