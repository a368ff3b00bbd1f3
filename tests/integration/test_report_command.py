"""`backfill report`: a job as Markdown, at each stage; nobody's text can break it or pass for ours."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from backfill.ledger import operations, progress, reconciling
from tests.support.markup import FOREIGN, flat, read
from tests.support.operating import ask, done, in_state, queued, until, with_failures, working
from tests.support.world import World

pytestmark = pytest.mark.long

SECTIONS = ["Records", "Rate and capacity", "When", "Checklist", "Timeline"]


def headings(text: str) -> list[str]:
    tokens = read(text)
    return [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]


async def reported(world: World, job: UUID) -> tuple[str, dict[str, Any]]:
    text = (await done(world, "report", str(job))).out
    found = (await done(world, "report", str(job), "--json")).json
    now = (await done(world, "status", str(job), "--json")).json
    for volatile in ("rate", "seconds_left", "schema_version"):
        now.pop(volatile)
        found["job"].pop(volatile, None)
    assert found["job"] == now
    return text, found


def answers(found: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in found["checklist"]}


@pytest.mark.parametrize("state", ["pending", "running", "paused", "resuming", "completed", "cancelled"])
async def test_each_stage_of_a_job(world: World, state: str) -> None:
    job = await in_state(world, state)
    text, found = await reported(world, job)
    assert text.startswith(f"# Backfill `counter`: {state}\n")
    assert [one for one in headings(text)[1:] if one in SECTIONS] == [
        one for one in SECTIONS if one != "Rate and capacity" or found["rates"] or found["minutes"]
    ]
    assert found["job"]["state"] == state
    of = answers(found)
    ended = state in ("completed", "cancelled")
    assert of["accepts_work"] == ("yes" if state == "completed" else "no")
    assert of["whole"] == of["half"] == {"completed": "yes", "cancelled": "no"}.get(state, "waiting")
    assert of["errors_zero"] == of["no_violations"] == ("yes" if state == "completed" else "waiting")
    assert of["values_checked"] == {"completed": "yes", "cancelled": "no"}.get(state, "waiting")
    assert of["rate_steady"] == "waiting"
    assert ("nothing, it has ended" in text) is ended
    assert found["events"][0]["event"] == "job.opened"


async def test_a_job_that_failed(world: World) -> None:
    job = await in_state(world, "running")
    await world.execute(
        "UPDATE backfill_partitions SET state = 'failed', records_failed = 10, started_at = now(), completed_at = now()"
    )
    assert await reconciling.give_up(world.connection, job, "all 2 partitions failed; see: backfill failures")
    text, found = await reported(world, job)
    assert text.startswith("# Backfill `counter`: failed\n")
    at = datetime.fromisoformat(found["job"]["completed_at"])
    assert f"- State: failed since {at:%Y-%m-%d %H:%M:%S} UTC: `" in text
    assert "all 2 partitions failed" in text
    assert "nothing, it has ended; its failed records can be tried again" in text
    of = answers(found)
    assert {name for name, state in of.items() if state == "no"} == {
        "accepts_work", "errors_zero", "whole", "values_checked"
    }  # fmt: skip
    assert of["half"] == of["no_violations"] == "yes"
    assert found["milestones"][1]["is_reached"] is False


async def test_what_is_left_is_said(world: World) -> None:
    world.definition = "Poison"
    await world.rows(40, base="CASE WHEN id IN (5, 15) THEN 1 WHEN id = 25 THEN 7 ELSE 0 END")
    job = await queued(world, "--mode=null", "--batch-size=10")
    async with working(world):
        await until(world, "completed", job)
    text, found = await reported(world, job)
    left = "3 records still match: 2 failed, 1 left as they are by the definition or a trigger"
    (line,) = (one for one in found["checklist"] if one["name"] == "values_checked")
    assert (line["state"], line["text"]) == ("yes", f"the table was read once more: {left}")
    assert f"- Left: `{left}`" in text


async def test_a_job_that_is_still_planned_by_nobody(world: World) -> None:
    await world.rows(60)
    producer = world.producer("--mode=null", "--batch-size=1", failpoint="producer.after_plan=kill@2")
    await world.until_killed(producer)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")
    text, found = await reported(world, await world.job())
    assert "still planning" in text
    assert "at least" in text
    assert "Its producer has gone" in text
    assert found["milestones"][0]["is_reached"] is False


async def test_failed_records_are_grouped_and_the_checklist_says_so(world: World) -> None:
    job = await with_failures(world)
    text, found = await reported(world, job)
    assert "- 2 records: `ValueError` `record # cannot be computed`, such as `15`, `5`" in text
    assert answers(found)["errors_zero"] == "no"
    assert "2 of 40 records failed, 5.0%" in text
    assert answers(found)["no_violations"] == "yes"
    await world.execute("UPDATE backfill_failures SET error_class = 'CheckViolationError' WHERE record_id = '5'")
    text, found = await reported(world, job)
    assert answers(found)["no_violations"] == "no"
    assert "a constraint of the table refused the values of 1 record" in text
    whole = found["milestones"][1]
    assert (whole["percent"], whole["is_reached"], whole["records"]) == (100, True, 40)
    assert whole["reached_at"] == found["job"]["completed_at"]


async def test_passes_and_coverage_are_told(world: World) -> None:
    world.definition = "tests.support.stepwise:Stepwise"
    await world.rows(20)
    command = world.producer("--mode=null", "--until-complete")
    async with working(world):
        assert await command.wait(60) == 0, command.output
    job = await world.job()
    text, found = await reported(world, job)
    assert "## Phases" in text
    assert "| 1 | completed | 20 | 10 | 10 | 0 |" in text
    now = await progress.read(world.connection, job)
    assert now.coverage is not None
    assert "| now | 20 | 100.0% |" in text
    assert found["job"]["coverage"]["now"] == now.coverage.now == 20


HOSTILE = [
    "| a | b |\n| --- | --- |\n| x | y |",
    "`code` ``more`` ```",
    "`",
    " leading and trailing ",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](http://example.com) ![x](y) <http://example.com> www.example.com @all #1",
    "\n# Heading\n- [x] item\n> quote\n---\n```\nfence",
    "**bold** _em_ ~~gone~~ \\` \\| \\",
    "&lt;b&gt; &#96; \u202e\u200b",
    "` <b>script</b> [click](http://example.com) **bold** `",
    "x` `` <b>script</b> [click](http://example.com) **bold** `` `y",
    "   ",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_nobody_elses_text_is_more_than_text(world: World, text: str) -> None:
    world.definition = "Poison"
    job = await with_failures(world)
    harmless = (await done(world, "report", str(job))).out
    await world.execute(
        "UPDATE backfill_failures SET error_message = $1, error_class = left($1, 150), record_id = id || $1", text
    )
    await world.execute("UPDATE backfill_jobs SET created_by = $1, error_message = $1", text)
    await world.execute("UPDATE backfill_jobs SET parameters = jsonb_build_object('name', $1::text)", text)
    await world.execute("SELECT set_config('backfill.actor', $1, false)", text)
    await world.execute(
        "INSERT INTO backfill_events (backfill_job_id, event, actor, reason, details) "
        "VALUES ($1, 'job.set', $2, $2, jsonb_build_object('x', $2::text))",
        job,
        text,
    )
    hostile = (await done(world, "report", str(job))).out
    assert [one for one in headings(hostile) if one != "Changes of settings"] == headings(harmless)
    kinds = {token.type for token in flat(read(hostile))}
    assert kinds <= {token.type for token in flat(read(harmless))}, kinds
    assert not kinds & FOREIGN
    words = " ".join(token.content for token in flat(read(hostile)) if token.type == "text")
    for sign in ("script", "example.com", "Heading", "bold", "trailing", "202e", "lt;", "fence", "| x"):
        assert sign not in words, (sign, words)


@pytest.mark.parametrize("text", HOSTILE)
async def test_nobody_elses_text_is_more_than_text_in_the_checklist(world: World, text: str) -> None:
    job = await in_state(world, "paused")
    harmless = (await done(world, "report", str(job))).out
    await world.execute("ALTER TABLE backfill_events DISABLE TRIGGER USER")
    await world.execute("UPDATE backfill_events SET actor = $1, reason = $1 WHERE to_state = 'paused'", text)
    await world.execute(
        "UPDATE backfill_jobs SET records_left = 1, left_reasons = jsonb_build_object($1::text, 1)", text
    )
    hostile = (await done(world, "report", str(job))).out
    assert headings(hostile) == headings(harmless)
    kinds = {token.type for token in flat(read(hostile))}
    assert kinds <= {token.type for token in flat(read(harmless))}, kinds
    words = " ".join(token.content for token in flat(read(hostile)) if token.type == "text")
    for sign in ("script", "example.com", "Heading", "bold", "trailing", "202e", "lt;", "fence", "| x"):
        assert sign not in words, (sign, words)


async def test_a_report_of_no_job_is_refused(world: World) -> None:
    answer = await ask(world, "report", "abcdef")
    assert (answer.code, answer.out) == (3, "")
    assert "no job abcdef" in answer.err
    answer = await ask(world, "report", "--json")
    assert answer.code == 3
    assert json.loads(answer.out)["error"]["exit_code"] == 3


async def test_a_change_of_settings_is_told(world: World) -> None:
    job = await in_state(world, "running")
    await operations.set_job(
        world.connection, job, actor="night | shift", priority="low", max_workers=2, pause_ms=None, deadline=None
    )
    text, found = await reported(world, job)
    assert "## Changes of settings" in text
    assert "by `night | shift`: not known before, not known after" in text
    assert found["changes"][0]["details"] == {"priority": "low", "max_workers": "2"}
    assert "at most 2 workers" in text


async def test_when_half_was_reached(world: World) -> None:
    await world.rows(40)
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    text, found = await reported(world, job)
    half = found["milestones"][0]
    assert (half["is_reached"], half["records"]) == (True, 20)
    second = "SELECT date_trunc('minute', completed_at) FROM backfill_partitions ORDER BY completed_at LIMIT 1 OFFSET 1"
    minute = await world.value(second)
    assert half["reached_at"] == minute.isoformat()
    assert f"| 50 % | reached | {minute:%Y-%m-%d %H:%M:%S} UTC |" in text
