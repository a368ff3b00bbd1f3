"""One look of the monitor at a profile, by the command that people use."""

import asyncio
import json
import sys
from typing import Any, Final

from backfill.texts import one_line
from backfill.web.child import end, most_of
from backfill.web.monitor_models import MonitorReport

LOOK_SECONDS: Final = 90.0
END_SECONDS: Final = 5.0
MOST_BYTES: Final = 4 * 1024 * 1024  # of a report
MOST_SAID: Final = 2_000  # bytes of what it says beside it
PROGRAM: Final = "backfill.entry"


class LookError(Exception):
    """A look has given no report; the text says why."""


async def asked(profile: str) -> dict[str, Any]:
    """The report that `backfill monitor` prints of the profile; raises LookError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROGRAM, "monitor", "--profile", profile, "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            printed, said = await asyncio.gather(
                most_of(process.stdout, MOST_BYTES), most_of(process.stderr, MOST_SAID)
            )
            code = await process.wait()
    except TimeoutError:
        raise LookError(
            f"it was not done after {LOOK_SECONDS:g} s, and was ended; give its sources less time"
        ) from None
    finally:
        await end(process, END_SECONDS)
    return read(printed, said.decode(errors="replace"), code)


def read(printed: bytes, said: str, code: int) -> dict[str, Any]:
    """The report that was printed; raises LookError with what is known instead."""
    try:
        found = json.loads(printed)
        if "error" in found:
            raise LookError(one_line(found["error"]["text"]))
        return plain(found)
    except (ValueError, TypeError, KeyError):  # a ValidationError is the first of them
        last = one_line(said.strip().rpartition("\n")[2])
        raise LookError(f"the look ended with exit code {code} and no report: {last or 'it said nothing'}") from None


def plain(report: dict[str, Any]) -> dict[str, Any]:
    """The report as the API has it; raises ValidationError where it is none."""
    return MonitorReport.model_validate(report).model_dump(mode="json")
