"""What the monitor says of the backfills that it watches: one of each kind that the page has to show."""

from datetime import UTC, datetime, timedelta
from typing import Any

from backfill.monitor.render.as_json import as_json
from backfill.monitor.report import Level, Report, State
from backfill.web.look import plain
from tests.support.page.scene import HOSTILE
from tests.support.reports import NOW, attacked, bare, load


def reports() -> dict[str, dict[str, Any]]:
    """By the names of their profiles."""
    made = {
        "erc1155": load(),
        "market": bare(
            title="Market sync", state=State.FINISHED, level=Level.OK, headline="finished: 812 of 812 files"
        ),
        "gone": bare(
            title="Gone", state=State.DEAD, level=Level.CRITICAL, headline="dead: process 4102 is gone at 61.2 %"
        ),
        HOSTILE: attacked(HOSTILE),
    }
    return {name: _of(name, report) for name, report in made.items()}


def rows(made: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """As the list has them."""
    names = ("name", "title", "state", "level", "headline", "at", "age_seconds")
    return [{name: one[name] for name in names} for one in made.values()]


def _of(name: str, report: Report) -> dict[str, Any]:
    """As if it had been made some seconds ago."""
    found = plain(as_json(_moved(report, datetime.now(UTC) - timedelta(seconds=4) - NOW)))
    return {"name": name, "age_seconds": 4.0, **found}


def _moved(value: Any, by: timedelta) -> Any:
    """The same with all its times moved."""
    if isinstance(value, datetime):
        return value + by
    if isinstance(value, list):
        return [_moved(one, by) for one in value]
    if isinstance(value, dict):
        return {name: _moved(one, by) for name, one in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(**{name: _moved(getattr(value, name), by) for name in value.__dataclass_fields__})
    return value
