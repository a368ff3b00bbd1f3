"""What was found without a word is known again at the next look, also when it is gone."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from backfill.commands import main as backfill
from tests.support.groups import AGAIN_AND_AGAIN
from tests.support.waiting import eventually


def looked() -> tuple[str, set[str]]:
    result = CliRunner().invoke(backfill, ["monitor", "--json"], prog_name="backfill")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    return report["state"], {one["kind"] for one in report["sources"]}


def test_a_writer_that_was_found_and_is_gone_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    name = f"load_{secrets.token_hex(4)}.sh"
    line = "printf '%(%FT%TZ)T Worker 1: Block %d\\n' -1 $((n += 1))"
    Path(name).write_text("export TZ=UTC; " + AGAIN_AND_AGAIN.format(line))
    with subprocess.Popen(["bash", "-c", f"exec bash {name} > load.log"], start_new_session=True) as writer:
        try:
            asyncio.run(eventually(lambda: Path("load.log").exists() and Path("load.log").stat().st_size))
            assert looked() == ("running", {"log", "process"})
        finally:
            os.killpg(writer.pid, signal.SIGKILL)
    assert looked() == ("dead", {"log", "process"})
