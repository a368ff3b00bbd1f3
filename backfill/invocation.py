"""What a command line itself gets wrong, told as the commands tell their errors."""

import io
import sys
from collections.abc import Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from backfill import door, settings
from backfill.console import note, print_error
from backfill.texts import one_line

# Where a group is called without a command: the message is the help, in lines of ours.
HELP: Final[Any] = getattr(click.exceptions, "NoArgsIsHelpError", ())


class Call(click.Command):
    """Ends with a documented exit code whatever is typed; with `--json` there is an object for each error too."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **more: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(words, prog_name, complete_var, standalone_mode, **more)
        try:
            code = super().main(words, prog_name, complete_var, standalone_mode=False, **more)
        except click.ClickException as error:
            message = error.format_message()
            _tell(error)
            if "--json" in words:
                print_error(message, error.exit_code)
            sys.exit(error.exit_code)
        except click.Abort:  # Ctrl-C, or the end of the input, where a question was asked
            note("interrupted")
            if "--json" in words:
                print_error("interrupted", 130)
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


class CallGroup(Call, click.Group):
    """The same for commands that belong together."""


def _tell(error: click.ClickException) -> None:
    """As click lays it out; the words of the call that it repeats may be anything, and stay on their line."""
    said, message = io.StringIO(), error.format_message()
    if not isinstance(error, HELP):
        error.format_message = lambda: one_line(message)  # type: ignore[method-assign]
    error.show(said)
    door.lines(said.getvalue(), beside=True)


class SettingsCommand(Call):
    """A command whose help ends with the settings it reads."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Settings (environment variables; flags win)"):
            formatter.write_dl(
                [
                    (name, f"{meaning}  [default: {default}]" if default else meaning)
                    for _, name, default, meaning in settings.described()
                ]
            )
        super().format_epilog(ctx, formatter)


def given() -> set[str]:
    """What stands on the command line, without its values."""
    context = click.get_current_context()
    return {
        one.opts[0] if isinstance(one, click.Option) else one.make_metavar(context)
        for one in context.command.params
        if one.name and context.get_parameter_source(one.name) is ParameterSource.COMMANDLINE
    }
