"""A stdout that is closed or full never makes a check say that all is well, nor prints a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "from backfill.commands import main; main(prog_name='backfill')"


@pytest.mark.parametrize(
    ("words", "into", "code", "said"),
    [
        (["--check"], ">&-", 3, ""),
        (["--check"], ">/dev/full", 3, "error: cannot write to stdout: No space left on device\n"),
        (["--check", "--nonsense"], ">/dev/full", 3, ""),
        (["--json"], ">&-", 0, ""),
        (["--markdown"], ">/dev/full", 1, "error: cannot write to stdout: No space left on device\n"),
    ],
)
def test_a_stdout_that_takes_nothing(tmp_path: Path, words: list[str], into: str, code: int, said: str) -> None:
    (tmp_path / "x.log").write_text("Worker 1: 10% complete\n")
    command = ["sh", "-c", f'exec "$@" {into}', "sh", sys.executable, "-c", PROGRAM, "monitor", "--log", "x.log"]
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    ended = subprocess.run([*command, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (code, said)
