"""Lines as text or as JSON, from a level on, each with what it is about."""

import contextvars
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from backfill import log
from backfill.console import note, say

JOB, WORKER = uuid4(), uuid4()


def told(level: str, form: str, work: Callable[[], None]) -> None:
    """Do it under that style, which ends with it."""

    def styled() -> None:
        log.use(level, form, WORKER)
        work()

    contextvars.copy_context().run(styled)


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_of_json_has_time_level_message_and_worker(capsys: pytest.CaptureFixture[str]) -> None:
    told("info", "json", lambda: say("Prefetch: \x1b 5\n"))
    [record] = records(capsys.readouterr().out)
    at = datetime.fromisoformat(record.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert record == {"level": "info", "message": "Prefetch: \\x1b 5\\n", "worker": str(WORKER)}


def test_what_a_line_is_about_is_told_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with log.about(JOB, "000000001"):
            log.warn(say, "slow")
            log.debug(say, "claimed", ms=1.5, counts={"updated": 2})
        say("over")

    told("debug", "json", work)
    slow, claimed, over = records(capsys.readouterr().out)
    assert (slow["level"], slow["job"], slow["partition"]) == ("warning", str(JOB), "000000001")
    assert (claimed["level"], claimed["ms"], claimed["counts"]) == ("debug", 1.5, {"updated": 2})
    assert claimed["job"] == str(JOB)
    assert not {"job", "partition", "ms"} & set(over)


@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", ["deep", "usual", "warning: bad"]), ("info", ["usual", "warning: bad"]), ("warning", ["warning: bad"])],
)
def test_what_matters_less_is_left_out(level: str, shown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        log.debug(say, "deep")
        say("usual")
        say("warning: bad")

    told(level, "text", work)
    assert capsys.readouterr().out.splitlines() == shown


def test_an_error_is_told_at_every_level_and_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    told("warning", "json", lambda: note("error: no such table; run: backfill init"))
    [record] = records(capsys.readouterr().err)
    assert (record["level"], record["message"]) == ("error", "no such table; run: backfill init")


def test_a_message_of_any_length_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    told("info", "json", lambda: say("\u00e9" * 100_000))
    [record] = records(capsys.readouterr().out)
    assert len(record["message"]) <= log.MOST
