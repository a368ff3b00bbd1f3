"""`backfill limits`: how often services may be called, how often they were, and which of them rest."""

from datetime import datetime
from typing import Any

import click

from backfill.commands.table import print_table
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger
from backfill.texts import one_line

COLUMNS = ("name", "rate", "allowed now", "under way", "held until", "reason", "calls", "refused")


@click.command()
@json_option
def limits(as_json: bool) -> None:
    """List limits on calls: what definitions say, what is allowed now, rests and counts since the first call.

    A limit that no definition declares is there once its service has refused a call.
    """
    with reporting():
        from backfill.ledger import limits as ledger

        found = [dict(row) for row in on_ledger("limits", ledger.listed)]
        if as_json:
            print_json({"limits": found})
        elif not found:
            click.echo("No limit: no call was made under one.")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


def _row(one: dict[str, Any]) -> list[str]:
    most = "" if one["concurrency"] is None else f" of {one['concurrency']:,}"
    return [
        one["name"],
        _rate(one["rate"]),
        _rate(one["allowed_rate"]),
        f"{one['permits']:,}{most}" if most else "-",
        _moment(one["held_until"]),
        one_line(one["held_reason"] or "-"),
        f"{one['calls']:,}",
        f"{one['refusals']:,}",
    ]


def _rate(rate: float | None) -> str:
    return "any" if rate is None else f"{rate:,.4g}/s" if rate < 100 else f"{rate:,.0f}/s"


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
