"""Whatever is asked of the server, in whatever form: it answers as its description says, and never breaks."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support import reading
from tests.support.operating import with_failures
from tests.support.serving import API, body, serving, token
from tests.support.world import World

pytestmark = pytest.mark.long

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 20
CHECKS: Final = "not_a_server_error,content_type_conformance,response_schema_conformance"
OF_A_READER: Final = f"{CHECKS},{reading.changes_nothing.__name__}"
LEDGER: Final = (
    "SELECT (SELECT count(*) FROM backfill_events), (SELECT array_agg(j::text ORDER BY id) FROM backfill_jobs j)"
)
PROGRAM: Final = str(Path(sys.executable).parent / "schemathesis")


@pytest.mark.parametrize(
    ("role", "checks", "phases"), [("operate", CHECKS, "coverage,fuzzing"), ("read", OF_A_READER, "coverage")]
)
async def test_nothing_that_is_asked_breaks_the_server_and_a_reader_changes_nothing(
    world: World, tmp_path: Path, role: str, checks: str, phases: str
) -> None:
    await with_failures(world, partitions=7)
    made = await token(world, role=role)
    before = await world.fetch(LEDGER)
    async with serving(world, token=made) as served:
        ended = await asyncio.to_thread(
            subprocess.run,
            [
                *(PROGRAM, "run", f"{served.url}{API}/openapi.json", f"--url={served.url}"),
                *(f"--header=Authorization: Bearer {made}", f"--checks={checks}", f"--max-time={SECONDS}"),
                *(f"--phases={phases}", "--seed=12", "--max-examples=40", "--workers=1", "--no-shrink"),
                # It has no end while its job has none.
                *("--exclude-path-regex=stream$", "--request-timeout=60", "--generation-database=none", "--no-color"),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": reading.__name__, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-8_000:] + ended.stderr[-2_000:]
        assert body(await served.client.get("/healthz")) == {"status": "up"}
        assert "Traceback" not in served.command.output
        assert made not in served.command.output
    if role == "read":
        assert await world.fetch(LEDGER) == before
