"""Commands that list something, on a terminal of any width: a frame fits, and an id can be copied whole.

A plain line may be longer than the terminal is wide: that one wraps it, and copies it as one. What draws a frame cannot
leave it to the terminal.
"""

import importlib
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import pytest
from rich.cells import cell_len

from backfill import statements
from backfill.commands.queues import COLUMNS as OF_QUEUES
from tests.conftest import ROOT
from tests.support.operating import Answer, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

FRAMES: Final = set("━┃│─╭╰┏┗└├┡╇┼")
QUERIES: Final = sorted(path.stem for path in (statements.FOLDER / "progress").glob("*.sql"))
# The job's id follows those that take one.
LISTINGS: Final = (
    *(
        ["list"],
        ["definitions"],
        ["check", "--mode=all"],
        ["settings"],
        ["sql"],
        ["workers"],
        ["limits"],
        ["queues"],
        ["dead", "list"],
    ),
    *(["failures", "JOB"], ["events", "JOB"], ["status", "JOB"], ["status", "--watch", "JOB"]),
    ["monitor", "--job=JOB"],
    *(["sql", name, "--run"] for name in QUERIES),
    ["run", "--mode=all", "--id=1"],
)


@pytest.fixture
async def job(world: World) -> AsyncIterator[UUID]:
    """An ended job with a failed record, and rows in every list, also of workers and of dead messages."""
    world.definition = "Poison"
    await world.rows(30, base="CASE WHEN id = 5 THEN 1 ELSE 0 END")
    job = await queued(world)
    await world.publish(b"nonsense")
    await world.execute("SELECT backfill_rest_calls('service', $1, 60, '429 Too Many Requests')", job)
    async with working(world):
        await until(world, "completed")
        await eventually(world.dead)
        yield job


async def on_terminal(world: World, monkeypatch: pytest.MonkeyPatch, width: int, *words: str) -> Answer:
    with monkeypatch.context() as patched:
        for name in ("list", "live", "monitor_show", "table", "watch"):
            patched.setattr(importlib.import_module(f"backfill.commands.{name}"), "is_terminal", lambda: True)
        return await done(world, *words, COLUMNS=str(width), TERM="xterm")


def test_every_command_that_draws_is_tried() -> None:
    drawing = {file.stem for file in (ROOT / "backfill/commands").glob("*.py") if "drawing." in file.read_text()}
    assert drawing == {"list", "live", "monitor_show", "table", "watch"}


@pytest.mark.parametrize("width", [40, 60, 80, 250])
async def test_no_frame_is_wider_than_the_terminal_and_ids_stay_whole(
    world: World, job: UUID, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    framed = set()
    for listing in LISTINGS:
        words = [word.replace("JOB", str(job)) for word in listing]
        answer = await on_terminal(world, monkeypatch, width, *words)
        assert answer.out.strip(), words
        frames = [line for line in answer.out.splitlines() if FRAMES & set(line)]
        assert not [line for line in frames if cell_len(line) > width], f"{words}:\n{answer.out}"
        framed |= {listing[0]} if frames else set()
        if listing in (["list"], ["status", "JOB"], ["sql", "jobs", "--run"]):
            assert str(job) in answer.out, f"{words}:\n{answer.out}"
        if listing == ["queues"]:
            assert not [name for name in OF_QUEUES if name not in answer.out], answer.out
    if width == 250:
        assert framed == {"check", "list", "sql", "status", "workers", "limits", "queues", "dead"}
