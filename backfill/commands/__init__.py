"""The `backfill` command. A command is: parse, build, call one function, print."""

import importlib
from typing import Any

import click

from backfill import __version__
from backfill.console import EXIT_CODES
from backfill.invocation import CallGroup

# Name -> module and attribute; the module, and the network libraries with it, is imported when it is called. The server
# has a program of its own, in a package that nothing here may need: its module is a name among others until then.
COMMANDS = {
    "init": ("init", "init"),
    "run": ("run", "run_"),
    "status": ("status", "status"),
    "list": ("list", "list_"),
    "failures": ("failures", "failures"),
    "events": ("events", "events"),
    "report": ("ticket", "report"),
    "wait": ("wait", "wait"),
    "pause": ("verbs", "pause"),
    "resume": ("verbs", "resume"),
    "cancel": ("verbs", "cancel"),
    "retry": ("change", "retry"),
    "set": ("change", "set_"),
    "reset-stuck": ("verbs", "reset_stuck"),
    "delete": ("delete", "delete"),
    "monitor": ("monitor", "monitor"),
    "workers": ("workers", "workers"),
    "limits": ("limits", "limits"),
    "queues": ("queues", "queues"),
    "purge": ("purge", "purge"),
    "dead": ("dead", "dead"),
    "definitions": ("definitions", "definitions"),
    "check": ("check", "check"),
    "new": ("new", "new"),
    "sql": ("sql", "sql"),
    "metrics": ("metrics", "metrics"),
    "serve": ("backfill.web.command", "main"),
    "token": ("token", "token"),
    "drip": ("drip", "drip"),
    "settings": ("settings", "settings"),
    "services": ("services", "services"),
    "demo": ("demo", "demo"),
}


class LazyGroup(CallGroup):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*COMMANDS]  # `list` is a module of this package, once that has been imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        path = module if "." in module else f"backfill.commands.{module}"
        command: click.Command = getattr(importlib.import_module(path), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every summary whole: the usual list cuts them to a line."""
        found = [(name, self.get_command(ctx, name)) for name in COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=200)) for name, one in found if one])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES
    + """

\b
Examples:
  backfill init
  backfill status latest
  backfill failures latest --json""",
)
@click.version_option(__version__, package_name="backfill-toolkit")
def main(**_: Any) -> None:
    """See and steer backfill jobs."""
