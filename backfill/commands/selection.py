"""Which jobs an operator means: one by name, or many by state and age, shown before anything happens."""

import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backfill import door
from backfill.console import note
from backfill.errors import UsageError
from backfill.states import JobState, PauseCause

if TYPE_CHECKING:
    from uuid import UUID

    from backfill.database import Connection
    from backfill.ledger.job import Job

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A time such as 90s, 10m, 2h or 1d, in seconds."""

    name = "duration"

    def __init__(self, *, needs_unit: bool = False) -> None:
        self._needs_unit = needs_unit  # where seconds taken for days would do harm

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value))
        if not match:
            self.fail(f"{value!r} is no time; write 90s, 10m, 2h or 1d", param, ctx)
        if self._needs_unit and not match[2]:
            self.fail(f"{value!r} has no unit; write {value}m, {value}h or {value}d", param, ctx)
        return float(match[1]) * UNITS[match[2] or "s"]


def selecting(command: F) -> F:
    """Add JOB and the options that select many jobs instead."""
    for decorate in (
        click.option("--yes", is_flag=True, help="Do not ask; needed for many jobs where nobody can answer."),
        click.option("--stuck-for", type=Duration(), metavar="TIME", help="Only jobs without a heartbeat for so long."),
        click.option("--backfill", "asset_name", metavar="NAME", help="Only jobs of this backfill."),
        click.option(
            "--state", type=click.Choice([state.value for state in JobState]), help="Only jobs in this state."
        ),
        click.option("--all", "every", is_flag=True, help="All jobs that the other options select."),
        click.argument("job", required=False),
    ):
        command = decorate(command)
    return command


async def select(
    connection: "Connection",
    job: str | None,
    *,
    verb: str,
    states: list[JobState],
    every: bool,
    state: str | None,
    asset_name: str | None,
    stuck_for: float | None,
    yes: bool,
    cause: PauseCause | None = None,
) -> "list[UUID]":
    """The jobs that are meant; many are listed and confirmed first. Raises UsageError when it is not clear.

    With a `cause`, `--all` without a state means the jobs that were paused for it.
    """
    from backfill.ledger import jobs

    if job is not None:
        if every or state or stuck_for is not None or asset_name:
            raise UsageError(f"give a JOB, or --all with --state, --backfill or --stuck-for, to {verb}")
        return [await jobs.find(connection, job)]
    if not every and stuck_for is None:
        raise UsageError(f"which job? give an id, the beginning of one or latest; or --all to {verb} many")
    wanted = [state] if state else [one.value for one in states]
    found = await jobs.select(connection, wanted, asset_name, stuck_for)
    meant = [one for one in found if not (every and cause and state is None) or one.pause_cause == cause]
    more = ""
    if others := len(found) - len(meant):
        more = f"{others:,} jobs stay paused: `pause --all` did not pause them; {verb} each, or add --state=paused"
    return show(verb, meant, yes=yes, more=more)


def show(verb: str, jobs: "Sequence[Job]", *, yes: bool, more: str = "") -> "list[UUID]":
    """List many jobs and have them confirmed; returns their ids."""
    for one in jobs:
        note(
            f"{one.id}  {one.backfill}  {one.state.value}  "
            f"{one.completed_partitions:,}/{one.total_partitions:,} partitions"
        )
    if more:
        note(more)
    if not jobs:
        note("No job is selected.")
    elif not yes:
        confirm(f"{verb} {len(jobs)} jobs?")
    return [one.id for one in jobs]


def confirm(question: str) -> None:
    """Ask on a terminal; elsewhere nobody can answer, and --yes is needed."""
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to answer; add --yes")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # an event loop would only note a Ctrl-C
    try:
        is_meant = door.confirmed(question)
    finally:
        signal.signal(signal.SIGINT, before)
    if not is_meant:
        raise UsageError("nothing was done")
