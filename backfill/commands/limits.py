"""`backfill limits`: how often services may be called, how often they were, which of them rest; and how to end that."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.table import print_table
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger

if TYPE_CHECKING:
    from backfill.database import Connection
    from backfill.ledger.jobs import Row

COLUMNS = ("name", "rate", "allowed now", "under way", "held until", "reason", "calls", "refused")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def limits(context: click.Context, as_json: bool) -> None:
    """List limits on calls: what definitions say, what is allowed now, rests and counts since the first call.

    A limit that no definition declares is there once its service has refused a call.
    """
    if context.invoked_subcommand:
        if as_json:
            raise click.UsageError(f"write --json behind {context.invoked_subcommand}")
        return
    with reporting():
        from backfill.ledger import limits as ledger

        found = [dict(row) for row in on_ledger("limits", ledger.listed)]
        if as_json:
            print_json({"limits": found})
        elif not found:
            door.line("No limit: no call was made under one.")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


@limits.command(short_help="Let a limit go that rests.")
@click.argument("name", metavar="LIMIT")
@click.option("--reason", default="", help="Why, for the events of the job whose call was refused.")
@json_option
def release(name: str, reason: str, as_json: bool) -> None:
    """Let LIMIT go that rests: workers call again within seconds, at the rate that is allowed now.

    For a service that has asked for longer than it needs. If it refuses again, all workers rest again.
    """
    with reporting():
        from backfill.ledger import limits as ledger

        async def work(connection: "Connection") -> "Row | None":
            return await ledger.release(connection, name, actor=actor(), reason=reason)

        found = on_ledger("limits release", work)
        text = f"Limit {name} does not rest."
        if found is not None:
            until, why = _moment(found["held_until"]), found["held_reason"]
            text = f"Limit {name} rests no longer; it would have until {until} UTC: {why}"
        if as_json:
            print_json({"limit": name, "changed": found is not None, "text": text})
        else:
            door.line(text)


def _row(one: dict[str, Any]) -> list[str]:
    most = "" if one["concurrency"] is None else f" of {one['concurrency']:,}"
    return [
        one["name"],
        _rate(one["rate"]),
        _rate(one["allowed_rate"]),
        f"{one['permits']:,}{most}" if most else "-",
        _moment(one["held_until"]),
        one["held_reason"] or "-",
        f"{one['calls']:,}",
        f"{one['refusals']:,}",
    ]


def _rate(rate: float | None) -> str:
    return "any" if rate is None else f"{rate:,.4g}/s" if rate < 100 else f"{rate:,.0f}/s"


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
