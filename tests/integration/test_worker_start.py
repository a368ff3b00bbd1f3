"""A worker that is told to stop while it starts: it has nothing in hand, and ends in order."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import eventually
from tests.support.world import World

TELLING = """
import os, signal
os.kill(os.getpid(), signal.SIGTERM)
"""


async def test_a_worker_that_is_told_to_stop_while_its_app_is_imported_ends_in_order(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "telling.py").write_text(TELLING)
    worker = world.worker(BACKFILL_APP="telling", PYTHONPATH=f"{tmp_path}:{world.env.get('PYTHONPATH', '')}")

    assert await worker.wait() == 0
    assert worker.output == ""


async def test_a_worker_is_not_kept_by_a_database_that_does_not_answer(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        worker = world.worker(DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/nothing")
        await eventually(lambda: "Prefetch:" in worker.output)
        worker.kill(signal.SIGTERM)

        assert await worker.wait() == 0, worker.output
    assert "error" not in worker.output  # which is what comes of an answer that is waited for


def test_it_listens_before_anything_that_takes_time_is_loaded() -> None:
    code = """
import sys
import backfill.workers.entry
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"asyncio", "asyncpg", "aio_pika", "click", "pydantic"}, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_the_command_is_the_one_that_listens_early() -> None:
    program = Path(sys.executable).parent / "backfill-worker"
    assert "from backfill.workers.entry import main" in program.read_text(), "install anew: pip install -e ."
