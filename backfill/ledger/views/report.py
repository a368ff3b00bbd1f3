"""All that a ticket or a chat needs to know of a job, read at one look."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from backfill.database import Connection
from backfill.ledger import progress
from backfill.ledger.progress import Progress
from backfill.ledger.views import checks
from backfill.ledger.views.checks import Health
from backfill.ledger.views.events import event_page
from backfill.ledger.views.failures import Groups, failure_groups
from backfill.ledger.views.milestones import milestones
from backfill.ledger.views.minutes import settings_changes
from backfill.ledger.views.page import Item
from backfill.states import ENDED
from backfill.texts import counted

MINUTES: Final = 60
MOST_EVENTS: Final = 50


@dataclass(frozen=True)
class Report:
    """A job at one moment, with how it came to be there."""

    read_at: datetime
    now: Progress
    rates: list[Item]  # records a second, an hour and a day, of each span that is known
    milestones: list[Item]
    checklist: list[Item]
    failures: Groups
    changes: list[Item]
    minutes: list[Item]
    events: list[Item]  # the newest of them, the oldest first
    is_cut: bool  # there are older ones

    def as_json(self) -> dict[str, Any]:
        """The documented object of `--json`."""
        return {
            "read_at": self.read_at,
            "job": self.now.as_json(),
            "rates": self.rates,
            "milestones": self.milestones,
            "checklist": self.checklist,
            "failures": {name: value for name, value in asdict(self.failures).items() if name != "next_cursor"},
            "changes": self.changes,
            "minutes": self.minutes,
            "events": self.events,
            "events_cut": self.is_cut,
        }


async def report(connection: Connection, job_id: UUID) -> Report:
    """What is known of the job; raises NotFoundError."""
    now = await progress.read(connection, job_id)
    health = await checks.health(connection, job_id, MINUTES)
    events = await event_page(connection, job_id, cursor=None, limit=MOST_EVENTS)
    return Report(
        read_at=health.at,
        now=now,
        rates=_rates(now, health),
        milestones=await milestones(connection, now, health.at),
        checklist=checks.lines(now, health),
        failures=await failure_groups(connection, job_id),
        changes=await settings_changes(connection, job_id),
        minutes=health.minutes,
        events=events.items[::-1],
        is_cut=events.next_cursor is not None,
    )


def _rates(now: Progress, health: Health) -> list[Item]:
    """Each with its capacity; a span of which nothing is known is left out."""
    found = []
    if now.rate is not None and now.state not in ENDED:
        found.append(_rate("the last minute", now.rate))
    if whole := checks.whole_minutes(health.minutes):
        mean = sum(one["records_per_second"] for one in whole) / len(whole)
        found.append(_rate(f"the last {counted(len(whole), 'whole minute')}", mean))
    if now.rate is not None and now.state in ENDED:
        found.append(_rate("the whole job", now.rate))
    elif now.started_at is not None and now.state not in ENDED:
        seconds = (health.at - now.started_at).total_seconds()
        found.append(_rate("since it was started", now.done / max(seconds, 1.0)))
    return found


def _rate(span: str, rate: float) -> Item:
    return {"of": span, "per_second": rate, "per_hour": round(rate * 3_600), "per_day": round(rate * 86_400)}
