"""Whatever is asked of the server, in whatever form: it answers as its description says, and never breaks."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.operating import with_failures
from tests.support.serving import API, body, serving, token
from tests.support.world import World

SECONDS: Final = 20
CHECKS: Final = "not_a_server_error,content_type_conformance,response_schema_conformance"
PROGRAM: Final = str(Path(sys.executable).parent / "schemathesis")


async def test_nothing_that_is_asked_breaks_the_server(world: World, tmp_path: Path) -> None:
    await with_failures(world, partitions=7)
    made = await token(world)
    async with serving(world, token=made) as served:
        ended = await asyncio.to_thread(
            subprocess.run,
            [
                *(PROGRAM, "run", f"{served.url}{API}/openapi.json", f"--url={served.url}"),
                *(f"--header=Authorization: Bearer {made}", f"--checks={CHECKS}", f"--max-time={SECONDS}"),
                *("--phases=coverage,fuzzing", "--seed=12", "--max-examples=40", "--workers=2", "--no-shrink"),
                # It has no end while its job has none.
                *("--exclude-path-regex=stream$", "--request-timeout=20", "--generation-database=none", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-8_000:] + ended.stderr[-2_000:]
        assert body(await served.client.get("/healthz")) == {"status": "up"}
        assert "Traceback" not in served.command.output
        assert made not in served.command.output
