"""Free loopback ports for private services."""

import random
import socket

from backfill.errors import UnreachableError

# Below Linux's range for outgoing connections: one of those could take a port while its server restarts.
FIRST, LAST = 20_000, 32_000


def free_block(size: int) -> int:
    """The first of ``size`` consecutive free ports, at a random place so that parallel runs rarely meet."""
    for _ in range(200):
        start = random.randrange(FIRST, LAST - size)  # noqa: S311 - spread, not secrecy
        if all(is_free(port) for port in range(start, start + size)):
            return start
    raise UnreachableError(f"no {size} free loopback ports between {FIRST} and {LAST}; stop something first")


def is_free(port: int) -> bool:
    """True when a server could listen there now."""
    # Bound, not looked up with psutil: a list of sockets does not say what the kernel will allow.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when something accepts a connection there."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
