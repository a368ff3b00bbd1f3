"""The toolkit as a contender: its own commands, with their defaults, timed from outside and by its ledger."""

import json
import re
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass

from benchmarks import commands, sql
from benchmarks.arena import SECONDS_A_RECORD, Site, ready
from benchmarks.commands import Command, Outcome

KILLMAILS = "backfill.examples.killmails:KillmailValues"
PLAIN_IDS = "benchmarks.definitions:PlainIds"
PEOPLE = "backfill.examples.names:NormalisedNames"
ORDER_LINES = "benchmarks.definitions:OrderLines"
PRICES = "backfill.examples.prices:MarketPrices"
EMBEDDINGS = "backfill.examples.embeddings:JobEmbeddings"


NOTHING: AbstractContextManager[None] = nullcontext()


@dataclass(frozen=True)
class Worked:
    """What one or more workers did with a queued job."""

    seconds: float  # from the first delivery to the last commit
    wall_seconds: float  # from the start of the processes to the end of the last
    peak_bytes: int  # of the largest process


def queue(site: Site, app: str, records: int, *flags: str, mode: str | None = "null") -> tuple[float, Outcome]:
    """Queue everything; returns the ids a second that `backfill-queue` prints, and what was seen from outside."""
    outcome = commands.run(
        [commands.script("backfill-queue"), "--app", app, *([f"--mode={mode}"] if mode else []), *flags],
        site.environment,
        deadline=120 + records * SECONDS_A_RECORD,
    )
    printed = re.search(r"Queued ([\d,]+) records .* ([\d,]+)/sec", outcome.output)
    assert printed, outcome.output
    assert _number(printed[1]) == records, outcome.output
    return _number(printed[2]), outcome


def work(
    site: Site,
    app: str,
    records: int,
    *flags: str,
    workers: int = 1,
    prefetch: int | None = None,
    slots: int | None = None,
    mode: str | None = "null",
    beside: AbstractContextManager[None] = NOTHING,
) -> Worked:
    """Queue all records, with flags for that, then let the workers do them; they start when everything is queued.

    What goes on beside them starts before they do, and ends after them.
    """
    queue(site, app, records, *flags, mode=mode)
    ready(site)
    deadline = 120 + records * SECONDS_A_RECORD
    command = [commands.script("backfill-worker"), "--app", app, "--burst"]
    if prefetch is not None:
        command.append(f"--prefetch={prefetch}")
    if slots is not None:
        command.append(f"--concurrency={slots}")
    with beside, ExitStack() as stack:
        started = [stack.enter_context(Command(command, site.environment)) for _ in range(workers)]
        outcomes = [command.wait(deadline) for command in started]
    return Worked(
        _seconds(site, records),
        max(outcome.seconds for outcome in outcomes),
        max(outcome.peak_bytes for outcome in outcomes),
    )


def run(site: Site, app: str, records: int, *flags: str) -> Worked:
    """Plan and work on all records in one process that knows of no broker."""
    ready(site)
    environment = {name: value for name, value in site.environment.items() if not name.startswith("RABBITMQ")}
    outcome = commands.run(
        [commands.script("backfill"), "run", "--app", app, "--mode=null", *flags],
        environment,
        deadline=120 + records * SECONDS_A_RECORD,
    )
    return Worked(_seconds(site, records), outcome.seconds, outcome.peak_bytes)


def _seconds(site: Site, records: int) -> float:
    """From the first claim to the last completion by the ledger, which the worker's own summary repeats, rounded.

    Fails unless every record is accounted for.
    """
    row = sql.row(
        site.database_url,
        """SELECT extract(epoch FROM max(completed_at) - min(started_at))::float8 AS seconds,
                  sum(records_updated + records_skipped) AS records, bool_and(state <> 'failed') AS good,
                  (SELECT json_agg(state) FROM backfill_jobs)::text AS jobs
           FROM backfill_partitions""",
    )
    assert row["records"] == records, f"{row['records']} of {records} records were done"
    assert row["good"], "partitions failed"
    assert json.loads(row["jobs"]) == ["completed"], row["jobs"]
    return float(row["seconds"])


def _number(text: str) -> float:
    return float(text.replace(",", ""))
