"""How commands speak: data on stdout, everything else on stderr, rich only for people, one sentence for an error."""

import asyncio
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, NoReturn

import click

from backfill import door, log, private
from backfill import settings as settings_module
from backfill.errors import BackfillError
from backfill.settings import Settings
from backfill.texts import clean

EXIT_CODES = """\b
Exit codes: 0 done, 1 failure, 2 wrong call, setting or definition, 3 no such job, worker or message,
4 the job's state does not allow it, 5 PostgreSQL or RabbitMQ cannot be reached,
6 a table, column, index or the ledger is not as it must be,
7 wait, run: failed, or with failed records, 8 wait, run: cancelled,
9 wait, run, worker --burst: a job is paused until its definition or table is corrected,
70 a worker that could not interrupt a record, 75 wait, run: not ended in time, 130 interrupted,
143 ended by SIGTERM."""

UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)  # what printing fails with, but for a pipe's


def is_terminal() -> bool:
    """Whether a person looks at stdout, on a terminal that can move its cursor."""
    return not door.is_closed() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def print_json(value: dict[str, Any]) -> None:
    """One documented object; dates as ISO 8601, ids as strings."""
    door.exact(log.as_json({"schema_version": 1, **value}, _as_text) + "\n")


def print_error(text: str, exit_code: int) -> None:
    """The object of a command that was to print one and could not do its work."""
    with suppress(OSError):  # nobody can read it; the exit code tells as well
        print_json({"error": {"text": clean(text, door.MOST), "exit_code": exit_code}})


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def say(text: str) -> None:
    """A line of a long-running process on stdout; when nobody can read it any more the work goes on in silence."""
    try:
        door.logged(text, log.Level.INFO)
    except OSError:
        door.silence()


def note(text: str) -> None:
    """A line about what goes on, beside the data."""
    door.logged(text, log.Level.WARNING, beside=True)


@contextmanager
def reporting() -> Iterator[None]:
    """Around a command: a BackfillError becomes a line on stderr and its exit code, Ctrl-C becomes 130, SIGTERM 143."""
    try:
        yield
    except BackfillError as error:
        _end(error)
    except BaseExceptionGroup as group:
        known = _first_known(group)
        if known is None:
            raise
        _end(known)
    except KeyboardInterrupt:
        _interrupted("interrupted", 130)
    except asyncio.CancelledError:
        _interrupted("ended by SIGTERM", 143)
    except BrokenPipeError:
        # The reader has gone (`| head`): there is nobody left to tell.
        door.silence()
        sys.exit(0)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        door.silence()
        _end(BackfillError(f"cannot write to stdout: {error.strerror}"))


def _interrupted(how: str, code: int) -> NoReturn:
    note(how)
    if _wants_json():
        print_error(how, code)
    sys.exit(code)


def _end(error: BackfillError) -> NoReturn:
    note(f"error: {error}")
    if _wants_json():
        print_error(str(error), error.exit_code)
    sys.exit(error.exit_code)


def _wants_json() -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.params.get("as_json"))


def _first_known(group: BaseExceptionGroup[BaseException]) -> BackfillError | None:
    for error in group.exceptions:
        if isinstance(error, BackfillError):
            return error
        if isinstance(error, BaseExceptionGroup) and (found := _first_known(error)):
            return found
    return None


def read_settings(**flags: Any) -> Settings:
    """Settings for a command: flags, then the environment, then the private services for what is not set."""
    return _with_private_services(settings_module.read(**flags))


def _with_private_services(settings: Settings) -> Settings:
    """Fill URLs that are not set from the private services, when those run."""
    missing = [name for name in ("database_url", "rabbitmq_url") if not getattr(settings, name)]
    found = private.answering(settings.home / "services") if missing else {}
    if not found.keys() >= {*missing}:  # one of the two alone belongs to services that are starting or stopping
        return settings
    if "rabbitmq_url" in missing and not settings.rabbitmq_management_url:
        missing += [name for name in ("rabbitmq_management_url",) if name in found]
    return settings.model_copy(update={name: found[name] for name in missing})


app_option = click.option(
    "--app", metavar="MODULE[:CLASS]", help="Where your definitions are.  [env var: BACKFILL_APP]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="How lines are written.  [env var: BACKFILL_LOG_FORMAT]",
)
