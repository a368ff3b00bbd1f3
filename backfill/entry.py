"""Where the commands begin: from the first import on, Ctrl-C is a word and an exit code, never a traceback."""

import resource
import sys
from typing import Any


def leave_no_core() -> None:
    """What we hold, passwords among it, is not written down when we crash; `prlimit --core` may say otherwise."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def run(module: str, **given: Any) -> None:
    """Import a command's module and give its `main` the command line."""
    leave_no_core()
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


if __name__ == "__main__":  # for whoever starts one of ours with this interpreter
    main()
