"""The demo shows a page, and leaves nothing behind, however it ends."""

import json
import re
import signal
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.operating import ask
from tests.support.waiting import eventually
from tests.support.world import World

# It takes a minute where the machine has something else to do.
pytestmark = pytest.mark.timeout(500)
OWN = "SELECT count(*) FROM pg_database WHERE datname LIKE 'backfill_demo_%' AND datname = ANY ($1)"
DATABASES = "SELECT array_agg(datname::text) FROM pg_database WHERE datname LIKE 'backfill_demo_%'"


async def gone(world: World, made: list[str]) -> None:
    """Another test's demo on the same server may have made one of them, and takes it away when it ends."""

    async def none() -> bool:
        assert await world.value(OWN, made) == 0
        return True

    await eventually(none, deadline=150, what="no database of the demo's")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
async def test_a_signal_takes_what_was_started_away(world: World, number: signal.Signals, code: int) -> None:
    before = set(await world.value(DATABASES) or ())
    demo = world.run("backfill", "demo", "--killmails=1000", "--workers=1")
    await eventually(lambda: "killmails\n$ python" in demo.output, deadline=180, what="the demo's first killmails")
    made = list(set(await world.value(DATABASES)) - before)
    assert made
    (told,) = Path(world.env["BACKFILL_HOME"]).glob("demo-*/urls.json")  # noqa: ASYNC240 - there is one
    assert stat.S_IMODE(told.stat().st_mode) == 0o600
    assert json.loads(told.read_text())["database_url"].rpartition("/")[2] in made

    demo.kill(number)

    assert await demo.wait() == code, demo.output
    assert "Traceback" not in demo.output
    assert not told.parent.exists()
    await gone(world, made)


async def test_it_keeps_everything_up_until_ctrl_c_if_asked_to(world: World) -> None:
    before = set(await world.value(DATABASES) or ())
    demo = world.run("backfill", "demo", "--killmails=1000", "--workers=1", "--keep")
    states: set[str] = set()

    async def stays() -> bool:
        """Meanwhile it is watched from beside it, and nothing is said of where it runs."""
        beside = await ask(world, "monitor", "--json")
        assert beside.code == 0, beside
        states.add(beside.json["state"])
        return "Ctrl-C ends all of it" in demo.output

    await eventually(stays, deadline=180, what="a demo that stays")

    async def finished() -> dict[str, Any]:
        seen = (await ask(world, "monitor", "--json")).json
        assert (seen["state"], seen["level"], seen["kind"]) == ("finished", "ok", "database"), seen
        return seen

    seen = await eventually(finished)
    assert "killmail_values" in seen["headline"]
    assert {one["name"]: one["value"] for one in seen["stats"]}["rows"] == 1_000, seen
    assert states <= {"unknown", "stuck", "running", "paused", "finished"}, states  # none that it never was in
    assert len(states) > 1, "it was seen at work, or before"

    async def checked() -> bool:
        answer = await ask(world, "monitor", "--check")
        assert answer.out.startswith("OK - finished: killmail_values "), answer
        return True

    await eventually(checked)
    made = list(set(await world.value(DATABASES)) - before)
    found = re.search(r"Open (http://127\.0\.0\.1:\d+)/ and start a job there", demo.output)
    assert found, demo.output

    async with httpx.AsyncClient(base_url=found[1], timeout=20, trust_env=False) as client:
        job = (await client.get("/api/v1/backfill/jobs/latest")).json()
        assert (job["state"], job["matched"]) == ("completed", 1_000)
        wanted = {"mode": "all", "batch_size": 100}
        assert (await client.post("/api/v1/backfill/jobs", json=wanted)).status_code == 202

        async def worked_on() -> bool:
            return bool((await client.get("/api/v1/backfill/jobs/latest")).json()["state"] == "completed")

        await eventually(worked_on, deadline=60, what="a job that was started on the page")
    demo.kill(signal.SIGINT)

    assert await demo.wait() == 0, demo.output
    assert "Traceback" not in demo.output
    await gone(world, made)
