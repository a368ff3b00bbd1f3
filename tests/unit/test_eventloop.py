"""A loop ends when nothing is under way in it any more."""

import asyncio
import logging

import pytest

from backfill.eventloop import run


def test_what_a_client_still_closes_ends_before_its_loop(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def close() -> None:
        await asyncio.sleep(0.01)
        ended.append("closed")

    async def work() -> str:
        asyncio.get_running_loop().create_task(close())
        return "done"

    assert run(work()) == "done"
    assert ended == ["closed"]
    assert caplog.text == ""


def test_what_nobody_ends_is_cancelled_and_what_that_begins_ends_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill.eventloop.LEFT_SECONDS", 0.05)
    ended: list[str] = []

    async def good_bye() -> None:
        await asyncio.sleep(0)
        ended.append("good bye")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        reader = loop.create_task(asyncio.Event().wait(), name="reader")
        reader.add_done_callback(lambda _: loop.create_task(good_bye()))
        raise ValueError("work")

    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="work"):
        run(work())
    assert ended == ["good bye"]
    assert caplog.text == ""
