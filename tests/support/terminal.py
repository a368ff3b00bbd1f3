"""Our commands on a terminal of their own, and what they have written to it."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.support.forking import Forked

WIDE = 2_000  # so that no line is wrapped


async def shown(name: str, *arguments: str, env: Mapping[str, str], deadline: float = 60) -> tuple[int, str]:
    """Run one of our commands on a wide terminal; its exit code, and all that it has written."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 200, WIDE, 0, 0))
    environment = {key: value for key, value in env.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = Forked(name, arguments, environment | {"TERM": "xterm-256color"}, theirs, Path())
    os.close(theirs)
    reading = asyncio.create_task(asyncio.to_thread(_read, ours))
    code = await asyncio.to_thread(process.wait, deadline)
    return code, (await reading).decode()


def _read(ours: int) -> bytes:
    found = b""
    with open(ours, "rb", buffering=0) as stream:
        while True:
            try:
                part = stream.read(65_536)
            except OSError:  # nobody has the other end any more
                return found
            if not part:
                return found
            found += part
