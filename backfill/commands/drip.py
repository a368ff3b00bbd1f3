"""`backfill drip`: let a server work off so many records, again and again, from wherever its address can be reached."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from backfill import door
from backfill.commands.selection import Duration
from backfill.console import json_option, note, print_json, reporting
from backfill.errors import FailedError, UnreachableError, UsageError
from backfill.remote import Server
from backfill.states import OUTCOMES
from backfill.texts import clean

MOST_OF_A_TOKEN: Final = 1_000


@click.command(
    epilog="""\b
Exit codes: 0 done, 2 wrong call or token, 5 the server did not answer the last call, 6 a table, a right
or the ledger is not as it must be, 7 records failed.

\b
Examples:
  backfill drip http://127.0.0.1:8321 --times 20 --every 60s
  */5 * * * *  BACKFILL_TOKEN_FILE=/etc/backfill/token backfill drip https://backfill.example --limit 200"""
)
@click.argument("url")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Records a call, at most."
)
@click.option("--times", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="How many calls.")
@click.option(
    "--every", type=Duration(), default="60s", show_default=True, metavar="TIME", help="From one call to the next."
)
@click.option("--backfill", "backfill", metavar="NAME", help="Only jobs of this backfill.")
@json_option
def drip(url: str, limit: int, times: int, every: float, backfill: str | None, as_json: bool) -> None:
    """Let the server at URL work off up to so many records a call, and say what became of them.

    It needs no database, broker or definition here. Its token is in BACKFILL_TOKEN, or in the file that
    BACKFILL_TOKEN_FILE names. A call that the server does not answer is made again when the next one is due.
    """
    with reporting():
        server = Server(url, _token(), note)
        failed, away = 0, None
        for number in range(1, times + 1):
            began = time.monotonic()
            try:
                answer, away = server.process(limit, backfill), None
            except UnreachableError as error:
                away = error
                if number < times:
                    note(f"call {number} of {times}: {error}; goes on in time for the next one")
            else:
                failed += answer["failed"]
                print_json({"call": number, **answer}) if as_json else door.line(_line(number, times, answer))
                sys.stdout.flush()
            if number < times:
                time.sleep(max(0.0, began + every - time.monotonic()))
        if away is not None:
            raise away
        if failed:
            raise FailedError(f"{failed:,} records failed; see: backfill failures")


def _line(number: int, times: int, answer: dict[str, Any]) -> str:
    counts = ", ".join(f"{answer[outcome]:,} {outcome}" for outcome in OUTCOMES if answer[outcome])
    done = f"Processed {answer['processed']:,} records" + (f" ({counts})" if counts else "")
    return f"[{number}/{times}] {done}; {answer['remaining']:,} remaining"


def _token() -> str:
    """The token, or an empty text; raises UsageError for one that cannot be read or sent."""
    token, file = os.environ.get("BACKFILL_TOKEN", ""), os.environ.get("BACKFILL_TOKEN_FILE", "")
    if not token and file:
        try:
            with Path(file).open() as lines:
                token = lines.read(MOST_OF_A_TOKEN + 1)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"BACKFILL_TOKEN_FILE={clean(file, 200)} cannot be read ({type(error).__name__})"
            ) from None
    token = token.strip()
    if len(token) > MOST_OF_A_TOKEN or not (token.isascii() and token.isprintable()):
        raise UsageError("the token is none that `backfill token create` prints; correct BACKFILL_TOKEN")
    return token
