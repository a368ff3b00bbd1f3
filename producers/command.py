"""`backfill-queue`: open a job and queue its records."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backfill import __version__, application, log, parameters, requesting
from backfill.console import (
    EXIT_CODES,
    app_option,
    json_option,
    log_format_option,
    print_json,
    read_settings,
    reporting,
)
from backfill.eventloop import obeying
from backfill.invocation import SettingsCommand
from backfill.modes import Priority
from backfill.requesting import chain_options, need_fitting, opening_options, passes_option, records_options, unmet

if TYPE_CHECKING:
    from backfill.producers.parts import Parts
    from backfill.producers.screen import Screen
    from backfill.settings import Settings

T = TypeVar("T")


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
@records_options(a_batch="message and transaction")
@click.option(
    "--priority",
    type=click.Choice([priority.value for priority in Priority]),
    default="normal",
    show_default=True,
    help="Which of the three queues.",
)
@opening_options(dry="write and publish", resumed="whose queueing ended early")
@chain_options
@passes_option
@app_option
@json_option
@log_format_option
@click.version_option(__version__, package_name="backfill-toolkit")
def main(
    name: str | None,
    resume: str | None,
    app: str | None,
    as_json: bool,
    log_format: str | None,
    **options: Any,
) -> None:
    """Open a job for backfill NAME and queue its records, batch by batch.

    NAME may be left out when the app has one backfill. Every batch is in the ledger before it is published; killed
    at any point, `--resume` goes on where it was.
    """
    need_fitting(resume, options)
    code = 0
    with reporting():
        # The network libraries are not loaded for --help.
        from backfill.producers import queueing, resumption
        from backfill.producers.chained import Chained
        from backfill.producers.screen import Screen

        settings = read_settings(app=app, log_format=log_format)
        log.use(settings.log, settings.log_format)
        definitions = application.load(settings.app)
        with Screen(silent=as_json) as screen:
            if resume:
                result = _run(lambda parts: resumption.resume(parts, resume, definitions, name), settings, screen)
            else:
                definition = parameters.given(application.pick(definitions, name), options["pairs"])
                request = requesting.request(definition, options)
                for sentence in application.rivals(definitions, definition.name):
                    screen.warn(sentence)
                if options["dry_run"]:
                    result = _run(lambda parts: queueing.dry_run(parts, definition, request), settings, screen)
                else:
                    chained = Chained(settings, screen, definitions, unmet(options))
                    if options["until_complete"]:
                        result, code = obeying(chained.pass_after_pass(definition, request))
                    else:
                        result = obeying(chained.queue(definition, request))
    if as_json:
        print_json(result)
    if code:
        sys.exit(code)


def _run(
    work: "Callable[[Parts], Awaitable[dict[str, Any]]]", settings: "Settings", screen: "Screen"
) -> dict[str, Any]:
    from backfill.producers.parts import built

    async def on_parts() -> dict[str, Any]:
        async with built(settings, screen) as parts:
            return await work(parts)

    return obeying(on_parts())
