"""`backfill token`: who may look and steer over HTTP."""

from typing import TYPE_CHECKING, Any, Final

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.table import print_table
from backfill.console import json_option, note, print_json, reporting
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg

COLUMNS: Final = ("name", "role", "state", "created", "by", "expires", "last used")
DAY_SECONDS: Final = 86_400


@click.group()
def token() -> None:
    """Make, list and revoke tokens for the HTTP API and its page (backfill serve)."""


@token.command(
    epilog="""\b
Examples:
  backfill token create grafana
  backfill token create ada --role=operate --expires=90"""
)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["read", "operate"]),
    default="read",
    show_default=True,
    help="read looks; operate opens jobs and steers them too.",
)
@click.option(
    "--expires", type=click.FloatRange(0.001, 36_500), metavar="DAYS", help="Good for so long.  [default: for ever]"
)
@json_option
def create(name: str, role: str, expires: float | None, as_json: bool) -> None:
    """Make a token for NAME and print it, once: the ledger keeps what tells it from others, not itself.

    NAME stands beside what is done with it, as token:NAME.
    """
    with reporting():
        from backfill.ledger import tokens

        seconds = None if expires is None else expires * DAY_SECONDS

        async def work(connection: "asyncpg.Connection[Any]") -> tuple[dict[str, Any], str]:
            row, made = await tokens.create(connection, name, role, actor=actor(), seconds=seconds)
            return dict(row), made

        row, made = on_ledger("token create", work)
        if as_json:
            print_json({**row, "token": made})
            return
        door.line(made)
        until = f", until {row['expires_at']:%Y-%m-%d %H:%M} UTC" if row["expires_at"] else ""
        note(f"The token of {name}, who may {role}{until}. It is shown this once; keep it where secrets are kept.")


@token.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """List tokens, those in force first: role, who made each, until when it is good and when it was used last."""
    with reporting():
        from backfill.ledger import tokens

        found = on_ledger("token list", lambda connection: tokens.listed(connection, limit))
        if as_json:
            print_json({"tokens": found})
        elif not found:
            door.line("No token; make one with: backfill token create NAME")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


@token.command()
@click.argument("name")
@json_option
def revoke(name: str, as_json: bool) -> None:
    """Let the token of NAME be good for nothing: servers refuse it, and end its sessions, within seconds."""
    with reporting():
        from backfill.ledger import tokens

        on_ledger("token revoke", lambda connection: tokens.revoke(connection, name, actor=actor()))
        if as_json:
            print_json({"name": name, "revoked": True})
        else:
            door.line(f"Revoked the token of {name}; servers refuse it within seconds.")


def _row(one: dict[str, Any]) -> list[str]:
    def day(name: str) -> str:
        return f"{one[name]:%Y-%m-%d %H:%M}" if one[name] else "-"

    return [
        one["name"],
        one["role"],
        one["state"],
        day("created_at"),
        one["created_by"],
        day("expires_at"),
        day("last_used_at"),
    ]
