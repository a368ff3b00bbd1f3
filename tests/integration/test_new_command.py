"""`backfill new`: what it writes works as it stands, on tables and names of all kinds, and nothing is overwritten."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.test_testing import pytest_in
from tests.support.operating import Answer, ask
from tests.support.world import World

pytestmark = pytest.mark.long

ODD = '"My Schema"."Or""der; {x}"'
HOSTILE = """
    CREATE SCHEMA "My Schema";
    CREATE TABLE "My Schema"."Or""der; {x}" (
        "Key ""1"" x" bigint, "two\\n{lines}" text, "select" int, "Va'lue" numeric(9,2),
        PRIMARY KEY ("Key ""1"" x", "select"));
    CREATE TYPE mood AS ENUM ('glad');
    CREATE TABLE "order" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), mood mood NOT NULL, tags text[], "user" jsonb);
    CREATE TABLE nameless (a int);
    CREATE VIEW seen AS SELECT * FROM things;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM things;
    CREATE TABLE "Mixed Case" ("Id" int PRIMARY KEY, "Out" text);
    CREATE TABLE codes (code varchar(5) UNIQUE NOT NULL, at timestamptz)
"""


async def new(world: World, folder: Path, *words: str, code: int = 0) -> Answer:
    world.checked = True
    answer = await ask(world, "new", *words, "--dir", str(folder))
    assert answer.code == code, answer
    return answer


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def its_test_passes(world: World, folder: Path, name: str) -> None:
    done = await asyncio.to_thread(pytest_in, folder, f"test_{name}.py", DATABASE_URL=world.database)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (("--table", "things", "--column", "value", "--column", "extra"), "INSERT INTO things VALUES (1)"),
        (
            ("--table", ODD, "--column", "Va'lue"),
            """INSERT INTO "My Schema"."Or""der; {x}" VALUES (1, 'x', 2)""",
        ),
        (("--table", "order", "--column", "mood"), """INSERT INTO "order" (mood) VALUES ('glad')"""),
        (("--table", "order", "--column", "tags"), """INSERT INTO "order" (mood) VALUES ('glad')"""),
        (("--table", "codes", "--column", "at", "--key", "code"), "INSERT INTO codes VALUES ('a')"),
        (("--table", "months", "--partition"), "SELECT"),
    ],
)
async def test_what_is_written_passes_with_and_without_a_row(
    world: World, tmp_path: Path, words: tuple[str, ...], row: str
) -> None:
    await world.execute(HOSTILE)
    answer = await new(world, tmp_path, "mine", *words)
    assert "export BACKFILL_APP=mine:Mine\n" in answer.out
    assert answer.err == f"wrote {tmp_path}/mine.py\nwrote {tmp_path}/test_mine.py\n"
    await its_test_passes(world, tmp_path, "mine")
    await world.execute(row)
    await its_test_passes(world, tmp_path, "mine")


async def test_the_definition_says_what_the_column_wants(world: World, tmp_path: Path) -> None:
    await new(world, tmp_path, "filled_values", "--table", "things", "--column", "value")
    text = (tmp_path / "filled_values.py").read_text()
    assert "class FilledValues(ColumnBackfill):\n" in text
    assert '    inputs = "SELECT id, base, extra, value FROM things WHERE id = ANY($1)"\n' in text
    assert '    #   "value" is numeric(12,2): give ' in text
    assert 'return Skip("compute is not written yet")' in text


async def test_quoted_names_are_written_without_escapes(world: World, tmp_path: Path) -> None:
    await world.execute(HOSTILE)
    await new(world, tmp_path, "mine", "--table", '"Mixed Case"', "--column", "Out")
    text = (tmp_path / "mine.py").read_text()
    assert """table = '"Mixed Case"'\n""" in text
    assert """inputs = 'SELECT "Id", "Out" FROM "Mixed Case" WHERE "Id" = ANY($1)'\n""" in text


async def test_nothing_is_overwritten(world: World, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("mine")
    answer = await new(world, tmp_path, "mine", "--table", "things", "--column", "value", code=2)
    assert answer.err == f"error: {tmp_path}/test_mine.py is there already; choose another NAME or --dir\n"
    assert names(tmp_path) == ["test_mine.py"]


@pytest.mark.parametrize(
    ("name", "words", "code", "says"),
    [
        ("Mine", ("--table=things", "--column=value"), 2, "NAME is 'Mine': use lower-case letters"),
        ("../up", ("--table=things", "--column=value"), 2, "NAME is '../up': use lower-case letters"),
        ("asyncio", ("--table=things", "--column=value"), 2, "which Python or a library has already"),
        ("test_it", ("--table=things", "--column=value"), 2, "pytest would take test_it.py for a test"),
        ("mine", ("--table=things",), 2, "name the column to fill with --column, or give --partition"),
        ("mine", ("--table=months", "--partition", "--key=unit"), 2, "--partition takes neither --column nor --key"),
        ("mine", ("--table=nowhere", "--column=value"), 6, "table 'nowhere' does not exist"),
        ("mine", ("--table=things", "--column=nothing"), 6, "table 'things' has no column 'nothing' (Mine)"),
        ("mine", ("--table=things", "--column=id"), 6, "Mine writes its own key 'id'"),
        ("mine", ("--table=things", "--column=value", "--key=base"), 6, "no unique index on the key base"),
        (
            "mine",
            ("--table=seen", "--column=value", "--key=id"),
            6,
            "'seen' is no table; name the table that is written",
        ),
        ("mine", ("--table=kept", "--column=value"), 6, "'kept' is no table; name the table that is written to"),
        ("mine", ("--table=seen", "--partition"), 6, "'seen' is no table; name the table that is written to"),
        ("mine", ("--table=nameless", "--column=a"), 6, "'nameless' has no primary key; name unique columns"),
    ],
)
async def test_what_cannot_be_is_said_in_a_line_and_nothing_is_written(
    world: World, tmp_path: Path, name: str, words: tuple[str, ...], code: int, says: str
) -> None:
    await world.execute(HOSTILE)
    answer = await new(world, tmp_path, name, *words, code=code)
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert not names(tmp_path)


async def test_without_a_database_it_says_so(world: World, tmp_path: Path) -> None:
    world.checked = True
    words = ("new", "mine", "--table=things", "--column=value", "--dir", str(tmp_path))
    answer = await ask(world, *words, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert (answer.code, answer.err.count("\n")) == (5, 1)
    assert not names(tmp_path)


async def test_a_class_does_not_hide_what_it_is_made_of(world: World, tmp_path: Path) -> None:
    await new(world, tmp_path, "skip", "--table", "things", "--column", "value")
    assert "class SkipBackfill(ColumnBackfill):" in (tmp_path / "skip.py").read_text()
    await its_test_passes(world, tmp_path, "skip")
