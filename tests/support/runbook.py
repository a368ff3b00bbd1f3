"""The blocks of docs/runbook.md, each with the situation it is for and what it must come to.

The comment before a block says it, on one line:

    <!-- situation: NAME | like: COMMAND | expect: key=value, key=value -->

`expect` knows exit, says (a part of the output), rows, state (of the newest job, afterwards), jobs (how many there are
afterwards), finishes (partitions completed/planned once those in hand have ended and the worker has drained) and then
(the state in which the newest job ends, with a worker); any other key is a column of the first row. `like` names a
command that must leave the same ledger behind.
"""

import asyncio
import os
import re
import secrets
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from backfill.services import programs
from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import World, application

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "runbook.md"
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]*) -->\n)?^```(?P<kind>console|sql)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
TENANT = "default"
SHELL = set("|<>;&$`*")  # what only a shell understands


@dataclass(frozen=True)
class Block:
    """One fenced block that an operator may copy."""

    line: int
    kind: str
    text: str
    situation: str
    like: str
    expect: dict[str, str]

    def __str__(self) -> str:
        return f"{self.line}-{self.kind}-{self.situation.replace(' ', '-') or 'without-situation'}"


def blocks() -> list[Block]:
    """Every console and sql block of the page."""
    page = PAGE.read_text()
    found = []
    for match in BLOCK.finditer(page):
        fields = dict(part.split(": ", 1) for part in (match["comment"] or "").split(" | ") if ": " in part)
        expect = dict(pair.split("=", 1) for pair in re.split(r", (?=\w+=)", fields.get("expect", "")) if "=" in pair)
        line = page.count("\n", 0, match.start("kind")) + 1
        found.append(
            Block(line, match["kind"], match["text"], fields.get("situation", ""), fields.get("like", ""), expect)
        )
    return found


def promql() -> dict[str, str]:
    """The expressions in PromQL, each with the comment before it."""
    (text,) = re.findall(r"^```promql\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    parts = [part.partition("\n") for part in text.strip().split("\n\n")]
    return {meaning.removeprefix("# "): expression for meaning, _, expression in parts}


@dataclass(frozen=True)
class Outcome:
    """What a block came to."""

    exit: int = 0
    output: str = ""
    count: int = 0  # rows found or changed by the last statement
    first: dict[str, Any] | None = None


@dataclass
class Scene:
    """A job in a situation, with what an operator has at hand."""

    world: World
    job_id: UUID
    role: str  # no superuser: row-level security holds
    folder: Path
    env: dict[str, str]
    worker: Command | None = None
    release: Callable[[], Any] | None = None  # lets partitions in hand end

    def fill(self, text: str) -> str:
        """Put the values of this scene in place of the page's."""
        values = {"<job_id>": str(self.job_id), "<tenant_id>": TENANT, "<name>": self.world.backfill}
        for place, value in values.items():
            text = text.replace(place, value)
        assert not re.search(r"<\w+>", text), f"a place without a value: {text}"
        return text

    async def run(self, kind: str, text: str) -> Outcome:
        return await (self.console(text) if kind == "console" else self.sql(text))

    async def console(self, text: str) -> Outcome:
        """What follows `$ ` is typed, line by line, until one fails."""
        lines = [line.removeprefix("$ ") for line in self.fill(text).splitlines()]
        assert all(line.startswith("$ ") for line in text.splitlines()), "console blocks hold commands, no output"
        if len(lines) == 1 and lines[0].startswith("backfill") and not set(lines[0]) & SHELL:
            return await self._command(*shlex.split(lines[0]))
        process = await asyncio.create_subprocess_shell(
            "set -e\n" + "\n".join(lines),
            cwd=self.folder,
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 60)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode is not None
        return Outcome(process.returncode, output.decode())

    async def _command(self, *words: str) -> Outcome:
        """One of ours alone, which needs no shell."""
        command = Command(self.folder / f"{secrets.token_hex(4)}.log", self.env, *words, cwd=self.folder)
        try:
            return Outcome(await command.wait(60), command.output)
        finally:
            command.close()

    async def sql(self, text: str) -> Outcome:
        """Each statement in turn, as a role that is no superuser and whose tenant is set."""
        connection = await asyncpg.connect(self.world.database, timeout=10)
        try:
            await connection.execute(f"SET ROLE {self.role}")
            if "app.current_tenant" not in text:
                await connection.execute(f"SET app.current_tenant = '{TENANT}'")
            outcome = Outcome()
            for statement in re.split(r";[ ]*$", self.fill(text), flags=re.MULTILINE):
                if statement.strip():
                    prepared = await connection.prepare(statement)
                    rows = await prepared.fetch()
                    count = prepared.get_statusmsg().rpartition(" ")[2]
                    if count.isdigit():
                        outcome = Outcome(count=int(count), first=dict(rows[0]) if rows else None)
            return outcome
        finally:
            await connection.close()

    async def check(self, block: Block, outcome: Outcome) -> None:
        """Hold the outcome, and what became of the job, against what the page says."""
        assert block.expect, "the comment says nothing of what to expect"
        said = outcome.output or str(outcome)
        for key, wanted in block.expect.items():
            if key == "says":
                assert wanted in outcome.output, said
            elif key == "exit":
                assert outcome.exit == int(wanted), said
            elif key == "rows":
                assert outcome.count == int(wanted), said
            elif key == "state":
                assert await self.world.state() == wanted, said
            elif key == "jobs":
                assert await self.world.value("SELECT count(*) FROM backfill_jobs") == int(wanted)
            elif key == "finishes":
                await self._finishes(wanted, block.expect["state"])
            elif key == "then":
                await self._ends(wanted)
            else:
                assert outcome.first is not None, said
                assert shown(outcome.first[key]) == wanted, outcome.first

    async def _finishes(self, wanted: str, state: str) -> None:
        """Those in hand end, no other begins."""
        assert self.worker is not None
        assert self.release is not None
        await self.release()

        async def nothing_in_hand() -> bool:
            return (await self.world.partitions())["running"] == 0

        await eventually(nothing_in_hand, what="the end of the partitions in hand")
        await self.world.drain(self.worker)
        counts = await self.world.partitions()
        assert f"{counts['completed']}/{counts.total()}" == wanted, counts
        assert await self.world.state() == state

    async def _ends(self, wanted: str) -> None:
        """A worker, the one that is there or a new one, brings the newest job to its end; every record is accounted."""
        if self.release:
            await self.release()
        self.worker = self.worker or self.world.worker()

        async def ended() -> bool:
            row = (await self.world.fetch("SELECT * FROM backfill_jobs ORDER BY created_at DESC LIMIT 1"))[0]
            assert row["completed_at"], f"{row['state']}: {await self.world.partitions()}"
            assert row["state"] == wanted, row
            assert not row["records_failed"] or self.world.definition == "Flaky", row
            return True

        await eventually(ended, deadline=30, what=f"the job's end as {wanted}")


def shown(value: Any) -> str:
    """A value as psql would show it, but for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def environment(world: World) -> dict[str, str]:
    """What a shell of an operator has: our commands, psql, and the definition."""
    folders = [Path(sys.executable).parent]
    if (postgres := programs.postgres(None)) is not None:
        folders.append(postgres)
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    # Definitions are found where the shell is, and that is a folder of the test's own.
    app = {"BACKFILL_APP": application(world.definition), "PYTHONPATH": str(ROOT), "PGCONNECT_TIMEOUT": "10"}
    return world.env | app | {"PATH": path}


async def picture(world: World) -> dict[str, list[dict[str, Any]]]:
    """The ledger without ids, clocks and persons: what two ways to the same end must have in common."""
    statements = {
        "jobs": "SELECT * FROM backfill_jobs ORDER BY created_at",
        "partitions": "SELECT p.* FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id "
        "ORDER BY j.created_at, p.partition_key",
        "failures": "SELECT * FROM backfill_failures ORDER BY record_id",
        "events": "SELECT event, from_state, to_state FROM backfill_events ORDER BY id",
    }
    return {
        name: [{key: _plain(key, value) for key, value in row.items()} for row in await world.fetch(sql)]
        for name, sql in statements.items()
    }


def _plain(key: str, value: Any) -> Any:
    """Clocks, ids, fences and durations only as being there."""
    there = ("_at", "_until", "_since", "_id", "not_before", "fence", "paused_seconds", "duration_ms", "created_by")
    if key == "id" or key.endswith(there):
        return value is not None and value != 0
    return value
