"""`backfill pause`, `resume`, `cancel` and `reset-stuck`: change the course of one job or of many."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.selection import select, selecting
from backfill.console import json_option, note, print_json, reporting
from backfill.errors import BackfillError
from backfill.runner import on_ledger
from backfill.states import ACTIVE, CLAIMABLE, JobState, PauseCause

if TYPE_CHECKING:
    from uuid import UUID

    from backfill.database import Connection

Operation = Callable[["Connection", "UUID"], Awaitable[dict[str, Any]]]


@click.command()
@selecting
@click.option("--reason", default="", help="Why, for the job's events.")
@json_option
def pause(job: str | None, reason: str, as_json: bool, **selection: Any) -> None:
    """Pause JOB: no partition starts once this returns; those in hand finish.

    With --all, every job of which partitions could start; `resume --all` brings back exactly those.
    """
    from backfill.ledger import operations

    async def operation(connection: "Connection", one: "UUID") -> dict[str, Any]:
        return (
            await operations.pause(connection, one, actor=actor(), reason=reason, with_others=selection["every"])
        ).as_json()

    _apply("pause", job, sorted(CLAIMABLE), operation, as_json, **selection)


@click.command()
@selecting
@click.option("--reason", default="", help="Why, for the job's events.")
@click.option("--accept-definition", is_flag=True, help="Go on with the definition that workers have now.")
@json_option
def resume(job: str | None, reason: str, accept_definition: bool, as_json: bool, **selection: Any) -> None:
    """Let paused JOB go on; no completed partition is done again.

    With --all, those that `pause --all` paused; with --state=paused also those that were paused one by one.
    """
    from backfill.ledger import operations

    async def operation(connection: "Connection", one: "UUID") -> dict[str, Any]:
        done = await operations.resume(
            connection, one, actor=actor(), reason=reason, accept_definition=accept_definition
        )
        return done.as_json()

    _apply("resume", job, [JobState.PAUSED], operation, as_json, cause=PauseCause.ALL, **selection)


@click.command()
@selecting
@click.option("--reason", default="", help="Why, for the job's events.")
@json_option
def cancel(job: str | None, reason: str, as_json: bool, **selection: Any) -> None:
    """Give JOB up: nothing starts afterwards, and its messages vanish as workers meet them, or by `backfill purge`."""
    from backfill.ledger import operations

    async def operation(connection: "Connection", one: "UUID") -> dict[str, Any]:
        return (await operations.cancel(connection, one, actor=actor(), reason=reason)).as_json()

    _apply("cancel", job, sorted(ACTIVE), operation, as_json, **selection)


@click.command("reset-stuck")
@selecting
@click.option("--force", is_flag=True, help="Take partitions from live workers too; what they hold is fenced out.")
@json_option
def reset_stuck(job: str | None, force: bool, as_json: bool, **selection: Any) -> None:
    """Take partitions back from workers that have gone, and queue what is pending again."""
    from backfill.ledger import operations

    async def operation(connection: "Connection", one: "UUID") -> dict[str, Any]:
        taken, again = await operations.reset_stuck(connection, one, actor=actor(), force=force)
        text = f"Job {one}: {taken:,} partitions taken back, {again:,} messages will be published again."
        return {"job": str(one), "partitions": taken, "republished": again, "text": text}

    _apply("reset-stuck", job, sorted(ACTIVE), operation, as_json, **selection)


def _apply(
    verb: str, job: str | None, states: list[JobState], operation: Operation, as_json: bool, **selection: Any
) -> None:
    """Do it to each selected job; of many, those that cannot be changed are reported and the others done."""
    with reporting():
        refused: list[BackfillError] = []

        async def work(connection: "Connection") -> list[dict[str, Any]]:
            selected = await select(connection, job, verb=verb, states=states, **selection)
            results = []
            for one in selected:
                try:
                    results.append(await operation(connection, one))
                except BackfillError as error:
                    if len(selected) == 1:
                        raise
                    note(f"error: {error}")
                    refused.append(error)
                    told = {"text": str(error), "exit_code": error.exit_code}
                    results.append({"job": str(one), "changed": False, "error": told})
            return results

        results = on_ledger(verb, work)
        if as_json:
            print_json({"jobs": results})
        else:
            for result in results:
                if "text" in result:
                    door.line(result["text"])
        if refused:
            sys.exit(refused[0].exit_code)
