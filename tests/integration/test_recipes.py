"""Every recipe of docs/guide.md, followed as it is written."""

import os
import re
import runpy
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import guide
from tests.support.guide import Block, Reader
from tests.support.logins import as_role
from tests.support.made_up import Made, backfilled, verdict
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SECTIONS = guide.sections()
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
IN_PLACE = "Shift a unique column: in place"


@pytest.fixture
async def reader(world: World, tmp_path: Path) -> Reader:
    """The guide's tables with a thousand pages."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    reader = Reader(world.connection, tmp_path, world.env | {"PATH": path, "PYTHONPATH": str(ROOT)})
    for block in SECTIONS["Guide"]:
        await reader.follow(block)
    await world.execute("INSERT INTO authors VALUES (1, 'Ada'), (2, 'Bea')")
    await world.execute(
        "INSERT INTO pages (id, slug, author_id, title, updated_at) "
        "SELECT n, n, 1 + n % 2, 'Page ' || n, $1 FROM generate_series(1, 1000) n",
        LONG_AGO,
    )
    return reader


async def follow(reader: Reader, title: str) -> list[str]:
    return [await reader.follow(block) for block in SECTIONS[title]]


def python(title: str) -> Block:
    return next(block for block in SECTIONS[title] if block.kind == "python")


async def slugs_are_shifted(world: World) -> bool:
    found: bool = await world.value("SELECT count(*) = 1000 AND bool_and(slug = id + 1) FROM pages")
    return found


async def test_every_section_has_blocks() -> None:
    assert len(SECTIONS) == 17
    assert [title for title, blocks in SECTIONS.items() if not blocks] == ["What a definition may give"]


async def test_shifted_in_place_under_a_plain_constraint_all_but_one_fail(world: World, reader: Reader) -> None:
    """What the guide warns of."""
    await world.execute("DELETE FROM pages WHERE id > 100")
    ended = await backfilled(world, Made(lambda row: {"slug": row["slug"] + 1}, table="pages", columns=("slug",)))
    assert ended.counts == {"updated": 1, "failed": 99}
    assert {kind for kind, _ in ended.failed.values()} == {"UniqueViolationError"}


async def test_shift_a_unique_column_by_two_columns(world: World, reader: Reader) -> None:
    await follow(reader, "Shift a unique column: two columns")
    assert await slugs_are_shifted(world)
    assert (await verdict(world)).counts == {"updated": 1000}
    assert (
        await world.value("SELECT count(*) FROM pg_constraint WHERE conname = 'pages_slug_key' AND contype = 'u'") == 1
    )


async def test_shift_a_unique_column_in_place(world: World, reader: Reader) -> None:
    await follow(reader, IN_PLACE)
    assert await slugs_are_shifted(world)
    assert (await verdict(world)).counts == {"updated": 1000}
    assert await world.value("SELECT count(*) FROM backfill_partitions") == 2


@pytest.mark.parametrize(("options", "is_enough"), [("--order=asc", False), ("--order=asc --batch-size=1000", True)])
async def test_in_place_the_order_matters_unless_all_is_one_batch(
    world: World, reader: Reader, options: str, is_enough: bool
) -> None:
    for block in SECTIONS[IN_PLACE]:
        text = block.text.replace("--order=desc", options) if block.kind == "console" else block.text
        await reader.follow(Block(block.kind, text))
    assert await slugs_are_shifted(world) is is_enough


async def test_in_place_what_failed_around_a_held_row_is_written_by_a_retry(world: World, reader: Reader) -> None:
    *before, queueing = SECTIONS[IN_PLACE]
    for block in before:
        await reader.follow(block)
    queue, work = queueing.text.replace("$ ", "").splitlines()
    fast = "BACKFILL_LOCK_TIMEOUT_MS=50 BACKFILL_RETRY_DELAYS="
    await reader.type(queue)
    async with world.session() as session, session.transaction():
        await session.execute("SELECT FROM pages WHERE id = 990 FOR UPDATE")
        await reader.type(f"{fast} {work}")
    assert not await slugs_are_shifted(world)

    async def ended() -> bool:
        await reader.type(work)  # what was held is tried again a moment later
        return await world.state() in ("completed", "failed")  # failed: on a machine too slow for these timeouts

    await eventually(ended, deadline=90)
    await reader.type(f"backfill retry latest\n{work}")

    assert await slugs_are_shifted(world)


async def test_only_some_records(world: World, reader: Reader) -> None:
    await follow(reader, "Only some records")
    rows = await world.fetch("SELECT id, byline FROM pages WHERE byline IS NOT NULL ORDER BY id")
    assert [row["id"] for row in rows] == list(range(1, 1000, 2))  # Bea's; Ada has been gone
    assert rows[0]["byline"] == "Page 1"
    assert (await verdict(world)).counts == {"updated": 500}


async def test_leave_updated_at_alone(world: World, reader: Reader) -> None:
    await follow(reader, "Leave updated_at alone")
    assert await world.value("SELECT count(*) FROM pages WHERE byline LIKE 'Page %, by %'") == 1000
    assert await world.value("SELECT max(updated_at) FROM pages") == LONG_AGO
    # Also in a session that was a worker's a moment ago.
    async with world.session() as session:
        await session.execute("BEGIN; SELECT set_config('backfill.name', 'bylines', true); COMMIT")
        await session.execute("UPDATE pages SET title = 'edited' WHERE id = 7")
    assert await world.value("SELECT updated_at > $1 FROM pages WHERE id = 7", LONG_AGO)


async def test_record_what_the_backfill_wrote(world: World, reader: Reader) -> None:
    await reader.follow(python("Leave updated_at alone"))
    await world.execute("UPDATE pages SET byline = 'by hand' WHERE id = 1")

    printed = await follow(reader, "Record what the backfill wrote")

    job = str(await world.job())
    assert f"'bylines', UUID('{job}'), 999, " in printed[-1]
    await world.execute("UPDATE pages SET byline = 'by hand' WHERE id = 2")
    rows = await world.fetch("SELECT backfill, job::text, before, after FROM pages_audit WHERE page_id = 2 ORDER BY n")
    assert [tuple(row) for row in rows] == [
        ("bylines", job, None, "Page 2, by Ada"),
        (None, None, "Page 2, by Ada", "by hand"),
    ]


async def test_inputs_in_other_tables(world: World, reader: Reader) -> None:
    await reader.follow(python("Leave updated_at alone"))
    await follow(reader, "Inputs in other tables")
    assert await world.value("SELECT count(*) FROM pages WHERE byline LIKE 'Page %, by %'") == 1000


async def test_a_table_with_row_level_security(world: World, reader: Reader) -> None:
    await reader.follow(python("Leave updated_at alone"))
    sql, definition, commands = SECTIONS["A table with row-level security"]
    await reader.follow(sql)
    await reader.follow(definition)
    await reader.type("backfill init --roles --app bylines_of_author:BylinesOfAuthor")
    password, role = secrets.token_hex(12), f"test_bound_{secrets.token_hex(4)}"
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_operator, backfill_worker; "
        f"GRANT SELECT ON pages, authors TO {role}"
    )
    try:
        reader.env = {**reader.env, "DATABASE_URL": as_role(world.database, role, password)}
        await reader.follow(commands)
        rows = await world.fetch("SELECT author_id, count(byline) FROM pages GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in rows] == [(1, 500), (2, 0)]
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_beside_alembic_the_ledgers_tables_are_left_out(world: World, reader: Reader) -> None:
    await follow(reader, "Beside Alembic")
    include = runpy.run_path(str(reader.folder / "leave_out.py"))["include_name"]
    tables = [row["relname"] for row in await world.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'")]
    kept = {name for name in tables if include(name, "table", {}) and not name.startswith(("pg_", "sql_"))}
    assert kept >= {"authors", "pages", "things"}
    assert not [name for name in kept if "backfill" in name]
    assert include("backfill_note", "column", {"table_name": "pages"})


async def test_parameters(world: World, reader: Reader) -> None:
    await follow(reader, "Parameters")
    rows = await world.fetch("SELECT byline FROM pages WHERE byline IS NOT NULL ORDER BY id")
    assert [row["byline"] for row in rows] == [
        "Sheet of 2024: Page 1",
        "Sheet of 2024: Page 2",
        "Page of 2025: Page 3",
    ]


async def test_one_after_another(world: World, reader: Reader) -> None:
    printed = await follow(reader, "One after another")
    assert "Required and missing: initials was never completed" in printed[-1]
    rows = await world.fetch("SELECT asset_name, state FROM backfill_jobs ORDER BY created_at")
    assert [tuple(row) for row in rows] == [("initials", "completed"), ("signed", "completed")]
    assert await world.value("SELECT count(*) FROM pages WHERE byline ~ '^Page .* .[AB].$'") == 1000


async def test_pass_after_pass(world: World, reader: Reader) -> None:
    printed = await follow(reader, "Pass after pass")
    assert "Complete after 4 passes: nothing matches any more." in printed[-1]
    assert await world.value("SELECT byline FROM pages WHERE id = 1000") == "Page, 250, 500, 750, 1000"


async def test_before_a_job_between_partitions_and_after(world: World, reader: Reader) -> None:
    await world.execute("UPDATE pages SET byline = 'old'")
    printed = await follow(reader, "Before a job, between partitions, and after")
    assert sorted(re.findall(r"told of partition (\d+): (\d+) pages", printed[-1])) == [
        ("000000001", "500"),
        ("000000002", "500"),
    ]
    rows = await world.fetch("SELECT job, byline, count(*) FROM bylines_before GROUP BY 1, 2")
    assert [tuple(row) for row in rows] == [(await world.job(), "old", 1000)]


async def test_a_definition_that_changes(world: World, reader: Reader) -> None:
    printed = await follow(reader, "A definition that changes")
    assert "the definition of shouted has changed since job" in printed[3]
    assert "(ChangedDefinitionError: the definition of shouted has changed since job" in printed[3]
    rows = await world.fetch("SELECT right(byline, 1) = '!' AS edited, count(*) AS n FROM pages GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(False, 300), (True, 700)]
    assert [int(count) for count in re.findall(r", (\d+)\)", printed[-1])] in ([300, 700], [700, 300])


async def test_work_that_is_no_column(world: World, reader: Reader) -> None:
    printed = await follow(reader, "Work that is no column")
    assert "Result: authors=2, pages=1000" in printed[-1]
    assert await world.value("SELECT array_agg(pages ORDER BY author_id) FROM author_pages") == [500, 500]
