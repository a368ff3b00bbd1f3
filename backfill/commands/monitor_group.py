"""How `backfill monitor` is called: as a command, as a group with `init`, and by Nagios, which always gets its line."""

import asyncio
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final, NoReturn

import click

from backfill import door
from backfill.console import UNWRITABLE, note
from backfill.errors import BackfillError
from backfill.invocation import CallGroup
from backfill.texts import in_a_line

CHECK: Final = "--check"
UNKNOWN: Final = 3


class MonitorGroup(CallGroup):
    """A lone `-` is a log; with --check whatever goes wrong is one line on stdout and exit code 3."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> click.Context:
        is_check = CHECK in args
        with answering() if is_check else nullcontext():
            context = super().make_context(info_name, args, *rest, **more)
        context.meta[CHECK] = is_check  # also where it stands behind a word that ends the options
        return context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [one for one in self.params if isinstance(one, click.Option) and not one.is_flag]
        with_value = {word for one in options for word in one.opts}
        words: list[str] = []
        for word in args:
            is_value = bool(words) and words[-1] in with_value
            words += ["--log", word] if word == "-" and not is_value else [word]
        return super().parse_args(ctx, words)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command {args[0]!r}; for a profile of that name: --profile {args[0]}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with answering() if ctx.meta[CHECK] else nullcontext():
            return super().invoke(ctx)


@contextmanager
def answering() -> Iterator[None]:
    """Around a check: whatever went wrong is the one line that Nagios shows, and exit code 3."""
    try:
        yield
    except click.ClickException as error:
        _end(error.format_message())
    except BackfillError as error:
        _end(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _end("interrupted")
    except BrokenPipeError:
        door.silence()
        sys.exit(UNKNOWN)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            _ours(error)
        door.silence()
        note(f"error: cannot write to stdout: {error.strerror}")
        sys.exit(UNKNOWN)
    except Exception as error:
        _ours(error)
    if door.is_closed():  # whoever calls it so sees no line, and may take exit code 0 for one
        sys.exit(UNKNOWN)


def _ours(error: Exception) -> NoReturn:
    door.trouble("".join(traceback.format_exception(error)))
    _end(f"a mistake of ours: {in_a_line(error)}; report it")


def _end(text: str) -> NoReturn:
    from backfill.monitor.render import nagios
    from backfill.monitor.report import Level

    try:
        door.line(nagios.said(Level.UNKNOWN, text))
    except OSError:
        door.silence()
    sys.exit(UNKNOWN)
