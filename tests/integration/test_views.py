"""What a page shows of a job and of all of them: the numbers of `status`, and what needs somebody to look."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backfill.errors import NotFoundError, UsageError
from backfill.ledger import jobs, operations, progress, views
from backfill.states import JobState
from tests.support.operating import done, in_state, queued, until, with_failures, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


async def the_row(world: World, job: UUID) -> dict[str, Any]:
    page = await views.job_page(world.connection, states=None, backfill=None, cursor=None, limit=50)
    return next(item for item in page.items if item["job"] == str(job))


async def set_minutes(world: World, job: UUID, *records: int) -> datetime:
    """The job has run for whole minutes in which so many records ended; the current one is the last."""

    async def in_the_middle() -> bool:
        return bool(await world.value("SELECT extract(second FROM clock_timestamp()) BETWEEN 1 AND 50"))

    await eventually(in_the_middle, what="a minute that does not end at once")
    await world.execute("DELETE FROM backfill_minutes WHERE backfill_job_id = $1", job)
    await world.execute(
        """
        INSERT INTO backfill_minutes (backfill_job_id, minute, partitions, updated)
        SELECT $1, date_trunc('minute', clock_timestamp(), 'UTC')
                   - interval '1 minute' * (cardinality($2::integer[]) - n), 1, records
        FROM unnest($2::integer[]) WITH ORDINALITY AS r (records, n) WHERE records > 0
        """,
        job,
        [*records],
    )
    begun: datetime = await world.value(
        "UPDATE backfill_jobs SET started_at = date_trunc('minute', clock_timestamp(), 'UTC') "
        "- make_interval(mins => $2) WHERE id = $1 RETURNING started_at",
        job,
        len(records) - 1,
    )
    return begun


@pytest.mark.parametrize("state", [state.value for state in JobState if state is not JobState.FAILED])
async def test_a_row_of_the_list_is_what_status_says(world: World, state: str) -> None:
    job = await in_state(world, state)
    await jobs.roll_up(world.connection, job)
    row = await the_row(world, job)
    now = (await done(world, "status", str(job), "--json")).json
    found = await progress.read(world.connection, job)
    assert set(row) <= set(now)
    for name, value in row.items():
        if name == "rate":
            assert (value or 0) == pytest.approx(found.rate or 0, rel=0.1), name
        elif isinstance(value, datetime):
            assert value == getattr(found, name), name
        else:
            assert value == now[name], name


async def test_a_row_says_why_it_is_paused(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    await done(world, "pause", str(job), "--reason", "the load | is <high>")
    row = await the_row(world, job)
    assert (row["state"], row["pause_reason"]) == ("paused", "the load | is <high>")


async def test_minutes_without_work_are_there(world: World) -> None:
    job = await in_state(world, "running")
    begun = await set_minutes(world, job, 60, 0, 120, 0, 6)
    found = await views.minutes(world.connection, job)
    assert [one["minute"] for one in found] == [begun + timedelta(minutes=n) for n in range(5)]
    assert [one["records"] for one in found] == [60, 0, 120, 0, 6]
    assert [one["records_per_second"] for one in found[:4]] == [1.0, 0.0, 2.0, 0.0]
    assert found[4]["records_per_second"] >= 0.1
    assert [one["records"] for one in await views.minutes(world.connection, job, 2)] == [0, 6]
    for wrong in (0, -1, 1_441):
        with pytest.raises(UsageError, match="1 to 1,440 minutes"):
            await views.minutes(world.connection, job, wrong)
    with pytest.raises(NotFoundError):
        await views.minutes(world.connection, uuid4())


async def test_minutes_are_those_of_the_job(world: World) -> None:
    await world.rows(40)
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    found = await views.minutes(world.connection, job)
    now = await progress.read(world.connection, job)
    assert sum(one["records"] for one in found) == now.done == 40
    assert sum(one["partitions"] for one in found) == 4
    assert found[-1]["minute"] <= now.completed_at  # type: ignore[operator]
    assert len(found) <= 3


async def test_what_a_change_of_settings_did_to_the_rate(world: World) -> None:
    job = await in_state(world, "running")
    begun = await set_minutes(world, job, *[60] * 8, 30, *[120] * 8, 1)
    for minute, priority in ((8, "low"), (8, "high"), (13, "normal")):
        await operations.set_job(
            world.connection, job, actor="test", priority=priority, max_workers=None, pause_ms=None, deadline=None
        )
        await world.execute("ALTER TABLE backfill_events DISABLE TRIGGER USER")
        await world.execute(
            "UPDATE backfill_events SET at = $1 WHERE id = (SELECT max(id) FROM backfill_events)",
            begun + timedelta(minutes=minute, seconds=30),
        )
    first, second, third = await views.settings_changes(world.connection, job)
    assert first["details"] == {"priority": "low"}
    assert (first["event"], first["actor"], first["rate_before"]) == ("job.set", "test", pytest.approx(1.0))
    assert (first["rate_after"], second["rate_before"]) == (None, None)  # nothing lies between the two
    assert second["rate_after"] == pytest.approx(2.0)
    assert (third["rate_before"], third["rate_after"]) == (pytest.approx(2.0), pytest.approx(2.0))


def answers(items: list[dict[str, Any]]) -> dict[str, str]:
    return {item["name"]: item["state"] for item in items}


@pytest.mark.parametrize(
    ("records", "answer"),
    [
        ([60, 600, 600, 7], "waiting"),  # the first and the last one are not whole
        ([1, 600, 600, 600, 7], "yes"),
        ([1, 1, 600, 500, 700, 600, 600, 7], "yes"),
        ([600, 600, 600, 450, 600, 0], "yes"),
        ([600, 600, 600, 400, 600, 0], "no"),
        ([600, 600, 0, 600, 0], "no"),
        ([0, 0, 0, 0, 0], "no"),
    ],
)
async def test_whether_the_rate_is_steady(world: World, records: list[int], answer: str) -> None:
    job = await in_state(world, "running")
    await set_minutes(world, job, *records)
    await world.execute("UPDATE backfill_jobs SET started_at = started_at + interval '1 second'")
    found = await views.checklist(world.connection, job)
    assert answers(found)["rate_steady"] == answer, found


async def test_the_checklist_of_a_job_with_a_worker(world: World) -> None:
    await world.rows(40)
    job = await queued(world)
    assert answers(await views.checklist(world.connection, job))["accepts_work"] == "no"
    async with working(world):
        await until(world, "completed")
    found = await views.checklist(world.connection, job)
    assert [item["name"] for item in found] == [
        "accepts_work", "errors_zero", "rate_steady", "half", "whole", "no_violations", "values_checked"
    ]  # fmt: skip
    assert answers(found) == dict.fromkeys(answers(found), "yes") | {"rate_steady": "waiting"}
    assert found[6]["text"] == "the table was read once more: nothing of it matches any more"
    with pytest.raises(NotFoundError):
        await views.checklist(world.connection, uuid4())


async def test_the_checklist_accepts_work_while_a_worker_lives(world: World) -> None:
    world.definition = "Gated"
    await world.rows(40)
    job = await queued(world)
    async with working(world):
        assert answers(await views.checklist(world.connection, job))["accepts_work"] in ("yes", "no")
        await until(world, "completed")
    await world.execute("UPDATE backfill_workers SET stopped_at = NULL, heartbeat_at = clock_timestamp()")
    other = await queued(world, "--mode=all", "--id=1")
    found = await views.checklist(world.connection, other)
    assert (answers(found)["accepts_work"], found[0]["text"]) == ("yes", "1 live worker, 0 partitions in hand")
    await operations.pause(world.connection, other, actor="night shift")
    found = await views.checklist(world.connection, other)
    assert (answers(found)["accepts_work"], found[0]["text"]) == (
        "no",
        "it is paused by night shift: no partition starts",
    )


async def kinds(world: World) -> list[tuple[str, str]]:
    found = await views.attention(world.connection)
    assert all(item["text"] and item["next"] and item["job"] for item in found)
    return [(item["kind"], item["next"].split()[0]) for item in found]


async def test_what_needs_attention(world: World) -> None:
    job = await in_state(world, "running")
    assert await kinds(world) == [("no_worker", "backfill-worker")]

    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'here', 1, '{counter}', 1, 1)"
    )
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = clock_timestamp()")
    assert await kinds(world) == []

    for change, kind in (
        ("producer_lease_until = NULL, planned_at = NULL", "producer_gone"),
        ("planned_at = now(), heartbeat_at = now() - interval '6 minutes'", "stuck"),
        ("heartbeat_at = now(), running_since = now() - interval '7 minutes'", "stuck"),
        ("running_since = now(), sla_deadline_at = now() - interval '1 second'", "deadline_breached"),
        (
            "sla_deadline_at = now() + interval '1 hour', latest_completion_at = now() + interval '2 hours'",
            "deadline_at_risk",
        ),
        ("sla_deadline_at = NULL, records_failed = 3, records_matched = 20", "failed_records"),
    ):
        await world.execute(f"UPDATE backfill_jobs SET {change} WHERE id = $1", job)
        assert [one for one, _ in await kinds(world)] == [kind]
    (found,) = await views.attention(world.connection)
    assert (found["job"], found["backfill"], found["next"]) == (str(job), "counter", f"backfill failures {job}")
    assert found["text"].startswith("counter: 3 records failed, 100.0% of those done")

    await world.execute("UPDATE backfill_jobs SET records_failed = 0")
    await operations.pause(world.connection, job, actor="worker x", reason="no column | <value>\n")
    await world.execute("UPDATE backfill_jobs SET pause_cause = 'definition'")
    (found,) = await views.attention(world.connection)
    assert (found["kind"], found["next"]) == ("paused_by_definition", f"backfill resume {job}")
    assert "no column | <value>\\n" in found["text"]


async def test_failed_records_need_attention_until_they_are_retried(world: World) -> None:
    job = await with_failures(world)
    assert await kinds(world) == [("failed_records", "backfill")]
    await world.execute("UPDATE things SET base = 0")
    await operations.retry(world.connection, job, actor="test")
    async with working(world):
        await until(world, "completed")
    assert await kinds(world) == []


async def test_a_retry_of_some_leaves_the_rest_in_sight(world: World) -> None:
    job = await with_failures(world)
    some, _ = await operations.retry(world.connection, job, actor="test", these=operations.Failed(record_ids=("5",)))
    waits, found = await views.attention(world.connection)
    assert (waits["kind"], found["kind"], found["job"]) == ("no_worker", "failed_records", str(job))
    assert "2 records failed, 5.0% of those done, 1 of them in no retry; the job is completed" in found["text"]

    await operations.cancel(world.connection, some, actor="test", reason=None)
    (found,) = await views.attention(world.connection)
    assert "2 of them in no retry" in found["text"]
    await operations.retry(world.connection, job, actor="test")
    assert [kind for kind, _ in await kinds(world)] == ["no_worker"]


async def test_a_job_that_failed_needs_attention(world: World) -> None:
    job = await planned_job(world, "running")
    await world.execute(
        "UPDATE backfill_jobs SET state = 'failed', completed_at = now(), error_message = 'too much\nfailed'"
    )
    (found,) = await views.attention(world.connection)
    assert (found["kind"], found["job"], found["next"]) == ("job_failed", str(job), f"backfill failures {job}")
    assert found["text"] == "counter: the job failed: too much\\nfailed"
    await world.execute("UPDATE backfill_jobs SET completed_at = now() - interval '8 days'")
    assert await views.attention(world.connection) == []


async def planned_job(world: World, state: str, partitions: int = 3) -> UUID:
    """Of ten records a partition, begun long ago, and led; a worker lives."""
    job: UUID = await world.value(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, planned_at, started_at, "
        "running_since, heartbeat_at) SELECT 'counter', 'all', 10, 'x', $1, t, t, t, clock_timestamp() "
        "FROM (SELECT now() - interval '1 hour' AS t) s RETURNING id",
        state,
    )
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count) "
        "SELECT $1, lpad(n::text, 9, '0'), array_fill(n::text, ARRAY[10]), 10 FROM generate_series(1, $2::integer) n",
        job,
        partitions,
    )
    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'here', 1, '{counter}', 1, 1)"
    )
    return job


ENDS = (
    "UPDATE backfill_partitions SET state = 'completed', records_updated = record_count, started_at = {0}, "
    "completed_at = {0}, lease_expires_at = NULL"
)


@pytest.mark.parametrize(
    ("change", "is_stuck"),
    [
        ("SELECT", True),
        (ENDS.format("now() - interval '6 minutes'") + " WHERE partition_key = '000000001'", True),
        # Nobody has counted it, as while a program of the version before leads.
        (ENDS.format("now() - interval '4 minutes'") + " WHERE partition_key = '000000001'", False),
        (ENDS.format("now() - interval '9 minutes'"), False),  # what is left is the closing sweep
        ("UPDATE backfill_partitions SET not_before = now() + interval '8 minutes'", False),
        ("UPDATE backfill_partitions SET not_before = now() - interval '8 minutes'", True),
        ("UPDATE backfill_partitions SET held_since = now()", False),
        # One that takes long, and one whose worker has gone.
        (
            "UPDATE backfill_partitions SET state = 'running', started_at = now() - interval '9 minutes', "
            "lease_expires_at = now() + interval '1 minute' WHERE partition_key = '000000002'",
            False,
        ),
        (
            "UPDATE backfill_partitions SET state = 'running', started_at = now() - interval '9 minutes', "
            "lease_expires_at = now() - interval '6 minutes'",
            True,
        ),
    ],
)
async def test_what_is_stuck(world: World, change: str, is_stuck: bool) -> None:
    await planned_job(world, "running")
    await world.execute(change)
    assert [kind for kind, _ in await kinds(world)] == ["stuck"] * is_stuck


async def test_jobs_of_others_are_not_counted(world: World) -> None:
    await planned_job(world, "running")
    await world.execute(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, started_at, key_range, "
        "tenant_id) VALUES ('counter', 'all', 10, 'x', 'running', now(), 'empty', 'other')"
    )
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 2  # whom policies do not bind sees both
    assert (await views.overview(world.connection))["jobs"]["running"] == 1


async def test_the_numbers_are_those_of_the_partitions_everywhere(world: World) -> None:
    job = await planned_job(world, "running", 9)
    (worker,) = await world.fetch("SELECT id FROM backfill_workers")
    await world.execute(
        """
        UPDATE backfill_partitions SET worker_id = $1, duration_ms = 5,
            started_at = clock_timestamp(), completed_at = clock_timestamp(),
            state = CASE WHEN n % 3 = 0 THEN 'failed' WHEN n % 4 = 0 THEN 'skipped' ELSE 'completed' END,
            records_updated = 10 - n, records_unchanged = n / 2, records_skipped = (n - n / 2) / 2,
            records_failed = CASE WHEN n > 5 THEN n - n / 2 - (n - n / 2) / 2 ELSE 0 END,
            records_deleted = CASE WHEN n > 5 THEN 0 ELSE n - n / 2 - (n - n / 2) / 2 END
        FROM (SELECT id AS of_id, partition_key::integer AS n FROM backfill_partitions) k WHERE id = of_id
        """,
        worker["id"],
    )
    await jobs.roll_up(world.connection, job)
    await world.execute("UPDATE backfill_jobs SET state = 'completed', completed_at = clock_timestamp()")
    outcomes = ("updated", "unchanged", "skipped", "failed", "deleted")
    sums = ", ".join(f"sum(records_{outcome})::integer AS {outcome}" for outcome in outcomes)
    counts = ", ".join(
        f"count(*) FILTER (WHERE state = '{state}') AS {state}" for state in ("completed", "failed", "skipped")
    )
    (records,) = await world.fetch(f"SELECT {sums} FROM backfill_partitions")
    (partitions,) = await world.fetch(f"SELECT {counts} FROM backfill_partitions")
    assert all(records.values())
    assert all(partitions.values())

    status = (await done(world, "status", str(job), "--json")).json
    row = await the_row(world, job)
    minutes = await views.minutes(world.connection, job)
    listed = (await views.partition_page(world.connection, job, states=None, cursor=None, limit=50)).items
    cells = (await views.partition_map(world.connection, job, 4))["cells"]
    for outcome, count in records.items():
        assert status[outcome] == row[outcome] == count, outcome
        assert sum(one[outcome] for one in minutes) == sum(one[outcome] for one in listed) == count, outcome
    for state, count in partitions.items():
        assert status[f"{state}_partitions"] == row[f"{state}_partitions"] == count, state
        assert sum(one[state] for one in cells) == sum(one["state"] == state for one in listed) == count, state
    assert sum(one["partitions"] for one in minutes) == status["total_partitions"] == row["total_partitions"] == 9
    assert status["matched"] == row["matched"] == 90
    (of_worker,) = await views.job_workers(world.connection, job)
    assert (of_worker["partitions"], of_worker["updated"]) == (9, records["updated"])


async def test_the_worst_comes_first_and_no_more_than_can_be_read(world: World) -> None:
    await world.execute(
        """
        INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, key_range, created_at,
                                   planned_at, started_at, completed_at, records_failed, total_partitions)
        SELECT 'many', 'null', 1, 'x', CASE WHEN n % 3 = 0 THEN 'completed' ELSE 'pending' END, 'empty', now(),
               CASE WHEN n % 3 <> 1 THEN now() END, now(), CASE WHEN n % 3 = 0 THEN now() END, 1, 1
        FROM generate_series(1, 90) AS n
        """
    )
    found = [kind for kind, _ in await kinds(world)]
    assert found == ["producer_gone"] * 30 + ["no_worker"] * 20


async def test_all_at_one_look(world: World) -> None:
    job = await with_failures(world)
    world.definition = "Counter"
    pending = await queued(world, "--mode=all", "--id=1")
    await world.execute(
        "INSERT INTO backfill_depths (backfill, minute, ready, unacknowledged, delayed, dead) VALUES "
        "('counter', date_trunc('minute', now()), 3, NULL, 0, 1), "
        "('counter', date_trunc('minute', now() - interval '5 minutes'), 7, 1, 2, 1), "
        "('counter', date_trunc('minute', now() - interval '2 hours'), 9, 1, 2, 1)"
    )
    found = await views.overview(world.connection)
    assert found["jobs"] == dict.fromkeys([state.value for state in JobState], 0) | {"completed": 1, "pending": 1}
    assert [item["job"] for item in found["active"]] == [str(pending)]
    assert found["active"][0] == await the_row(world, pending)
    assert [item["kind"] for item in found["attention"]] == ["no_worker", "failed_records"]
    (success,) = found["last_success"]
    assert (success["backfill"], success["job"], success["failed"]) == ("poison", str(job), 2)
    assert found["workers"] == {"live": 0, "gone": 0, "items": []}
    (depths,) = (one for one in found["depths"] if one["backfill"] == "counter")  # the worker's too is there
    assert [(one["ready"], one["unacknowledged"]) for one in depths["minutes"]] == [(7, 1), (3, None)]
    assert abs((found["read_at"] - datetime.now(UTC)).total_seconds()) < 60

    await world.execute(
        "UPDATE backfill_workers SET stopped_at = NULL, heartbeat_at = clock_timestamp() - interval '1 hour'"
    )
    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'here', 1, '{counter}', 1, 1)"
    )
    workers = (await views.overview(world.connection))["workers"]
    assert (workers["live"], workers["gone"]) == (1, 1)
    assert [item["state"] for item in workers["items"]] == ["gone", "running"]
    assert all(isinstance(item["id"], str) for item in workers["items"])


async def test_coverage_is_known_without_reading_the_table(world: World) -> None:
    assert await views.coverage(world.connection, "counter") is None
    await world.rows(40)
    job = await queued(world, "--mode=null", "--batch-size=10")
    await world.execute("UPDATE backfill_jobs SET scope_records = 50, scope_covered = 10, scope_is_estimate = false")
    async with working(world):
        await until(world, "completed")
    found = await views.coverage(world.connection, "counter")
    assert found is not None
    assert (found["job"], found["in_scope"], found["before"], found["covered"]) == (str(job), 50, 10, 50)
    assert (found["is_estimate"], found["at"]) == (False, await world.value("SELECT completed_at FROM backfill_jobs"))


async def test_other_tenants_are_not_seen(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE backfill_jobs SET scope_records = 1, scope_covered = 1, scope_is_estimate = false")
    await world.execute(
        "INSERT INTO backfill_depths (backfill, minute, ready, delayed, dead) VALUES ('poison', now(), 1, 1, 1)"
    )
    role = f"reader_{secrets.token_hex(6)}"
    await world.execute(f"CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        for tenant, is_own in (("default", True), ("other", False)):
            async with world.session() as session:
                await session.execute(f"SET ROLE {role}; SET app.current_tenant = '{tenant}'")
                overview = await views.overview(session)
                assert (
                    bool(overview["attention"]) is bool(overview["last_success"]) is bool(overview["depths"]) is is_own
                )
                assert sum(overview["jobs"].values()) == is_own
                assert (await views.coverage(session, "poison") is not None) is is_own
                listed = await views.job_page(session, states=None, backfill=None, cursor=None, limit=5)
                events = await views.event_page(session, None, cursor=None, limit=5)
                assert bool(listed.items) is bool(events.items) is is_own
                for read in (
                    views.partition_page(session, job, states=None, cursor=None, limit=5),
                    views.partition(session, job, "000000001"),
                    views.partition_map(session, job),
                    views.failure_page(session, job, error_class=None, cursor=None, limit=5),
                    views.failure_groups(session, job),
                    views.event_page(session, job, cursor=None, limit=5),
                    views.minutes(session, job),
                    views.checklist(session, job),
                    views.report(session, job),
                ):
                    if is_own:
                        assert await read
                    else:
                        with pytest.raises(NotFoundError):
                            await read
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
