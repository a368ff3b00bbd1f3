"""One look of the monitor at a profile, by the command that people use."""

import asyncio
import json
import sys
from typing import Any, Final

from backfill.monitor.profile import SECTIONS, Profile
from backfill.monitor.surroundings import AT_ONCE, MARGIN_SECONDS
from backfill.texts import one_line
from backfill.web.child import end, most_of
from backfill.web.models.monitor import MonitorReport

LEAST_SECONDS: Final = 90.0  # that a look may take
MOST_SECONDS: Final = 900.0
OWN_SECONDS: Final = 30.0  # to start, to judge, and to end what hangs
SOURCE_SECONDS: Final = 30.0  # of a source that has no timeout to set
END_SECONDS: Final = 5.0
MOST_BYTES: Final = 4 * 1024 * 1024  # of a report
MOST_SAID: Final = 2_000  # bytes of what it says beside it
PROGRAM: Final = "backfill.entry"


class LookError(Exception):
    """A look has given no report; the text says why."""


def seconds(profile: Profile) -> float:
    """How long a look at the profile may take: as long as its sources may, which are asked at once."""
    sources = [one for kind in SECTIONS for one in getattr(profile, kind)]
    longest = max((getattr(one, "timeout", SOURCE_SECONDS) for one in sources), default=0.0)
    rounds = -(-len(sources) // AT_ONCE)
    return min(max(LEAST_SECONDS, OWN_SECONDS + rounds * (longest + MARGIN_SECONDS)), MOST_SECONDS)


async def asked(profile: str, most: float) -> dict[str, Any]:
    """The report that `backfill monitor` prints of the profile within so many seconds; raises LookError.

    Numbers are read once, as the server looks again: the rate comes of its second look.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backfill.web.bound", PROGRAM),
        *("monitor", "--profile", profile, "--json", "--gap", "0"),
        stdin=asyncio.subprocess.PIPE,  # it ends when nobody holds the other end any more
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(most):
            printed, said = await asyncio.gather(
                most_of(process.stdout, MOST_BYTES), most_of(process.stderr, MOST_SAID)
            )
            code = await process.wait()
    except TimeoutError:
        raise LookError(f"it was not done after {most:g} s, and was ended; give its sources less time") from None
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
