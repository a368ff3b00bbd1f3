"""`python -m backfill.examples.killmails`: what it prints, one line a fact, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.killmails import killmail_line


async def test_the_command_speaks_in_single_lines(database: str, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(killmail_line(1) + b"bad\n")
    (tmp_path / "bad.jsonl").write_bytes(b"bad\n")

    code, out, err = _run(database, "load", "good.jsonl", cwd=tmp_path)
    assert (code, out) == (6, "")
    assert 'error: relation "killmails" does not exist; run: python -m backfill.examples.killmails schema\n' in err
    assert _run(database, "schema", cwd=tmp_path)[0] == 0
    code, out, err = _run(database, "load", "good.jsonl", cwd=tmp_path)
    assert (code, out) == (0, "good.jsonl: 1 killmails with 0 items loaded, 0 already there; 1 bad lines\n")
    assert err == "good.jsonl:2: not JSON: Expecting value at character 1\n"
    code, out, err = _run(database, "load", "bad.jsonl", "absent.jsonl", "good.jsonl", cwd=tmp_path)
    assert (code, out[:24]) == (1, "good.jsonl: 0 killmails ")
    assert "error: bad.jsonl: no killmail could be loaded; bad lines: 1\n" in err
    assert "error: cannot read absent.jsonl: No such file or directory\n" in err
    assert _run(database, "generate", "--killmails", "3", cwd=tmp_path)[0] == 4
    assert _run(database, "generate", "--killmails", "3", "--first-id", "2", cwd=tmp_path)[0] == 0
    code, _, err = _run("postgresql://u:secret@127.0.0.1:1/none", "schema", cwd=tmp_path)
    assert code == 5
    assert "secret" not in err
    assert err.count("\n") == 1


def _run(database_url: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "backfill.examples.killmails", *arguments],
        env={**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
