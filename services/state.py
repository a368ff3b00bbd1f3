"""The files that remember which services this project started, with their ports and passwords."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from backfill import owned, private
from backfill.errors import UsageError
from backfill.services import place
from backfill.services.containers import Container
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq

Server = Postgres | Rabbitmq | Container
KINDS: dict[str, type[Server]] = {"postgres": Postgres, "rabbitmq": Rabbitmq, "container": Container}


def read(folder: Path) -> dict[str, Server]:
    """The servers recorded in a folder by service name; empty when there are none."""
    place.check(folder)
    file = folder / "services.json"
    try:
        records = json.loads(owned.read(file))
        return {service: KINDS[kind](**fields) for service, (kind, fields) in records.items()}
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise UsageError(f"{file} belongs to another user; choose another folder") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is damaged ({error}); remove the folder {folder} and start again") from error


def write(folder: Path, servers: dict[str, Server]) -> None:
    """Record the servers, with all that it takes to stop and start them again."""
    names = {kind: name for name, kind in KINDS.items()}
    _replace(folder / "services.json", {service: (names[type(one)], asdict(one)) for service, one in servers.items()})


def write_urls(folder: Path, urls: dict[str, str]) -> None:
    """Tell every command where they answer, without its having to import anything from here."""
    _replace(folder / private.FILE, urls)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One command at a time changes the services of a folder; the lock ends with its process."""
    # Others may pass through, not look: the servers run under another account when we are root.
    place.make(folder)
    try:
        lock = open(owned.opened(folder / "services.lock", os.O_RDWR | os.O_CREAT), "w")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError(f"cannot write to {folder} ({error.strerror}); choose another folder") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(file: Path, value: object) -> None:
    """In one step, and so that only its owner can read it, since it holds passwords."""
    draft = file.with_name(f"{file.name}.new")
    with open(owned.opened(draft, os.O_WRONLY | os.O_CREAT), "w") as opened:
        opened.truncate()  # now that it is known whose it is
        json.dump(value, opened, indent=2)
    draft.replace(file)
