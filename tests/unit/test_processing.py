"""The process that works off records: what it answers arrives whole, and what it cannot do is told."""

import pytest

from backfill.errors import UnreachableError
from backfill.settings import Settings
from backfill.web import process
from backfill.web.process import Processing
from tests.support import talkative

HERE = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", app="tests.support.definitions:Counter")


async def test_an_answer_may_be_larger_than_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", talkative.__name__)
    monkeypatch.setattr(process, "GRACE_SECONDS", 4.0)
    answer = await Processing(HERE, seconds=4).work(1, None, "token:ada")
    assert (len(answer["jobs"]), answer["actor"]) == (talkative.JOBS, "token:ada")


async def test_one_that_is_too_large_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", talkative.__name__)
    monkeypatch.setattr(process, "MOST_BYTES", 1_000)
    with pytest.raises(UnreachableError, match="ended with exit code 0"):
        await Processing(HERE, seconds=4).work(1, None, "token:ada")


async def test_an_absent_database_is_named() -> None:
    with pytest.raises(UnreachableError) as raised:
        await Processing(HERE, seconds=4).work(1, None, "token:ada")
    assert getattr(raised.value, "service", None) == "database"
