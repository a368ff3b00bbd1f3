"""docs/guide.md section by section, each block run as it stands."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

PAGE = Path(__file__).parents[2] / "docs" / "guide.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A semicolon that ends a line ends a statement, but within a function's body.
STATEMENT = re.compile(r"(?:\$\$.*?\$\$|[^$])*?;[ ]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str


def sections(page: Path = PAGE) -> dict[str, list[Block]]:
    """The blocks under each heading; those before the first one under an empty one."""
    _, *parts = re.split(r"^#{1,2} (?!\w+\.py$)(.*)$", page.read_text(), flags=re.MULTILINE)
    return {
        title: [Block(kind, text) for kind, text in BLOCK.findall(body)]
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def statements(text: str) -> Iterator[str]:
    """Each statement by itself: some cannot run beside others in one transaction."""
    rest = STATEMENT.sub("", text).strip()
    assert not rest, f"no statement: {rest}"
    for match in STATEMENT.finditer(text):
        yield match[0].strip()


@dataclass
class Reader:
    """Somebody who follows the guide, in a folder and a database of his own."""

    connection: "asyncpg.Connection[Any]"
    folder: Path
    env: Mapping[str, str]

    async def follow(self, block: Block) -> str:
        """Do what the block says; returns what it printed."""
        if block.kind == "sql":
            rows: list[asyncpg.Record] = []
            for statement in statements(block.text):
                rows = await self.connection.fetch(statement)
            return "\n".join(str(tuple(row)) for row in rows)
        if block.kind == "python":
            name = re.match(r"# (\w+\.py)\n", block.text)
            assert name, "a python block begins with the name of its file"
            (self.folder / name[1]).write_text(block.text)
            return ""
        assert block.kind == "console", block.kind
        lines = block.text.splitlines()
        assert all(line.startswith("$ ") for line in lines), lines
        return await self.type("\n".join(line.removeprefix("$ ") for line in lines))

    async def type(self, script: str) -> str:
        process = await asyncio.create_subprocess_shell(
            f"set -e\n{script}",
            cwd=self.folder,
            env=dict(self.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(150):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()
