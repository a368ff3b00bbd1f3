"""`backfill wait`: until a job has ended; the exit code tells how."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from backfill import door
from backfill.commands.looking import look
from backfill.commands.report import how_to_go_on, lines
from backfill.commands.selection import Duration
from backfill.console import json_option, note, print_json, read_settings, reporting
from backfill.errors import FailedError, GivenUpError, HaltedError, NotEndedError
from backfill.eventloop import run
from backfill.states import ENDED, JobState
from backfill.texts import one_line

if TYPE_CHECKING:
    import asyncpg

    from backfill.ledger.progress import Progress

POLL_SECONDS: Final = 0.5


@click.command(
    epilog="""\b
Exit codes: 0 completed, 7 failed or completed with failed records, 8 cancelled, 9 paused until its definition or
table is corrected, 75 not ended in time."""
)
@click.argument("job", default="latest")
@click.option("--timeout", type=Duration(), metavar="TIME", help="Wait at most so long, such as 90s, 10m, 2h.")
@json_option
def wait(job: str, timeout: float | None, as_json: bool) -> None:
    """Wait until JOB has ended, or cannot go on before somebody corrects its definition or table."""
    with reporting():
        from backfill.ledger import progress

        async def until_ended() -> "Progress":
            until = asyncio.get_running_loop().time() + (timeout if timeout is not None else float("inf"))
            found: list[Progress] = []
            is_told = False

            async def see(connection: "asyncpg.Connection[Any]", one: UUID) -> float | None:
                nonlocal is_told
                now = await progress.read(connection, one)
                found[:] = [now]
                if now.state in ENDED or now.needs_correction:
                    return None
                if now.state is JobState.PAUSED and not is_told:
                    why = f" ({one_line(now.pause_reason)})" if now.pause_reason else ""
                    note(f"job {now.job_id} is paused by {now.paused_by}{why}; {how_to_go_on(now)}")
                is_told = now.state is JobState.PAUSED
                left = until - asyncio.get_running_loop().time()
                return min(POLL_SECONDS, left) if left > 0 else None

            await look(read_settings(), "wait", job, see, until)
            return found[0]

        now = run(until_ended())
        if as_json:
            print_json(now.as_json())
        else:
            for line in lines(now):
                door.line(line)
    sys.exit(exit_code(now))


def exit_code(now: "Progress") -> int:
    """How a job stands, for scripts."""
    if now.needs_correction:
        return HaltedError.exit_code
    if now.state not in ENDED:
        return NotEndedError.exit_code
    if now.state is JobState.CANCELLED:
        return GivenUpError.exit_code
    return FailedError.exit_code if now.state is JobState.FAILED or now.failed else 0
