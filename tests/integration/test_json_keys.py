"""What `--json` prints has the keys of the table in docs/reference.md, no other and all of them."""

import re
from dataclasses import dataclass
from typing import Any, Final

import click
import pytest

from backfill.producers.command import main as queue
from tests.support import reference
from tests.support.operating import ask, until, working
from tests.support.waiting import eventually
from tests.support.world import World

SECTION: Final = reference.PAGE.read_text().partition("\n## JSON\n")[2].partition("\n## ")[0]
COMMANDS: Final = dict(reference.commands())


@dataclass(frozen=True)
class Row:
    """The keys of the object, and those of each object in the list under the last of them."""

    keys: frozenset[str]
    inner: frozenset[str]
    same_for: tuple[str, ...]


def rows() -> dict[str, Row]:
    """By the command as the table writes it, without --json."""
    found = {}
    for command, text in re.findall(r"^\| `(backfill[^`]*) --json` \| (.*) \|$", SECTION, re.MULTILINE):
        same = re.search(r"the same for (.*)", text)
        outer, _, inner = re.split(r";|, or ", re.sub(r"\([^()]*\)", "", text))[0].partition(": ")
        keys, inner_keys = (frozenset(re.findall(r"`(\w+)`", part)) for part in (outer, inner))
        found[command] = Row(keys, inner_keys, tuple(re.findall(r"`([^`]+)`", same[1])) if same else ())
    return found


ROWS: Final = rows()
ELSEWHERE: Final = {"backfill drip URL"}  # asks a server: tests/unit/test_drip.py


async def with_columns(world: World, row: Row) -> frozenset[str]:
    """The inner keys, where they are said to be a table's columns."""
    if "backfill_jobs" not in row.inner:
        return row.inner
    columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'backfill_jobs'::regclass AND attnum > 0"
    names = {one["attname"] for one in await world.fetch(f"{columns} AND NOT attisdropped")}
    return frozenset(names - (row.inner - {"backfill_jobs"}))


def test_every_command_with_json_has_a_row_and_every_row_is_a_command() -> None:
    able = {
        name for name, command in COMMANDS.items() if any(one.name == "as_json" for one in reference.options(command))
    }
    told = {command_of(words)[0] for words in ROWS}
    told |= {name if name in COMMANDS else f"backfill {name}" for row in ROWS.values() for name in row.same_for}
    assert told == able


def command_of(text: str) -> tuple[str, list[str]]:
    """The command, and the further words of a line such as `backfill sql NAME --run`."""
    words = text.split()
    for count in (3, 2, 1):
        if (name := " ".join(words[:count])) in COMMANDS:
            return name, words[count:]
    raise AssertionError(f"{text} is no command")


async def listed(world: World) -> list[Any]:
    found: list[Any] = (await ask(world, "dead", "list", "--json")).json["messages"]
    return found


async def test_every_command_prints_the_keys_of_its_row(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base="CASE WHEN id = 5 THEN 1 ELSE 0 END")
    tried, dead = set(), ""

    async def holds(row: str, name: str | None = None, *more: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        called, further = command_of(row)
        called = name or called
        stands = {
            "JOB": "latest",
            "NAME": "ada" if called.startswith("backfill token") else "jobs",
            "LIMIT": "service",
            "ID": dead,
        }
        words = [stands.get(word, word) for word in further]
        command: click.Command | None = queue if called == "backfill-queue" else None
        words = words if command else [*called.split()[1:], *words]
        answer = await ask(world, *words, *more, "--json", **({"command": command} if command else {}))
        assert answer.code in codes, answer
        printed = answer.json
        assert printed.pop("schema_version") == 1
        assert set(printed) == ROWS[row].keys, f"{called} prints {', '.join(printed)}"
        if inner := await with_columns(world, ROWS[row]):
            (objects,) = (value for value in printed.values() if isinstance(value, list) and value)
            assert all(set(one) == inner for one in objects), f"{called} prints {', '.join(objects[0])}"
        tried.add(called if name else row)
        return printed

    await holds("backfill-queue --dry-run", None, "--mode=all")
    await holds("backfill-queue", None, "--mode=all", "--batch-size=10")
    await world.publish(b"nonsense")
    async with working(world):
        await until(world, "completed")
        await eventually(lambda: listed(world))
        await world.execute("UPDATE things SET value = NULL WHERE id = 7")
        await holds("backfill-queue --until-complete", None, "--mode=null", codes=(0, 7))
    await holds("backfill status")
    await holds("backfill status", "backfill wait", codes=(7,))
    await holds("backfill monitor", None, "--job=latest")
    await holds("backfill status", "backfill run", "--mode=all", codes=(7,))
    for row in (
        "list",
        "failures",
        "events",
        "report",
        "definitions",
        "check",
        "settings",
        "sql",
        "sql NAME",
        "sql NAME --run",
    ):
        await holds(f"backfill {row}")
    await holds("backfill services status")
    await holds("backfill services status", "backfill services up")
    await holds("backfill retry JOB")
    await holds("backfill set JOB", None, "--pause-ms=1")
    await holds("backfill reset-stuck JOB")
    await holds("backfill purge JOB --yes")
    await holds("backfill queues")
    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    await world.execute("SELECT backfill_rest_calls('service', $1, 5, 'why')", await world.job())
    await holds("backfill token create NAME")
    await holds("backfill token list")
    await holds("backfill token revoke NAME")
    await holds("backfill limits")
    await holds("backfill limits release LIMIT")
    dead = (await holds("backfill dead list"))["messages"][0]["id"]
    await holds("backfill dead show ID")
    await holds("backfill dead redrive --all", codes=(4,))
    await holds("backfill dead purge --all --yes")
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now() WHERE state = 'pending'")
    await holds("backfill cancel JOB", "backfill pause")
    await holds("backfill cancel JOB", "backfill resume")
    await holds("backfill cancel JOB", None, "--reason=no")
    await holds("backfill delete JOB", None, "--yes")
    await world.execute("UPDATE backfill_jobs SET completed_at = now() - interval '31 days' WHERE state = 'completed'")
    await holds("backfill delete --older-than 30d --yes")
    async with working(world):
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_workers WHERE stopped_at IS NULL"))
        await holds("backfill workers")
        await holds("backfill workers stop --all --yes")

    also = {name if name in COMMANDS else f"backfill {name}" for row in ROWS.values() for name in row.same_for}
    assert tried == {*ROWS, *also} - ELSEWHERE


@pytest.mark.parametrize("words", [["list", "--limit=0"], ["status", "no-such-job"]])
async def test_what_fails_prints_the_object_of_an_error(world: World, words: list[str]) -> None:
    answer = await ask(world, *words, "--json")
    assert answer.code in (2, 3)
    assert set(answer.json) == {"schema_version", "error"}
    assert answer.json["error"]["exit_code"] == answer.code
    assert set(answer.json["error"]) == {"text", "exit_code"}
