"""`backfill dead`: look at what could not be done, bring it back, or throw it away."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from backfill import door
from backfill.commands.burial import letters, redriven, refuse_missing, thrown_away
from backfill.commands.selection import confirm
from backfill.commands.table import print_table
from backfill.console import json_option, print_json, read_settings, reporting
from backfill.errors import ConflictError, NotFoundError
from backfill.eventloop import run
from backfill.texts import clean, one_line

if TYPE_CHECKING:
    from backfill.dead import DeadMessage

F = TypeVar("F", bound=Callable[..., Any])

COLUMNS: Final = ("id", "backfill", "job", "partition", "why", "since", "bytes")
MOST_OF_A_REASON: Final = 100

backfill_option = click.option("--backfill", "asset_name", metavar="NAME", help="Only the dead queue of this backfill.")


def choosing(command: F) -> F:
    """Add ID… and the options that choose messages instead."""
    for decorate in (
        backfill_option,
        click.option("--all", "every", is_flag=True, help="All of them."),
        click.option("--job", metavar="JOB", help="Those of this job."),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        command = decorate(command)
    return command


@click.group()
def dead() -> None:
    """Look at the dead queues, bring messages back, or throw them away.

    A dead message is not lost work: the ledger lists the records of a partition that failed, and `backfill retry`
    tries those again. Where another worker or program reads the dead queue, messages that are being looked at are
    hidden from it for that moment.
    """


@dead.command("list")
@backfill_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many a queue.")
@json_option
def list_(asset_name: str | None, limit: int, as_json: bool) -> None:
    """List dead messages, the oldest first: which job and partition, why, since when and how large."""
    with reporting():
        found = run(letters(read_settings(), asset_name, limit))
        if as_json:
            print_json({"messages": [_as_json(one) for one in found]})
        elif not found:
            door.line("No dead messages.")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


@dead.command()
@click.argument("identity", metavar="ID")
@backfill_option
@json_option
def show(identity: str, asset_name: str | None, as_json: bool) -> None:
    """Show dead message ID: its headers and its body, of which --json has all."""
    with reporting():
        found = run(letters(read_settings(), asset_name, None, lambda one: one.id == identity))
        if not found:
            raise NotFoundError(f"no dead message {clean(identity, 100)!r}; see: backfill dead list")
        one = found[0]
        if as_json:
            print_json({**_as_json(one), "headers": one.headers, "body": one.body.decode(errors="backslashreplace")})
            return
        for name, field in zip(COLUMNS, _row(one, sys.maxsize), strict=True):
            door.line(f"{name}: {field}")
        for name, value in one.headers.items():
            door.line(f"header {name}: {value}")
        door.line(one.body.decode(errors="backslashreplace"))


@dead.command(
    epilog="""\b
Exit codes: 0 all were put back, 3 no such message, 4 one of them leads to no work and stays."""
)
@choosing
@json_option
def redrive(ids: tuple[str, ...], job: str | None, every: bool, asset_name: str | None, as_json: bool) -> None:
    """Put dead messages ID…, those of a job, or all back into their work queues, and take them out here.

    Harmless for what is done: a worker that finds nothing to claim drops the message. A partition that has failed stays
    failed; use `backfill retry`, once its job has ended. What cannot be read, or is of a job that the ledger does not
    know, stays: purge it.
    """
    _need_one_choice(ids, job, every)
    with reporting():
        results, missing = run(redriven(read_settings(), ids, job, asset_name))
        if as_json:
            print_json({"messages": results})
        else:
            for result in results:
                door.line(result["text"])
            door.line(f"Put back {sum(one['redriven'] for one in results):,} of {len(results):,} messages.")
        refuse_missing(missing)
    if not all(one["redriven"] for one in results):
        sys.exit(ConflictError.exit_code)


@dead.command()
@choosing
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge(ids: tuple[str, ...], job: str | None, every: bool, asset_name: str | None, yes: bool, as_json: bool) -> None:
    """Throw dead messages ID…, those of a job, or all away; the ledger keeps what failed, and why."""
    _need_one_choice(ids, job, every)
    with reporting():
        if not yes:
            which = (
                f"{len(ids)} dead messages"
                if ids
                else f"the dead messages of job {job}"
                if job
                else "all dead messages"
            )
            confirm(f"throw {which}{f' of {asset_name}' if asset_name else ''} away?")
        results, missing = run(thrown_away(read_settings(), ids, job, asset_name))
        if as_json:
            print_json({"purged": results})
        else:
            for result in results:
                door.line(f"Threw {result['messages']:,} dead messages of {result['backfill']} away.")
        refuse_missing(missing)


def _need_one_choice(ids: tuple[str, ...], job: str | None, every: bool) -> None:
    if sum(map(bool, (ids, job, every))) != 1:
        raise click.UsageError("which messages? give their ids, --job or --all; see: backfill dead list")


def _as_json(one: "DeadMessage") -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name not in ("headers", "body")}


def _row(one: "DeadMessage", most: int = MOST_OF_A_REASON) -> list[str]:
    return [
        one.id,
        one.backfill,
        one.job or "-",
        one.partition or "-",
        one_line(one.why, most),
        f"{one.since:%Y-%m-%d %H:%M:%S}" if one.since else "-",
        f"{one.size:,}",
    ]
