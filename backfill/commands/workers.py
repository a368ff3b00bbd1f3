"""`backfill workers`: who works, on what and for how long; and how to stop them from anywhere."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.report import burden
from backfill.commands.selection import confirm
from backfill.commands.table import print_table
from backfill.console import json_option, note, print_json, reporting
from backfill.runner import on_ledger
from backfill.states import OUTCOMES
from backfill.texts import duration

if TYPE_CHECKING:
    import asyncpg

    from backfill.ledger.workers import Seen

COLUMNS = (
    "id",
    "worker",
    "state",
    "backfills",
    "holds",
    "records",
    "failed",
    "settings",
    "since",
    "heartbeat",
    "takes",
)
SHORT = 8  # characters of an id


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def workers(context: click.Context, as_json: bool) -> None:
    """List workers: where each runs, what it holds and for how long, its counts, settings and heartbeat.

    Those that ended in order are left out; one whose heartbeat is older than its lease is shown as gone, for a day.
    """
    if context.invoked_subcommand:
        if as_json:
            raise click.UsageError(f"write --json behind {context.invoked_subcommand}")
        return
    with reporting():
        from backfill.ledger import workers as seats

        found = on_ledger("workers", seats.listed)
        if as_json:
            print_json({"workers": [asdict(one) for one in found]})
        elif not found:
            door.line("No worker; start one with: backfill-worker")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


@workers.command(
    short_help="Ask workers to finish what they hold and end.",
    epilog="""\b
Examples:
  backfill workers stop 3f2a
  backfill workers stop --all --yes""",
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All workers of the tenant that live.")
@click.option("--yes", is_flag=True, help="Do not ask; needed for --all where nobody can answer.")
@json_option
def stop(ids: tuple[str, ...], every: bool, yes: bool, as_json: bool) -> None:
    """Ask workers ID… (an id, or the beginning of one) to stop, as SIGTERM does.

    They hear it at their next heartbeat (every two seconds), finish what they have in hand, give back
    the rest and end with exit code 0. A supervisor that restarts on exit code 0 will start them again. Workers of an
    older version do not hear it: send them SIGTERM.
    """
    if bool(ids) == every:
        raise click.UsageError("which workers? give their ids, or --all; see: backfill workers")
    with reporting():
        from backfill.ledger import workers as seats

        async def work(connection: "asyncpg.Connection[Any]") -> list[dict[str, Any]]:
            if every:
                selected = [one.id for one in await seats.listed(connection) if one.state != "gone"]
                if selected and not yes:
                    confirm(f"stop {len(selected)} workers?")
            else:
                selected = [await seats.find(connection, one) for one in dict.fromkeys(ids)]
            results = []
            for one in selected:
                lives = await seats.ask_to_stop(connection, one, actor=actor())
                changed, text = lives is not None, seats.ASKED[lives]
                results.append({"worker": str(one), "changed": changed, "text": f"Worker {one} {text}."})
            return results

        results = on_ledger("workers stop", work)
        if as_json:
            print_json({"workers": results})
            return
        for result in results:
            door.line(result["text"])
        if not results:
            note("No worker lives.")
        elif any(result["changed"] for result in results):
            note("They finish what they have in hand; see: backfill workers")


def _row(one: "Seen") -> list[str]:
    holds = ", ".join(f"{hold['job'][:SHORT]}/{hold['partition']} for {hold['seconds']:.0f} s" for hold in one.holds)
    counts = {name: one.counts.get(name, 0) for name in OUTCOMES}
    return [
        str(one.id)[:SHORT],
        f"{one.host}:{one.pid}",
        one.state,
        ", ".join(one.backfills),
        holds or "-",
        f"{sum(counts.values()):,}",
        f"{counts['failed']:,}",
        f"concurrency {one.concurrency}, prefetch {one.prefetch}, lease {one.lease_seconds:g} s",
        f"{one.started_at:%Y-%m-%d %H:%M:%S}",
        f"{duration(one.heartbeat_age_seconds)} ago",
        burden(one.cpu_percent, one.memory_bytes),
    ]
