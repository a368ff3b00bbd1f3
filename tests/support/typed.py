"""What a page shows being typed, and whether that prints what the page shows."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

LEFT_OUT = "…"
MARK = "=== ended with"


def sessions(text: str) -> list[tuple[str, list[str]]]:
    """The commands of all console blocks, each with the lines it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif line.strip():
                found[-1][1].append(line)
    return found


def examples(page: Path) -> dict[str, list[tuple[str, list[str]]]]:
    """The same by the heading that stands before them; what is printed may look like one itself."""
    titled: dict[str, str] = {}
    title, is_fenced = "", False
    for line in page.read_text().splitlines(keepends=True):
        is_fenced ^= line.startswith("```")
        if not is_fenced and (heading := re.match(r"#{1,3} (.*)", line)):
            title = heading[1]
        titled[title] = titled.get(title, "") + line
    return {title: found for title, text in titled.items() if (found := sessions(text))}


async def typed(
    commands: list[str], env: Mapping[str, str], folder: Path, deadline: float = 120
) -> list[tuple[int, list[str]]]:
    """The exit code of each command in one shell, and the lines that it prints, but for empty ones; stderr too."""
    script = "\n".join(f"{command}\necho '{MARK}' $?" for command in commands)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=folder,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(deadline):
            output, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):  # whatever it has left in the background
            os.killpg(process.pid, signal.SIGKILL)
    *parts, rest = re.split(rf"^{MARK} ", output.decode(), flags=re.MULTILINE)
    codes = [int(part.split("\n", 1)[0]) for part in [*parts[1:], rest]]
    texts = [parts[0], *(part.split("\n", 1)[1] for part in parts[1:])]
    lines = [[line for line in text.splitlines() if line.strip()] for text in texts]
    return list(zip(codes, lines, strict=True))


def alike(line: str) -> str:
    """A line without what differs from run to run: ids, rates, durations, ages, the width of columns."""
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line)
    line = re.sub(r"\d+\.\d s\b", "TIME s", line)
    line = re.sub(r"[\d,.]+/sec", "RATE/sec", line)
    line = re.sub(r"(\| +)\d+$", r"\1AGE", line)
    return re.sub(r"-+", "-", " ".join(line.split()))


def shows(shown: list[str], printed: list[str], alike: Callable[[str], str] = alike) -> bool:
    """Whether that is what was printed; the sign … stands for any number of lines."""
    pattern = "".join("(?:.*\n)*" if line == LEFT_OUT else re.escape(alike(line)) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{alike(line)}\n" for line in printed)) is not None
