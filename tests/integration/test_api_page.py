"""docs/api.md, held against the routes, and its calls run as they stand."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from backfill.ledger.progress import Progress
from backfill.states import JobState
from backfill.web import application, polling
from backfill.web.guard import API
from tests.support.serving import serving
from tests.support.world import World

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
CALLS = re.findall(r"^\$ (curl .+)$", PAGE, re.MULTILINE)
HERE = "http://127.0.0.1:8321"


def test_every_address_is_there_and_no_other() -> None:
    described = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, methods in application.described().openapi()["paths"].items()
        if path.startswith(API)
        for method in methods
    }
    section = PAGE.partition("## Addresses")[2].partition("\n## ")[0]
    assert set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`?]*)`", section)) == described


ROWS: list[tuple[str, str, str]] = re.findall(r"^\| (`.+?) \| `([A-Z]+)` \| (true|false) \|$", PAGE, re.MULTILINE)


def states(words: str) -> list[JobState]:
    """Those that a row of the table is about."""
    return [JobState(one) for one in re.findall(r"`(\w+)`", words) if one in {*JobState}]


def test_every_state_has_a_word() -> None:
    assert {state for words, _, _ in ROWS for state in states(words)} == {*JobState}
    assert {word for _, word, _ in ROWS} == {*polling.Status}


@pytest.mark.parametrize(("words", "word", "ready"), ROWS)
def test_a_state_has_the_word_that_the_page_says(words: str, word: str, ready: str) -> None:
    done = 0 if "no record done" in words else 5
    for state in states(words):
        job = mock.Mock(
            spec=Progress,
            state=state,
            done=done,
            matched=10,
            share=done / 10,
            failed=int("some records failed" in words),
            total_partitions=2,
            completed_partitions=0,
            failed_partitions=0,
            skipped_partitions=0,
            waiting_partitions=2 if "waits for another try" in words else 0,
            result=None,
            error_message=None,
        )
        told = polling.status(job)
        assert (told["state"], told["ready"]) == (word, ready == "true")


async def test_the_calls_of_the_page_are_answered(world: World) -> None:
    await world.rows(30)
    assert len(CALLS) >= 7
    answers = []
    async with serving(world) as served:
        for call in CALLS:
            words = shlex.split(call.replace(HERE, served.url))
            ended = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)  # noqa: ASYNC221
            answers.append(json.loads(ended.stdout))
    listed, dry, opened, paused, changed, resumed, polled = answers
    assert listed == {"items": [], "next_cursor": None}
    assert (dry["dry_run"], dry["matched"]) == (True, 30)
    assert opened["state"] in ("pending", "running")
    assert (paused["state"], paused["changed"]) == ("paused", True)
    assert "max_workers" in changed["text"]
    assert resumed["state"] in ("resuming", "running", "pending")
    assert polled["job"] == opened["job"]
