"""Where the commands begin: from the first import on, Ctrl-C is a word and an exit code, never a traceback."""

import sys
from typing import Any


def run(module: str, **given: Any) -> None:
    """Import a command's module and give its `main` the command line."""
    try:
        from importlib import import_module

        import_module("backfill.door").guard()
        import_module(module).main(**given)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def main() -> None:
    """`backfill`."""
    run("backfill.commands")
