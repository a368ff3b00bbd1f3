"""The door: whatever is printed leaves through here, and no record can make it say what we did not.

A line of ours is one line, whatever stands in it. A text has several lines, or fields, only because we print it so.
"""

import csv
import io
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from backfill import log
from backfill.texts import one_line

MOST: Final = 10_000  # characters of a field
CHUNK: Final = 65_536  # characters of CSV that are written at once


def line(*fields: object, beside: bool = False) -> None:
    """Print the fields as one line, with tabs between them; `beside` the data, which means on stderr."""
    _print("\t".join(one_line(field, MOST) for field in fields) + "\n", beside)


def lines(text: str, *, beside: bool = False) -> None:
    """Print a text of our own, of as many lines as it has; what stands in them is to be on one line each already."""
    _print("".join(f"{one_line(one, sys.maxsize)}\n" for one in text.removesuffix("\n").split("\n")), beside)


def exact(text: str, *, beside: bool = False) -> None:
    """Print what programs read and must have as it is: JSON, whose strings hide whatever is in them."""
    _print(text, beside)


def logged(text: str, level: log.Level, *, beside: bool = False) -> None:
    """Print a line of what goes on, of text or of JSON as was asked for; nothing where it matters too little."""
    if (told := log.line(text, level)) is not None:
        if log.is_json():
            exact(f"{told}\n", beside=beside)
        else:
            line(told, beside=beside)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, quoting: Any = csv.QUOTE_MINIMAL) -> None:
    """Print CSV, exact in a pipe or a file; a terminal, which no program reads, gets each row on one line."""
    seen = not is_closed() and sys.stdout.isatty()
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=quoting, lineterminator="\n" if seen else "\r\n")
    for row in (columns, *rows):
        writer.writerow([one_line(cell, MOST) for cell in row] if seen else row)
        if buffer.tell() > CHUNK:
            exact(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()
    exact(buffer.getvalue())


def confirmed(question: str) -> bool:
    """Ask on the terminal."""
    import click  # a process that computes has the door too, and is to start quickly

    return click.confirm(_fit(one_line(question), sys.stderr), err=True)


def silence() -> None:
    """Nobody can read stdout any more: what is printed from now on goes nowhere, and the work goes on."""
    if not is_closed():
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_closed() -> bool:
    """Whether stdout was closed before this process began, so that nobody wants to read it."""
    stdout: TextIO | None = sys.stdout
    return stdout is None


def guard() -> None:
    """From now on what nobody has foreseen passes here too: tracebacks, warnings, and what libraries log for nobody."""

    def uncaught(error: BaseException | None, where: str = "") -> None:
        if not isinstance(error, SystemExit):  # how a thread may end
            trouble(where + "".join(traceback.format_exception(error)))

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del file, line
        trouble(f"warning: {filename}:{lineno}: {category.__name__}: {one_line(message)}")

    sys.excepthook = lambda _, error, __: uncaught(error)
    threading.excepthook = lambda found: uncaught(found.exc_value)
    sys.unraisablehook = lambda found: uncaught(found.exc_value, f"Exception ignored in: {one_line(found.object)}\n")
    warnings.showwarning = warned
    logging.lastResort = _Unhandled(logging.WARNING)


def trouble(text: str) -> None:
    """Print what nobody has foreseen: the lines behind the first are marked, so that none can pass for one of ours."""
    if log.is_json():
        logged(text if text.startswith("warning: ") else f"error: {text}", log.Level.ERROR, beside=True)
        return
    first, *rest = text.rstrip("\n").split("\n")
    lines("\n".join([first, *(f"| {one}" for one in rest)]), beside=True)


class Troubles(io.TextIOBase):
    """For whoever wants a stream to write what nobody has foreseen to."""

    def write(self, text: str) -> int:
        if text.strip():
            trouble(text)
        return len(text)


class _Unhandled(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = f"{record.levelname.lower()}: {record.name}: {one_line(record.getMessage(), MOST)}"
            more = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
            trouble(f"{said}\n{more}")
        except Exception:  # as every handler: what is logged never stops the work
            self.handleError(record)


def _print(text: str, beside: bool) -> None:
    stream: TextIO | None = sys.stderr if beside else sys.stdout
    if stream is None:  # it was closed before this began: nobody wants to read it
        return
    stream.write(_fit(text, stream))  # not click's echo, which takes colours out of what is to be exact
    stream.flush()


def _fit(text: str, stream: TextIO) -> str:
    """What the stream's encoding has of the text."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
