"""What kind of line is written: text for people or JSON for programs, from a level on, and what it is about.

Kept in context variables, so that whoever has a line to say need not know: a task that works on a partition says what
it is about, and each line of it has that.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from backfill.texts import one_line

MOST: Final = 8_000  # characters of a message
# What a line says of itself where it is text.
PREFIXES: Final = {"warning: ": "WARNING", "error: ": "ERROR"}


class Level(IntEnum):
    """How much a line matters."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True)
class Style:
    """How this command writes its lines."""

    level: Level = Level.INFO
    as_json: bool = False
    worker: UUID | None = None


_style: ContextVar[Style] = ContextVar("style", default=Style())  # noqa: B039 - frozen
_fields: ContextVar[dict[str, Any]] = ContextVar("fields")
_level: ContextVar[Level | None] = ContextVar("level", default=None)


def use(level: str, form: str, worker: UUID | None = None) -> None:
    """Write lines so from now on: debug, info or warning; as text or json."""
    _style.set(Style(Level[level.upper()], form == "json", worker))


def is_json() -> bool:
    return _style.get().as_json


def is_debugging() -> bool:
    return _style.get().level <= Level.DEBUG


def regard(job: UUID, partition: str | None = None) -> None:
    """What this task says from now on is about the job, or a partition of it."""
    _fields.set(_fields.get({}) | _place(job, partition))


@contextmanager
def about(job: UUID, partition: str | None = None) -> Iterator[None]:
    """What is said within is about the job, or a partition of it."""
    with having(**_place(job, partition)):
        yield


def _place(job: UUID, partition: str | None) -> dict[str, str]:
    return {"job": str(job)} | ({} if partition is None else {"partition": partition})


@contextmanager
def having(**fields: Any) -> Iterator[None]:
    """What is said within has these fields as well."""
    token = _fields.set(_fields.get({}) | fields)
    try:
        yield
    finally:
        _fields.reset(token)


def warn(say: Callable[[str], None], text: str) -> None:
    """Say it as a warning."""
    with _at(Level.WARNING):
        say(text)


def debug(say: Callable[[str], None], text: str, **fields: Any) -> None:
    """Say it for whoever asks for every step; JSON has the fields too."""
    with _at(Level.DEBUG), having(**fields):
        say(text)


def weighed(text: str, default: Level = Level.INFO) -> tuple[Level, str]:
    """How much a line matters that is said now, and the line without what says so."""
    for prefix, name in PREFIXES.items():
        if text.startswith(prefix):
            return Level[name], text.removeprefix(prefix)
    return _level.get() or default, text


def line(text: str, default: Level = Level.INFO) -> str | None:
    """The line to write, of JSON where that is asked for; None for one that matters less than what is asked for."""
    style = _style.get()
    level, message = weighed(text, default)
    if level < style.level:
        return None
    if not style.as_json:
        return text  # of one line only at the door
    record: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level.name.lower(),
        "message": one_line(message, MOST),
    }
    if style.worker is not None:
        record["worker"] = str(style.worker)
    return as_json(record | _fields.get({}))


def as_json(value: dict[str, Any], default: Callable[[Any], str] = str) -> str:
    """The object on one line, and exact: every sign that could rule a terminal is written as JSON has it."""
    return json.dumps(value, default=default).replace("\x7f", "\\u007f")  # the one control that `dumps` lets pass


@contextmanager
def _at(level: Level) -> Iterator[None]:
    token = _level.set(level)
    try:
        yield
    finally:
        _level.reset(token)
