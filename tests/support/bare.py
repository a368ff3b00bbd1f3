"""Interpreters in which a package is missing, without the start of one each.

They are forked from a process that has imported what others wrote and nothing of ours: whatever of ours is run imports
itself anew, and finds what it is meant to find. Run as a script this file is that process: a line of JSON is a request.
"""

import atexit
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NoReturn

from tests.support.forking import end_with

ROOT: Final = Path(__file__).parents[2]
# What nearly every command needs, and nothing that any test takes away but FastAPI, which is taken away all the same.
OF_OTHERS: Final = (
    *("aio_pika", "asyncpg", "click", "fastapi", "pydantic_settings", "tenacity"),
    *("rich.console", "rich.live", "rich.progress", "rich.table"),
)


def run(
    code: str, *arguments: str, missing: tuple[str, ...], env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """What `python -c` with this code would do in the root of the project where these packages are not installed."""
    with TemporaryFile() as out, TemporaryFile() as err:
        request = {"code": code, "argv": ["-c", *arguments], "missing": missing, "env": dict(env or os.environ)}
        streams = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        parent = _parent()
        assert parent.stdin
        assert parent.stdout
        parent.stdin.write(json.dumps(request | {"streams": streams}) + "\n")
        parent.stdin.flush()
        returncode = int(parent.stdout.readline())
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess([code, *arguments], returncode, out.read().decode(), err.read().decode())


@cache
def _parent() -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.bare"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate)  # it ends with its input
    return process


def main() -> None:
    """Fork whatever is asked for, one after the other, and tell how each has ended."""
    for name in OF_OTHERS:
        importlib.import_module(name)
    while line := sys.stdin.readline():
        pid = os.fork()
        if not pid:
            _become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(code: str, argv: list[str], missing: list[str], env: dict[str, str], streams: list[str]) -> NoReturn:
    for name, descriptor in zip(streams, (1, 2), strict=True):
        os.dup2(os.open(name, os.O_WRONLY | os.O_APPEND), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(env)
    sys.argv, sys.path[0] = argv, ""
    for name in [name for name in sys.modules if name.partition(".")[0] in missing]:
        del sys.modules[name]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]
    assert not any(name.partition(".")[0] == "backfill" for name in sys.modules)
    ended: object = 0
    try:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - a test's own words
    except SystemExit as error:
        ended = error.code
    end_with(ended)


if __name__ == "__main__":
    main()
