"""The demo leaves nothing behind, however it ends."""

import signal

import pytest

from tests.support.waiting import eventually
from tests.support.world import World

OWN = "SELECT count(*) FROM pg_database WHERE datname LIKE 'backfill_demo_%' AND datname = ANY ($1)"
DATABASES = "SELECT array_agg(datname::text) FROM pg_database WHERE datname LIKE 'backfill_demo_%'"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
async def test_a_signal_takes_what_was_started_away(world: World, number: signal.Signals, code: int) -> None:
    before = set(await world.value(DATABASES) or ())
    demo = world.run("backfill", "demo", "--killmails=1000", "--workers=1")
    await eventually(lambda: "killmails\n$ python" in demo.output, deadline=20, what="the demo's first killmails")
    made = list(set(await world.value(DATABASES)) - before)
    assert made

    demo.kill(number)

    assert await demo.wait() == code, demo.output
    assert "Traceback" not in demo.output
    assert await world.value(OWN, made) == 0
