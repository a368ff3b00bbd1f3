"""docs/writing-a-backfill.md, followed as it is written, from an empty folder."""

import os
import sys
from pathlib import Path

import pytest

from tests.support import guide
from tests.support.guide import PAGE, Block, Reader
from tests.support.world import World

pytestmark = pytest.mark.long

SECTIONS = guide.sections(PAGE.parent / "writing-a-backfill.md")
ORDER = list(SECTIONS)


class Author(Reader):
    """Somebody whose shell keeps what was exported in it."""

    async def follow(self, block: Block) -> str:
        if block.kind != "console":
            return await super().follow(block)
        for line in block.text.splitlines():
            if line.startswith("$ export "):
                name, _, value = line.removeprefix("$ export ").partition("=")
                self.env = {**self.env, name: value}
        return await super().follow(block)

    async def follow_all(self, title: str) -> list[str]:
        return [await self.follow(block) for block in SECTIONS[title]]


@pytest.fixture
async def author(world: World, tmp_path: Path) -> Author:
    """In an empty folder, with the services, the ledger and the table of the page."""
    world.checked = True
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    plain = {name: value for name, value in world.env.items() if name != "BACKFILL_APP"}
    made = Author(world.connection, tmp_path, plain | {"PATH": path})
    await made.follow_all(ORDER[0])
    return made


async def test_every_block_is_in_a_section_that_is_followed() -> None:
    assert ORDER == [
        "Writing a backfill",
        "A first definition",
        "Check",
        "Test",
        "A slice",
        "Queue and workers",
        "Look",
        "A function that asks a service",
        "Work that is no column",
    ]
    assert all(SECTIONS.values())


async def test_a_column_from_the_first_file_to_the_last_record(world: World, author: Author) -> None:
    await author.follow_all("A first definition")
    (checked,) = await author.follow_all("Check")
    # Roles belong to the whole server: where other tests have made them, they have no rights here, which is said.
    assert "slugs: nothing would stop a job; " in checked
    assert not [line for line in checked.splitlines() if line.startswith("  warning") and "backfill_" not in line]
    assert "NULL → how-to-count-to-1\t" in checked
    first, _, second = await author.follow_all("Test")
    assert "1 passed" in first
    assert "2 passed" in second
    _, rows = await author.follow_all("A slice")
    assert rows.splitlines()[0] == "('how-to-count-to-1', 1)"
    assert await world.value("SELECT count(*) FROM articles WHERE slug IS NOT NULL") == 100
    (queued,) = await author.follow_all("Queue and workers")
    assert "4,900" in queued
    status, left = await author.follow_all("Look")
    assert "no title" in status
    assert left == "(5,)"


async def test_a_function_that_asks_a_service(world: World, author: Author) -> None:
    *_, done = await author.follow_all("A function that asks a service")
    assert "5 tried: 5 updated" in done
    assert await world.value("SELECT count(*) FROM articles WHERE reading_minutes > 0") == 200


async def test_work_that_is_no_column(world: World, author: Author) -> None:
    *_, done, rows = await author.follow_all("Work that is no column")
    assert "2 tried: 2 updated" in done
    assert [line[2:9] for line in rows.splitlines()] == ["2024-01", "2024-02", "2024-03"]
    assert await world.value("SELECT sum(articles) FROM article_months") == 5000


async def test_the_draft_that_new_writes_is_harmless(world: World, author: Author) -> None:
    """Queued by mistake before anything was written."""
    await author.follow(SECTIONS["A first definition"][0])
    assert "compute is not written yet" in await author.type("backfill run slugs --limit 10")
    assert await world.value("SELECT count(*) FROM articles WHERE slug IS NOT NULL") == 0
