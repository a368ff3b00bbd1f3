"""Processes that this server starts: what they print is bounded, and none outlives it."""

import asyncio
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536


async def most_of(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """So much of the end of what comes, however much comes."""
    taken = b""
    while stream is not None and (more := await stream.read(CHUNK)):
        taken = (taken + more)[-most:]
    return taken


async def end(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Ask it to end, then end it; each may take so long."""
    try:
        for how in (process.terminate, process.kill):
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    how()
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await process.wait()
    finally:
        if process.returncode is None:  # who waited has no more patience
            with suppress(ProcessLookupError):
                process.kill()
