"""`requires`: what must have been completed before a job is opened, and the ways on where it was not."""

import re
import signal
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from backfill import application, required
from backfill.ledger import requirements
from backfill.producers.command import main as queue
from tests.support.operating import Answer, ask, done, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

APP = "tests.support.chained"
PAGE = Path(__file__).parents[2] / "docs" / "killmails.md"


@pytest.fixture
async def world(world: World) -> World:
    world.definition = f"{APP}:Derived"
    await world.rows(20)
    return world


async def asked(world: World, *arguments: str) -> Answer:
    return await ask(world, *arguments, command=queue, BACKFILL_APP=APP)


async def queued(world: World, *arguments: str) -> UUID:
    answer = await asked(world, *arguments, "--json")
    assert answer.code == 0, answer
    return UUID(answer.json["job"])


async def source_completed(world: World, *arguments: str) -> UUID:
    job = await queued(world, "source", "--mode=all", *arguments)
    async with working(world, BACKFILL_APP=APP):
        await until(world, "completed", job)
    return job


async def jobs(world: World) -> list[str]:
    return [row[0] for row in await world.fetch("SELECT asset_name FROM backfill_jobs ORDER BY created_at")]


async def refused(world: World, why: str, *arguments: str) -> None:
    before = await jobs(world)
    answer = await asked(world, *(arguments or ("derived",)))
    assert (answer.code, await jobs(world)) == (4, before), answer
    assert why in answer.err
    assert answer.err.count("error: ") == 1
    for way in ("--wait-for-required", "--open-required", "by hand: backfill-queue "):
        assert way in answer.err


async def test_nothing_is_opened_before_what_it_requires_is_completed(world: World) -> None:
    await refused(world, "derived requires source first, but source was never completed")
    job = await queued(world, "source")
    await refused(world, f"source is active (job {job} is pending)")
    async with working(world, BACKFILL_APP=APP):
        await until(world, "completed", job)
        await until(world, "completed", await queued(world, "derived"))
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20


async def test_of_several_that_have_ended_the_last_one_counts(world: World) -> None:
    await source_completed(world)
    second = await queued(world, "source", "--mode=all")
    await done(world, "cancel", str(second), "--reason=wrong")
    await refused(world, f"job {second} of source was cancelled")


@pytest.mark.parametrize("part", ["--limit=5", "--id=3", "--after=10"])
async def test_a_job_about_a_part_neither_meets_it_nor_undoes_it(world: World, part: str) -> None:
    await source_completed(world, part)
    await refused(world, "source was never completed")
    await source_completed(world)
    await done(world, "cancel", str(await queued(world, "source", "--mode=all", part)), "--reason=wrong")
    assert await queued(world, "derived")


async def test_failed_records_of_it_are_said_and_do_not_refuse(world: World) -> None:
    await world.execute("UPDATE things SET base = -1 WHERE id <= 2")
    job = await source_completed(world)
    answer = await asked(world, "derived")
    assert answer.code == 0
    assert f"warning: derived requires source: job {job} is completed, but 2 of its records failed" in answer.err


async def test_it_may_be_too_long_ago(world: World) -> None:
    await world.execute("INSERT INTO labels (code, title) VALUES ('a', 'A')")
    await source_completed(world)
    async with working(world, BACKFILL_APP=APP):
        await until(world, "completed", await queued(world, "derived"))
    await world.execute(
        "UPDATE backfill_jobs SET completed_at = now() - interval '90 minutes' WHERE asset_name = 'derived'"
    )
    await refused(world, "derived was completed 1 h 30 min ago", "last")
    await refused(world, "which may be 1 h 00 min at most", "last")
    await world.execute(
        "UPDATE backfill_jobs SET completed_at = now() - interval '50 minutes' WHERE asset_name = 'derived'"
    )
    assert await queued(world, "last")


async def test_another_tenants_do_not_count(world: World) -> None:
    await source_completed(world)
    async with world.session() as session:
        for tenant, is_completed in (("default", True), ("other", False)):
            await session.execute("SELECT set_config('app.current_tenant', $1, false)", tenant)
            assert (await requirements.standing(session, "source")).is_completed is is_completed


async def test_a_dry_run_shows_what_is_missing(world: World) -> None:
    answer = await asked(world, "derived", "--dry-run")
    assert (answer.code, await jobs(world)) == (0, [])
    assert "Required and missing: source was never completed" in answer.out
    assert (await asked(world, "derived", "--dry-run", "--json")).json["missing"] == ["source was never completed"]
    await source_completed(world)
    assert (await asked(world, "derived", "--dry-run", "--json")).json["missing"] == []


async def test_a_key_that_was_used_finds_its_job_whatever_is_required_by_now(world: World) -> None:
    await source_completed(world)
    job = await queued(world, "derived", "--idempotency-key=k")
    await queued(world, "source", "--mode=all")
    assert await queued(world, "derived", "--idempotency-key=k") == job


async def test_it_waits_says_for_what_and_then_opens(world: World) -> None:
    command = world.producer("derived", "--wait-for-required", BACKFILL_APP=APP)
    await eventually(lambda: "derived waits: source was never completed" in command.output)
    job = await queued(world, "source")
    await eventually(lambda: f"source is active (job {job} is pending)" in command.output)
    async with working(world, BACKFILL_APP=APP):
        assert await command.wait() == 0, command.output
        await until(world, "completed")
    assert await jobs(world) == ["source", "derived"]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20


async def test_waiting_ends_when_it_is_cancelled(world: World) -> None:
    job = await queued(world, "source")
    command = world.producer("derived", "--wait-for-required", BACKFILL_APP=APP)
    await eventually(lambda: "derived waits" in command.output)
    await done(world, "cancel", str(job), "--reason=wrong")
    assert await command.wait() == 4, command.output
    assert f"job {job} of source was cancelled" in command.output
    assert await jobs(world) == ["source"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_the_waiting_and_nothing_is_opened(world: World, number: int, code: int) -> None:
    command = world.producer("derived", "--wait-for-required", BACKFILL_APP=APP)
    await eventually(lambda: "derived waits" in command.output)
    command.kill(number)
    assert await command.wait() == code, command.output
    assert "no job of derived was opened" in command.output
    assert await jobs(world) == []


async def test_waiting_outlives_its_sessions(world: World) -> None:
    job = await queued(world, "source")
    command = world.producer("derived", "--wait-for-required", BACKFILL_APP=APP)
    await eventually(lambda: "derived waits" in command.output)
    await world.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'backfill-queue%'"
    )
    async with working(world, BACKFILL_APP=APP):
        await until(world, "completed", job)
        assert await command.wait() == 0, command.output


async def test_what_is_required_is_opened_first_and_what_that_requires_before(world: World) -> None:
    await world.execute("INSERT INTO labels (code, title) VALUES ('a', 'A')")
    async with working(world, BACKFILL_APP=APP):
        answer = await asked(world, "last", "--open-required")
        assert answer.code == 0, answer
        assert await jobs(world) == ["source", "derived", "last"]
        await until(world, "completed")
    assert "last requires derived: opening it first." in answer.out
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    rows = await world.fetch(
        "SELECT mode, record_limit, created_at, completed_at FROM backfill_jobs ORDER BY created_at"
    )
    assert all(first["completed_at"] < then["created_at"] for first, then in pairwise(rows))
    assert {(row["mode"], row["record_limit"]) for row in rows} == {("null", None)}


async def test_one_that_is_active_is_waited_for_and_not_opened_again(world: World) -> None:
    await queued(world, "source")
    command = world.producer("derived", "--open-required", BACKFILL_APP=APP)
    await eventually(lambda: "source is active" in command.output)
    async with working(world, BACKFILL_APP=APP):
        assert await command.wait() == 0, command.output
    assert await jobs(world) == ["source", "derived"]


async def test_one_that_has_nothing_to_do_is_as_good_as_completed(world: World) -> None:
    await world.execute("UPDATE things SET extra = 'by hand'")
    answer = await asked(world, "derived", "--open-required")
    assert (answer.code, await jobs(world)) == (0, ["derived"]), answer


async def test_one_that_is_given_up_after_it_was_opened_ends_it(world: World) -> None:
    command = world.producer("derived", "--open-required", BACKFILL_APP=APP)
    await eventually(lambda: "derived waits: source is active" in command.output)
    await done(world, "cancel", "latest", "--reason=wrong")
    assert await command.wait() == 4, command.output
    assert await jobs(world) == ["source"]
    # Another try opens it anew.
    command = world.producer("derived", "--open-required", BACKFILL_APP=APP)
    async with working(world, BACKFILL_APP=APP):
        assert await command.wait() == 0, command.output
    assert await jobs(world) == ["source", "source", "derived"]


async def test_what_cannot_be_opened_is_said(world: World) -> None:
    await world.execute("INSERT INTO labels (code, title) VALUES ('a', 'A')")
    away = await asked(world, "astray", "--open-required")
    assert away.code == 4
    assert "astray requires elsewhere, which the app does not have" in away.err
    needing = await asked(world, "needy", "--open-required")
    assert needing.code == 4
    assert "needy requires needing, which --open-required cannot open" in needing.err
    assert await jobs(world) == []
    await world.execute(
        "INSERT INTO backfill_jobs (tenant_id, asset_name, mode, batch_size, definition_hash, upper_key, planned_at, "
        "started_at, completed_at, state) VALUES ('default', 'elsewhere', 'null', 1, '', '1', now(), now(), now(), "
        "'completed')"
    )
    assert await queued(world, "astray")  # the ledger knows of it, the app need not


async def test_run_does_what_is_required_in_the_same_process(world: World) -> None:
    await world.execute("INSERT INTO labels (code, title) VALUES ('a', 'A')")
    apart = {"BACKFILL_APP": APP, "RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    command = world.run("backfill", "run", "last", **apart)
    assert await command.wait() == 4, command.output
    assert "by hand: backfill run derived" in command.output
    command = world.run("backfill", "run", "last", "--open-required", **apart)
    assert await command.wait() == 0, command.output
    rows = await world.fetch("SELECT asset_name, state FROM backfill_jobs ORDER BY created_at")
    assert [tuple(row) for row in rows] == [("source", "completed"), ("derived", "completed"), ("last", "completed")]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20


async def test_run_that_is_stopped_in_what_is_required_opens_nothing_else(world: World) -> None:
    apart = {"BACKFILL_APP": APP, "RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    async with world.session() as session, session.transaction():
        await session.execute("LOCK TABLE things IN EXCLUSIVE MODE")
        command = world.run("backfill", "run", "derived", "--open-required", **apart)
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_partitions WHERE state = 'running'"))
        command.kill(signal.SIGTERM)
        await command.wait()
    assert await command.wait() == 143, command.output
    assert await jobs(world) == ["source"]
    assert "go on with: backfill run --resume" in command.output


async def test_run_waits_and_a_signal_ends_that(world: World) -> None:
    apart = {"BACKFILL_APP": APP, "RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    command = world.run("backfill", "run", "derived", "--wait-for-required", **apart)
    await eventually(lambda: "derived waits" in command.output)
    command.kill(signal.SIGTERM)
    assert await command.wait() == 143, command.output
    assert await jobs(world) == []


def test_the_page_on_killmails_shows_how_to_put_prices_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / f"{block[0]}.py").write_text(block[1])
    monkeypatch.syspath_prepend(tmp_path)
    definitions = application.load(block[0])
    assert set(definitions) == {"market_prices", "killmail_values"}
    assert [one.name for one in required.of(definitions["killmail_values"])] == ["market_prices"]
    assert not application.load("backfill.examples.killmails")["killmail_values"].requires


async def test_a_circle_is_refused_when_the_app_is_loaded(world: World) -> None:
    command = world.producer("source", BACKFILL_APP=APP, TEST_CYCLE="1")
    assert await command.wait() == 2
    assert "source requires last requires derived requires source: none of them could ever begin" in command.output
