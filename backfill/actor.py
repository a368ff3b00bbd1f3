"""Who gives a command, for the events of a job."""

import getpass
import socket
from typing import Final

WORKER: Final = "worker"  # what a worker does of its own accord


def actor() -> str:
    """The person at this machine, such as ada@build-7."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
