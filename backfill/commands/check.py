"""`backfill check`: what of a definition is right for this database, what is wrong, and a sample that is not kept."""

import sys
from typing import TYPE_CHECKING, Any

import click

from backfill import application, door, parameters
from backfill.commands.table import print_table
from backfill.console import app_option, json_option, print_json, read_settings, reporting
from backfill.errors import BackfillError, SchemaError, UsageError
from backfill.eventloop import run
from backfill.modes import MOST_OF_A_BATCH, Mode
from backfill.runner import ledger

if TYPE_CHECKING:
    from backfill.api.findings import Checked
    from backfill.definition import Definition
    from backfill.settings import Settings


@click.command(
    epilog="""\b
Exit codes: 0 all right, warnings or not, 6 something would stop a job.

\b
Examples:
  backfill check killmail_values
  backfill check killmail_values --sample 100 --mode=all"""
)
@click.argument("name", required=False)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=None,
    help="Which records to count and to try.  [default: the definition's]",
)
@click.option(
    "--sample",
    type=click.IntRange(0, MOST_OF_A_BATCH),
    metavar="N",
    help="Try so many records, half of them with the lowest keys, and roll back; 0 for none.  [default: 20; none of "
    "an async function or a PartitionBackfill, which call the outside]",
)
@click.option("-P", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable.")
@app_option
@json_option
def check(
    name: str | None, mode: str | None, sample: int | None, pairs: tuple[str, ...], app: str | None, as_json: bool
) -> None:
    """Hold backfill NAME, or all of the app, against the database; nothing is written, and no broker is needed.

    Sampled records are loaded, computed and written as a worker would, in a transaction that is rolled back. What a
    trigger does outside of the database, and what it takes from a sequence, is not rolled back.
    """
    with reporting():
        settings = read_settings(app=app)
        found = application.load(settings.app)
        if name is None and pairs and len(found) > 1:
            raise UsageError(f"-P is for one backfill; name one of: {', '.join(found)}")
        chosen = [application.pick(found, name)] if name else list(found.values())
        rivals = application.rivals(found, name)
        checked = run(_checked(settings, chosen, Mode(mode) if mode else None, sample, pairs))
        if as_json:
            print_json({"rivals": rivals, "checks": [one.as_json() for one in checked]})
        else:
            for one in checked:
                _print(one)
            for sentence in rivals:
                door.line(f"warning: {sentence}")
    sys.exit(SchemaError.exit_code if any(one.wrong for one in checked) else 0)


async def _checked(
    settings: "Settings", chosen: "list[Definition]", mode: Mode | None, sample: int | None, pairs: Any
) -> "list[Checked]":
    # The network libraries are not loaded for --help.
    from backfill.api.checking import check as look
    from backfill.api.findings import Checked

    found = []
    async with ledger(settings, "check") as connection:
        for definition in chosen:
            try:
                given = parameters.given(definition, pairs)
            except BackfillError as error:
                if pairs:
                    raise
                found.append(Checked(definition.name, "not looked at"))
                found[-1].refuse("parameters", str(error))
            else:
                found.append(await look(settings, connection, given, mode=mode, sample=sample))
    return found


def _print(checked: "Checked") -> None:
    door.line(f"{checked.name}: {checked.title}")
    for one in checked.findings:
        door.line(f"  {one.state.value:<7}  {one.what:<10}  {one.text}")
    if checked.records:
        print_table(("record", "outcome", *checked.columns, "reason"), list(checked.rows()))
    wrong, warnings = len(checked.wrong), len(checked.warnings)
    verdict = f"{wrong} would stop a job" if wrong else "nothing would stop a job"
    door.line(f"{checked.name}: {verdict}; {warnings} warning{'' if warnings == 1 else 's'}")
