"""`backfill-queue` as people run it: what it prints, writes and refuses."""

import json
import re
from typing import Any

import pytest

from backfill.modes import Priority
from tests.support.world import World, last_json

NOWHERE = "127.0.0.1:9"  # the discard port: nobody listens


async def refused(world: World, *arguments: str, code: int, **settings: str) -> str:
    """The one sentence with which a call is refused."""
    command = world.producer(*arguments, **settings)
    assert await command.wait() == code, command.output
    lines = [line for line in command.output.splitlines() if line.startswith(("error: ", "Error: "))]
    assert len(lines) == 1, command.output
    assert "Traceback" not in command.output
    for secret in ("hunter2", world.database.split(":")[2].split("@")[0]):
        assert secret not in command.output
    return lines[0]


async def unchanged(world: World) -> bool:
    """Whether nothing was written to the ledger or published."""
    jobs = await world.value("SELECT count(*) FROM backfill_jobs")
    return jobs == 0 and not any((await world.depths()).values())


async def test_it_says_what_it_queues_batch_by_batch_and_how_to_start_workers(world: World) -> None:
    await world.rows(1_250)
    command = world.producer("--mode=null", "--batch-size=500")
    assert await command.wait() == 0, command.output
    job = await world.job()
    lines = command.output.splitlines()
    assert lines[:8] == [
        "Mode: null - records of things whose value is NULL",
        "Records: 1,250",
        "Queue: backfill_counter_queue",
        "Batch size: 500 (3 batches)",
        f"Job: {job}",
        "Queued batch 1 (500/1,250 - 40.0%)",
        "Queued batch 2 (1,000/1,250 - 80.0%)",
        "Queued batch 3 (1,250/1,250 - 100.0%)",
    ]
    assert re.fullmatch(r"Queued 1,250 records in 3 batches \([\d.]+ s, [\d,]+/sec\)\.", lines[8])
    assert "Start workers with: backfill-worker counter" in lines
    assert f"Follow the job with: backfill status {job}" in lines
    assert (await world.depths())[world.topology.queue(Priority.NORMAL)] == 3


async def test_json_is_one_object_with_the_same_numbers(world: World) -> None:
    await world.rows(30)
    command = world.producer("--mode=all", "--batch-size=20", "--priority=high", "--json")
    assert await command.wait() == 0, command.output
    assert json.loads(command.output) == {
        "schema_version": 1,
        "backfill": "counter",
        "mode": "all",
        "parameters": {},
        "priority": "high",
        "queue": "backfill_counter_queue_high",
        "batch_size": 20,
        "matched": 30,
        "matched_is_estimate": False,
        "job": str(await world.job()),
        "queued": 30,
    }
    assert (await world.depths())[world.topology.queue(Priority.HIGH)] == 2


async def test_a_dry_run_shows_counts_predicate_and_plan_and_writes_nothing(world: World) -> None:
    await world.rows(30)
    command = world.producer("--mode=null", "--dry-run")
    assert await command.wait() == 0, command.output
    assert "Records: 30" in command.output
    assert 'Predicate: t."value" IS NULL' in command.output
    assert "Scan" in command.output
    assert "Dry run: nothing was written or published." in command.output
    assert await unchanged(world)
    assert await world.depths() == {}


@pytest.mark.parametrize("arguments", [("--mode=null",), ("--mode=zero",), ("--mode=null", "--json")])
async def test_nothing_to_do_is_success_and_says_so(world: World, arguments: tuple[str, ...]) -> None:
    await world.rows(10, value=5)
    command = world.producer(*arguments)
    assert await command.wait() == 0, command.output
    if "--json" in arguments:
        assert last_json(command)["job"] is None
    else:
        assert "Nothing to do." in command.output
    assert await unchanged(world)


async def test_an_empty_table_is_nothing_to_do(world: World) -> None:
    command = world.producer("--mode=all")
    assert await command.wait() == 0, command.output
    assert "Nothing to do." in command.output


async def test_a_job_that_overlaps_an_active_one_is_refused_with_its_id(world: World) -> None:
    await world.rows(10)
    job = await world.queue("--mode=all")
    sentence = await refused(world, "--mode=null", code=4)
    assert str(job) in sentence
    assert f"--resume {job}" in sentence
    by_id = await refused(world, "--id=5", code=4)
    assert str(job) in by_id
    other = await refused(world, "others", "--resume", str(job), code=4)
    assert "is for 'counter', not for 'others'" in other


async def test_jobs_for_different_records_may_run_side_by_side(world: World) -> None:
    await world.rows(10)
    await world.queue("--mode=all", "--id=1", "--id=2")
    await world.queue("--mode=all", "--id=7")
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 2


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a negative limit": (("--limit=-5",), "--limit"),
    "a limit of nothing": (("--limit=0",), "--limit"),
    "a limit that is no number": (("--limit=many",), "--limit"),
    "an unknown mode": (("--mode=most",), "'null', 'zero', 'all'"),
    "an unknown backfill": (("nothing",), "unknown backfill 'nothing'; the app has: counter"),
    "an unknown app": (("--app=no.such.module",), "cannot import app 'no.such.module'"),
    "a batch size of nothing": (("--batch-size=0",), "--batch-size"),
    "an id that is no number": (("--id=seven",), "--id"),
    "resuming with a mode": (("--resume=latest", "--mode=all"), "--resume"),
    "resuming with a priority": (("--resume=latest", "--priority=high"), "leave out --priority"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_wrong_call_is_refused_in_a_sentence(world: World, kind: str) -> None:
    arguments, text = REFUSED[kind]
    await world.rows(3)
    assert text in await refused(world, *arguments, code=2)
    assert await unchanged(world)


async def test_resuming_a_job_that_never_was_is_not_found(world: World) -> None:
    assert "there is no job yet" in await refused(world, "--resume=latest", code=3)
    assert "no job 00000000" in await refused(world, "--resume=00000000", code=3)
    assert "no job '%%'" in await refused(world, "--resume=%%", code=3)


SETTINGS: dict[str, tuple[dict[str, str], int, str]] = {
    "a database URL that is none": ({"DATABASE_URL": "mysql://u:hunter2@host/db"}, 2, "is no PostgreSQL URL"),
    "a database port that is none": ({"DATABASE_URL": "postgresql://u:hunter2@host:port/db"}, 2, "is no PostgreSQL"),
    "a database option that is none": ({"DATABASE_URL": "postgresql://u:hunter2@h/db?sslmode=no"}, 2, "DATABASE_URL"),
    "a broker URL that is none": ({"RABBITMQ_URL": "http://u:hunter2@host"}, 2, "is no AMQP URL"),
    "a database that is away": (
        {"DATABASE_URL": f"postgresql://u:hunter2@{NOWHERE}/db"}, 5, "start it, correct DATABASE_URL, or start private",
    ),
    "a broker that is away": (
        {"RABBITMQ_URL": f"amqp://u:hunter2@{NOWHERE}/"}, 5, "start it, correct RABBITMQ_URL, or start private",
    ),
    "a host that does not exist": ({"DATABASE_URL": "postgresql://u:hunter2@host.invalid/db"}, 5, "cannot reach"),
    "a broker host that does not exist": ({"RABBITMQ_URL": "amqp://u:hunter2@host.invalid/"}, 5, "cannot reach"),
    "a lease that is no number": ({"BACKFILL_LEASE_SECONDS": "soon"}, 2, "BACKFILL_LEASE_SECONDS=soon"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SETTINGS)
async def test_a_wrong_setting_or_an_absent_service_is_a_sentence(world: World, kind: str) -> None:
    settings, code, text = SETTINGS[kind]
    await world.rows(3)
    assert text in await refused(world, "--mode=all", code=code, **settings)
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_wrong_passwords_databases_and_vhosts_are_told_apart(world: World) -> None:
    password = world.database.split(":")[2].split("@")[0]
    wrong = world.database.replace(password, "hunter2")
    assert "refuses the login" in await refused(world, "--mode=all", code=5, DATABASE_URL=wrong)
    absent = world.database.rpartition("/")[0] + "/absent"
    assert "create it, or correct" in await refused(world, "--mode=all", code=5, DATABASE_URL=absent)
    await world.rows(3)
    wrong = re.sub(r":[^:@]*@", ":hunter2@", world.amqp)
    assert "refuses the login" in await refused(world, "--mode=all", code=5, RABBITMQ_URL=wrong)
    absent = world.amqp.rpartition("/")[0] + "/absent"
    assert "vhost" in await refused(world, "--mode=all", code=5, RABBITMQ_URL=absent)


SCHEMA: dict[str, tuple[str, str]] = {
    "no table": ("DROP TABLE things", "table 'things' of Counter does not exist"),
    "no column": ("ALTER TABLE things DROP COLUMN value CASCADE", "table 'things' has no column 'value' (Counter)"),
    "no key": ("ALTER TABLE things DROP COLUMN id", "table 'things' has no column 'id' (Counter)"),
    "no index": ("ALTER TABLE things DROP CONSTRAINT things_pkey", "CREATE UNIQUE INDEX CONCURRENTLY ON things (id)"),
    "a view": ("ALTER TABLE things RENAME TO t; CREATE VIEW things AS SELECT * FROM t", "is no table"),
    "no ledger": ("DROP TABLE backfill_schema", "the ledger is missing in this database; run: backfill init"),
    "a newer ledger": ("INSERT INTO backfill_schema (version) VALUES (999)", "it is too old; upgrade it"),
    "an older ledger": ("DELETE FROM backfill_schema", "run: backfill init"),
}


@pytest.mark.parametrize("kind", SCHEMA)
async def test_a_database_that_is_not_as_it_must_be_is_a_sentence(world: World, kind: str) -> None:
    script, text = SCHEMA[kind]
    await world.rows(3)
    await world.execute(script)
    assert text in await refused(world, "--mode=all", code=6)


async def test_mode_zero_on_a_column_that_is_no_number_is_refused(world: World) -> None:
    world.definition = "Normalised"
    assert "mode zero needs a number" in await refused(world, "--mode=zero", code=6)


async def test_a_queue_that_stands_with_other_arguments_is_a_sentence(world: World) -> None:
    await world.rows(3)
    async with world.broker() as connection:
        channel = await connection.channel()
        await channel.declare_queue(world.topology.queue(Priority.NORMAL), durable=True)
    sentence = await refused(world, "--mode=all", code=2)
    assert "queue backfill_counter_queue stands in RabbitMQ with other arguments (406" in sentence
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


@pytest.mark.parametrize(("limit", "order"), [(1, "asc"), (499, "asc"), (500, "desc"), (501, "asc"), (700, "desc")])
async def test_a_limit_is_a_number_of_records_exactly(world: World, limit: int, order: str) -> None:
    await world.rows(620)
    await world.queue("--mode=null", f"--limit={limit}", "--batch-size=100", f"--order={order}")
    rows = await world.fetch("SELECT record_ids FROM backfill_partitions ORDER BY partition_key")
    planned = [int(record) for row in rows for record in row["record_ids"]]
    every = list(range(1, 621)) if order == "asc" else list(range(620, 0, -1))
    assert planned == every[:limit]
    assert all(len(row["record_ids"]) == 100 for row in rows[:-1])


async def test_only_the_given_ids_that_the_mode_selects_are_queued(world: World) -> None:
    await world.rows(30, value="CASE WHEN id = 7 THEN 1 END")
    await world.queue("--mode=null", "--id=3", "--id=7", "--id=20", "--id=99999")
    planned = await world.value("SELECT array_agg(r ORDER BY r) FROM backfill_partitions, unnest(record_ids) r")
    assert planned == ["20", "3"]


@pytest.mark.parametrize(("definition", "key"), [("Normalised", "id"), ("ByCode", "code")])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_keys_of_other_types_are_planned_once_each_and_in_order(
    world: World, definition: str, key: str, order: str
) -> None:
    world.definition = definition
    await world.execute(
        "INSERT INTO labels (code, title) SELECT chr(65 + n % 26) || ' ''\"é,{}' || n, ' Some  TITLE ' || n "
        "FROM generate_series(1, 137) n"
    )
    await world.queue("--mode=null", "--batch-size=10", f"--order={order}")
    rows = await world.fetch("SELECT record_ids FROM backfill_partitions ORDER BY partition_key")
    planned = [record for row in rows for record in row["record_ids"]]
    expected = await world.value(f"SELECT array_agg({key}::text ORDER BY {key} {order}) FROM labels")
    assert planned == expected
    await world.finish()
    assert (
        await world.value("SELECT count(*) FROM labels WHERE normalised = 'some title ' || substring(title, '\\d+')")
        == 137
    )
    await world.ends_well()


def test_help_needs_no_network_library() -> None:
    import subprocess
    import sys

    imports = "import sys, backfill.producers.command, backfill.workers.command"
    code = f"{imports}; print({{'asyncpg', 'aio_pika'}} & set(sys.modules))"
    shown: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
