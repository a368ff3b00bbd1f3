"""Recorded incidents give the reports that were approved; `python -m tests.support.incidents` writes them anew."""

import pytest

from backfill.monitor.report import Level, State
from tests.incidents.stories import STORIES
from tests.support import incidents

# What an operator has to be told first.
SAYS = {
    "healthy": (State.RUNNING, Level.OK, ["running", "well_tuned"]),
    "slow_worker": (State.RUNNING, Level.WARNING, ["running", "workers_apart"]),
    "rate_limits": (State.RUNNING, Level.CRITICAL, ["running", "retries_failing", "too_many_503"]),
    "dead": (State.DEAD, Level.CRITICAL, ["dead", "fatal_lines"]),
    "finished": (State.FINISHED, Level.OK, ["finished", "well_tuned"]),
    "restarted": (State.RUNNING, Level.WARNING, ["running", "restarted"]),
    "disk_full": (State.STUCK, Level.CRITICAL, ["stuck", "disk_full", "rows_not_rising"]),
    "rotated": (State.RUNNING, Level.OK, ["running", "rotated", "well_tuned"]),
    "clock_jumped": (State.RUNNING, Level.OK, ["running", "clock_jumped"]),
    "apart": (State.RUNNING, Level.WARNING, ["running", "workers_apart"]),
    "stuck": (State.STUCK, Level.CRITICAL, ["stuck", "rows_not_rising"]),
    "api_sync": (State.RUNNING, Level.OK, ["running", "well_tuned"]),
    "recorder": (State.RUNNING, Level.WARNING, ["running", "quality"]),
}


@pytest.mark.parametrize("name", incidents.names())
def test_an_incident_gives_the_report_that_was_approved(name: str) -> None:
    found = incidents.report(name)
    assert (found.state, found.level, [one.name for one in found.findings]) == SAYS[name]
    assert incidents.written(name) == (incidents.FOLDER / name / "report.md").read_text()


@pytest.mark.parametrize("name", STORIES)
def test_the_logs_are_those_that_the_stories_tell(name: str) -> None:
    for file, text in STORIES[name]().items():
        assert (incidents.FOLDER / name / file).read_text() == text


def test_every_incident_has_its_story_and_what_it_has_to_say() -> None:
    assert set(incidents.names()) == set(STORIES) == set(SAYS)
