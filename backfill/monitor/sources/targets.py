"""Whether what the work goes to, or comes from, can be reached."""

import asyncio
import errno
import socket
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from backfill.monitor import aside
from backfill.monitor.profile import Profile, TargetSource
from backfill.monitor.readings import Reading, Remembered, Target
from backfill.monitor.surroundings import Surroundings
from backfill.texts import one_line

Place: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
MOST_PLACES: Final = 8  # of one name
WHY: Final = {
    errno.ECONNREFUSED: "it refuses the connection: nothing listens there",
    errno.EHOSTUNREACH: "there is no way to the host",
    errno.ENETUNREACH: "there is no way to its network",
    errno.EHOSTDOWN: "the host is down",
}


async def read(
    source: TargetSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """How long it takes to connect, or why that cannot be done."""
    del profile
    reading = Reading(name(source), "target", where.now())
    began = time.monotonic()
    why = await _why_not(source)
    milliseconds = (time.monotonic() - began) * 1000
    reading.target = Target(source.address, None if why else milliseconds, why)
    reading.seen = f"cannot be reached: {why}" if why else f"connected in {milliseconds:.0f} ms"
    return reading, remembered


def name(source: TargetSource) -> str:
    """What the source is called in a report."""
    return f"target {one_line(source.address, 100)}"


async def _why_not(source: TargetSource) -> str | None:
    host, _, port = source.address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not 0 < int(port) < 65_536:
        return f"there is no port {port}"
    try:
        async with asyncio.timeout(source.timeout):
            return await _reached(await _found(host, int(port)))
    except TimeoutError:
        return f"no answer within {source.timeout:g} s"
    except socket.gaierror as error:
        return f"there is no host {one_line(host, 100)} ({one_line(error.strerror)})"
    except UnicodeError:
        return f"there is no host {one_line(host, 100)}: no name is like that"
    except OSError as error:
        return _said(error)


async def _found(host: str, port: int) -> Sequence[Place]:
    """The addresses of a name; looked up in a thread that nobody waits for, as a resolver takes its time."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return await asyncio.get_running_loop().run_in_executor(aside.Threads(), look_up)


async def _reached(places: Sequence[Place]) -> str | None:
    """None once one of the addresses is reached, all of them tried at once; else why the first is not."""
    tries = [asyncio.create_task(_connect(place)) for place in places[:MOST_PLACES]]
    left = set(tries)
    try:
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            if any(one.result() is None for one in done):
                return None
        return tries[0].result() if tries else "its name has no address"
    finally:
        for one in left:
            one.cancel()
        if left:
            await asyncio.wait(left)


async def _connect(place: Place) -> str | None:
    family, kind, protocol, _, address = place
    try:
        with socket.socket(family, kind, protocol) as link:
            link.setblocking(False)
            await asyncio.get_running_loop().sock_connect(link, address)
    except OSError as error:
        return _said(error)
    return None


def _said(error: OSError) -> str:
    return WHY.get(error.errno or 0) or one_line(error.strerror or error, 200)
