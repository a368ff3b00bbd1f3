"""Who has a lock, in words; and waiting that only the operator ends."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from backfill import blockers
from backfill.blockers import Watch
from backfill.errors import UnreachableError


def row(**more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("usename", "application_name", "state", "backend_type", "xact_start", "query"))
    return {"pid": 4711, **nothing, **more}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (row(), "process 4711 (which this role may not see)"),
        (row(pid=0), "a prepared transaction (see pg_prepared_xacts)"),
        (
            row(
                usename="app",
                application_name="psql",
                state="idle in transaction",
                backend_type="client backend",
                xact_start=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                query="LOCK TABLE\n  people\a",
            ),
            "process 4711 (user app, application psql, idle in transaction, "
            "in a transaction since 2026-01-02 03:04:05 UTC): LOCK TABLE people\\x07",
        ),
        (row(backend_type="autovacuum worker", query="vacuum"), "process 4711 (autovacuum worker): vacuum"),
    ],
)
def test_who_it_is_in_words(found: dict[str, Any], said: str) -> None:
    assert blockers.described([found]) == said


def watch() -> Watch:
    return Watch(lambda: pytest.fail("nobody asked"), print)


async def test_what_was_cut_off_while_it_waited_for_a_lock_is_done_again_and_nothing_else() -> None:
    cut_off, calls = watch(), []

    async def work() -> str:
        calls.append(cut_off.who)
        if len(calls) < 3:
            raise TimeoutError
        return "done"

    with pytest.raises(TimeoutError):
        await cut_off.patiently(work)
    cut_off.who = "process 4711"
    assert await cut_off.patiently(work) == "done"
    assert calls == [None, "process 4711", "process 4711"]


async def test_a_command_that_waited_in_vain_names_who_has_the_lock() -> None:
    async def cut_off() -> None:
        async with blockers.watching(lambda: pytest.fail("nobody asked"), print) as watched:
            watched.who = "process 4711"
            raise TimeoutError

    with pytest.raises(UnreachableError, match="in vain for a lock of process 4711"):
        await cut_off()


async def test_who_waits_at_one_look_only_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """As two sessions of one command do now and then."""
    monkeypatch.setattr(blockers, "ASK_SECONDS", 0.0)
    session, said = mock.Mock(is_closed=lambda: False), list[str]()
    waiting = Watch(lambda: pytest.fail("nobody asked"), said.append)
    waiting.sessions = [session]
    held = [row(pid=4711)]
    for found, lines in (([held, []], []), ([held, held, held], ["Waits for a lock of"]), ([[]], ["It goes on."])):
        said.clear()
        for rows in found:
            await waiting._look(mock.Mock(fetch=mock.AsyncMock(return_value=rows)))
        assert [line.partition(" process")[0] for line in said] == lines
