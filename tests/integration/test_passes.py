"""`--until-complete`: pass after pass over what still matches, and what `status` says of them."""

import asyncio
import re
import signal
from typing import Any

import pytest

from backfill.ledger.passes import Counted, Coverage
from backfill.modes import Mode
from backfill.producers import coverage
from backfill.producers.command import main as queue
from tests.support.commands import Command
from tests.support.operating import ask, done, working
from tests.support.stepwise import Stepwise
from tests.support.waiting import eventually
from tests.support.world import World, last_json

pytestmark = pytest.mark.long


@pytest.fixture
async def world(world: World) -> World:
    world.definition = "tests.support.stepwise:Stepwise"
    return world


def begun(world: World, *arguments: str, failpoint: str = "") -> Command:
    return world.producer("--mode=null", "--until-complete", *arguments, failpoint=failpoint)


async def ended(world: World, *arguments: str, code: int = 0) -> Command:
    command = begun(world, *arguments)
    async with working(world):
        assert await command.wait(60) == code, command.output
    return command


async def passes(world: World) -> list[tuple[Any, ...]]:
    rows = await world.fetch(
        "SELECT pass_number, state, records_matched, records_updated FROM backfill_jobs ORDER BY created_at"
    )
    return [tuple(row) for row in rows]


async def values(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM things WHERE value = 1")
    return found


FOUR = [(n, "completed", 50 - 10 * n, 10) for n in range(1, 5)]


async def test_it_goes_on_until_nothing_matches(world: World) -> None:
    await world.rows(40)
    command = await ended(world)
    assert await passes(world) == FOUR
    assert await values(world) == 40
    assert await world.value("SELECT count(DISTINCT first_job_id) FROM backfill_jobs") == 1
    assert await world.value("SELECT first_job_id = id FROM backfill_jobs WHERE pass_number = 1")
    output = command.output
    assert re.findall(r"^Coverage: (.*)$", output, re.MULTILINE) == [
        *(f"{n}.0% ({n * 4 // 10} of 40 records have a value)" for n in (0, 25, 50, 75)),
        "0.0% before, now 100.0% (40 of 40 records have a value)",
    ]
    assert re.search(r"^Pass 2 \(job .*\) is completed: 30 matched, 10 updated, 0 unchanged, 20 skipped", output, re.M)
    assert "Complete after 4 passes: nothing matches any more." in output


async def test_it_ends_when_a_pass_changes_nothing_and_says_what_is_left(world: World) -> None:
    await world.rows(25, base="CASE WHEN id = 21 THEN -1 WHEN id = 22 THEN -2 ELSE 0 END")
    command = await ended(world, "--json", code=7)
    assert await passes(world) == [
        (1, "completed", 25, 10),
        (2, "completed", 15, 10),
        (3, "completed", 5, 3),
        (4, "completed", 2, 0),
    ]
    told = last_json(command)
    assert (told["verdict"], told["left_reasons"]) == ("unchanged", {"failed": 1, "skipped": 1})
    assert told["skip_reasons"] == {"never": 1}
    assert told["coverage"] == {"in_scope": 25, "before": 0, "now": 23, "is_estimate": False}
    assert [one["pass"] for one in told["passes"]] == [1, 2, 3, 4]
    command = await ended(world, code=7)
    assert "Ended after 1 pass: the last one changed nothing." in command.output
    assert "Left: 2 records still match: 1 failed, 1 left as they are by the definition or a trigger" in command.output
    assert "  skipped 1: never" in command.output


async def test_nothing_to_begin_with_is_complete(world: World) -> None:
    await world.rows(5, value=1)
    command = await ended(world, "--json")
    assert last_json(command) | {"coverage": None} == {
        "schema_version": 1,
        "backfill": "stepwise",
        "mode": "null",
        "verdict": "complete",
        "first_job": None,
        "left_reasons": {},
        "skip_reasons": {},
        "coverage": None,
        "passes": [],
    }


async def test_what_others_undo_is_not_tried_for_ever(world: World) -> None:
    await world.rows(5)
    await world.execute(
        "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE things SET value = NULL WHERE id = NEW.id AND value IS NOT NULL; RETURN NULL; END $$"
    )
    await world.execute("CREATE TRIGGER undo AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION undo()")
    command = await ended(world)
    assert "as many records match as before the last one; others undo what is written" in command.output
    assert len(await passes(world)) == 1


async def test_a_pass_that_is_cancelled_is_the_last(world: World) -> None:
    await world.rows(20)
    command = begun(world)
    await eventually(lambda: world.value("SELECT planned_at IS NOT NULL FROM backfill_jobs"))
    await done(world, "cancel", "latest", "--reason=wrong")
    assert await command.wait() == 8, command.output
    assert "Ended after 1 pass: the last one was cancelled." in command.output
    assert "Left: 20 records still match: 20 not done" in command.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_its_job_goes_on_and_the_same_again_goes_on_with_it(world: World, number: int) -> None:
    await world.rows(40)
    command = begun(world)
    await eventually(lambda: "waiting until workers have ended job" in command.output)
    command.kill(number)
    assert await command.wait() in (130, 143), command.output
    assert "goes on with its workers, and with its passes: backfill-queue stepwise --mode=null --until-complete" in (
        command.output
    )
    assert len(await passes(world)) == 1
    command = await ended(world)
    assert "is a pass that is under way" in command.output
    assert await passes(world) == FOUR


async def test_two_at_once_go_on_with_the_same_passes(world: World) -> None:
    await world.rows(40)
    first, second = begun(world), begun(world)
    async with working(world):
        assert await first.wait(60) == 0, first.output
        assert await second.wait(60) == 0, second.output
    # One of them may have found the first pass done, and be a pass behind.
    assert await values(world) == 40
    assert await world.value("SELECT count(*) FROM audit") == 40
    firsts = await world.fetch(
        "SELECT first_job_id, array_agg(pass_number ORDER BY created_at) FROM backfill_jobs GROUP BY 1"
    )
    assert all(list(numbers) == list(range(1, len(numbers) + 1)) for _, numbers in firsts)


async def test_run_does_them_in_its_own_process(world: World) -> None:
    await world.rows(40)
    apart = {"RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    command = world.run("backfill", "run", "--mode=null", "--until-complete", **apart)
    assert await command.wait(60) == 0, command.output
    assert await passes(world) == FOUR
    assert "Complete after 4 passes" in command.output


async def test_run_that_is_stopped_says_how_to_go_on(world: World) -> None:
    await world.rows(40)
    apart = {"RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    async with world.session() as session, session.transaction():
        await session.execute("LOCK TABLE things IN EXCLUSIVE MODE")
        gives_up = {"BACKFILL_LOCK_TIMEOUT_MS": "500"}
        command = world.run("backfill", "run", "--mode=null", "--until-complete", **apart, **gives_up)
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_partitions WHERE state = 'running'"))
        command.kill(signal.SIGTERM)
        assert await asyncio.wait_for(command.wait(), 20) == 143, command.output
    assert "the passes go on with: backfill run stepwise --mode=null --until-complete" in command.output
    command = world.run("backfill", "run", "--mode=null", "--until-complete", **apart)
    assert await command.wait(60) == 0, command.output
    assert await passes(world) == FOUR


async def test_status_shows_every_pass_and_the_coverage(world: World) -> None:
    await world.rows(40)
    command = begun(world)
    async with working(world):
        await eventually(lambda: "Pass 1" in command.output)
    # Nobody works on a pass that is open, and behind the fourth there is none: what is read now stays as it is.
    rests = "SELECT count(*) > 1 AND (bool_or(completed_at IS NULL) OR count(*) = 4) FROM backfill_jobs"
    await eventually(lambda: world.value(rests))
    now = (await done(world, "status", "--json")).json
    number, first = now["pass_number"], await world.value("SELECT id FROM backfill_jobs WHERE pass_number = 1")
    assert (number >= 2, now["first_job"]) == (True, str(first))
    assert [one["pass"] for one in now["passes"]] == list(range(1, number + 1))
    assert (now["coverage"]["in_scope"], now["coverage"]["before"]) == (40, 0)
    assert now["coverage"]["now"] == await values(world)
    assert now["coverage"]["now"] <= now["coverage"]["projected"] <= 40
    text = (await done(world, "status")).out
    assert f"Pass: {number} of those that began with job {first}" in text
    assert "  pass 1: completed, 40 matched, 10 updated, 30 skipped, 0 failed\n" in text
    assert "(before, now, projected) of 40 records" in text
    assert f"null, pass {number}" in (await done(world, "list")).out
    async with working(world):
        assert await command.wait(60) == 0, command.output


async def test_only_what_is_in_scope_is_counted(world: World) -> None:
    world.definition = "tests.support.stepwise:SomeSteps"
    await world.rows(40)
    command = await ended(world)
    assert "now 100.0% (20 of 20 records have a value)" in command.output


async def test_counting_that_takes_too_long_is_an_estimate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.rows(40, value="CASE WHEN id <= 20 THEN 1 END")
    await world.execute("ANALYZE things")
    exact = await coverage.count(world.connection, Stepwise(), Mode.NULL)
    monkeypatch.setattr(coverage, "COUNT_SECONDS", 0.0)
    about = await coverage.count(world.connection, Stepwise(), Mode.NULL)
    assert (exact, about) == (Counted(40, 20, False), Counted(40, 20, True))
    assert str(about) == "about 50.0% (20 of 40 records have a value)"


async def test_in_mode_zero_neither_nothing_nor_zero_is_a_value(world: World) -> None:
    await world.rows(30, value="CASE WHEN id <= 10 THEN 1 WHEN id <= 20 THEN 0 END")
    assert await coverage.count(world.connection, Stepwise(), Mode.ZERO) == Counted(30, 10, False)


@pytest.mark.parametrize(
    ("arguments", "app", "why"),
    [
        (["--mode=all"], "tests.support.stepwise:Stepwise", "--mode=all matches always"),
        ([], "tests.support.pieces:Months", "months is none"),
        (["--limit=3"], "tests.support.stepwise:Stepwise", "leave out --limit"),
        (["--id=3", "--after=2"], "tests.support.stepwise:Stepwise", "leave out --after, --id"),
        (["--idempotency-key=k"], "tests.support.stepwise:Stepwise", "leave out --idempotency-key"),
        (["--resume=latest"], "tests.support.stepwise:Stepwise", "leave out --until-complete"),
    ],
)
async def test_what_would_never_be_complete_is_refused(world: World, arguments: list[str], app: str, why: str) -> None:
    answer = await ask(world, "--until-complete", *arguments, command=queue, BACKFILL_APP=app)
    assert answer.code == 2, answer
    assert why in answer.err
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


@pytest.mark.parametrize(
    ("counts", "left", "now", "projected"),
    [
        ({}, None, 10, 90),  # nothing is known of it yet
        ({"updated": 20}, None, 30, 90),
        ({"updated": 20, "skipped": 20}, None, 30, 50),
        ({"updated": 30, "skipped": 50}, 50, 40, 40),
        ({"updated": 90, "replanned": 10, "matched": 90}, 0, 90, 90),  # some were done twice
        ({"updated": 70, "deleted": 10}, 0, 80, 80),
    ],
)
def test_coverage_is_made_of_the_jobs_own_counts(
    counts: dict[str, int], left: int | None, now: int, projected: int
) -> None:
    names = ("matched", "replanned", "updated", "unchanged", "skipped", "failed", "deleted")
    found = Coverage.of(Counted(100, 10, False), 5, dict.fromkeys(names, 0) | {"matched": 80} | counts, left=left)
    assert (found.before, found.now, found.projected) == (5, now, projected)
