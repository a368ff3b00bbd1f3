"""Records, errors, reasons, actors, definitions and messages of the worst kind, through every command, on a terminal
and through a pipe: no sign rules the terminal but those that draw a clean job, no line is forged, and --json is exact.
"""

import asyncio
import csv
import io
import json
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import aio_pika
import pytest

from tests.support import forgeries
from tests.support.forging import IDS, NAME
from tests.support.operating import done
from tests.support.terminal import shown
from tests.support.world import World

pytestmark = pytest.mark.long

FORGING: Final = "tests.support.forging:Forging"
NOTE: Final = NAME.replace("\x1b", "")  # a parameter is refused that the ledger could not keep
SPEAKING: Final = {"BACKFILL_LOG": "debug", "LOGNAME": f"eve{NAME}"}
# The job's id follows those that take one.
COMMANDS: Final = (
    *(["status", "JOB"], ["status", "--watch", "JOB"], ["wait", "JOB"], ["failures", "JOB"], ["events", "JOB"]),
    *(["failures", "--csv", "JOB"], ["failures", "--csv-safe", "JOB"], ["failures", "--json", "JOB"]),
    *(["status", "--json", "JOB"], ["status", "--watch", "--json", "JOB"], ["events", "--json", "JOB"]),
    *(["list"], ["list", "--json"], ["workers"], ["workers", "--json"], ["limits"], ["limits", "--json"], ["queues"]),
    *(["dead", "list"], ["dead", "list", "--json"], ["dead", "redrive", "--all"], ["dead", "purge", "--job", NAME]),
    *(["definitions"], ["definitions", "--json"], ["check", "--mode=all"], ["check", "--mode=all", "--json"]),
    *(["sql", "jobs", "--run"], ["sql", "failures", "--run"], ["sql", "workers", "--run"], ["metrics"], ["settings"]),
    *(["pause", NAME], ["status", "--interval", NAME], [f"--{NAME}"], [NAME], ["run", NAME], ["list", NAME]),
    *(["purge", "--all", "--backfill", NAME], ["limits", "release", IDS[1], "--reason", NAME], ["retry", "JOB"]),
    *(["cancel", "--all", "--reason", NAME], ["cancel", "--all", "--yes", "--reason", NAME], ["delete", "JOB"]),
    *(["new", NAME, "--table", NAME, "--column", NAME], ["new", "evil", "--table", NAME, "--column", NAME]),
    *(["run", "--mode=all", "-P", f"{NAME}={NAME}"], ["run", "--mode=all", "--id", NAME], ["workers", "stop", NAME]),
)
BODIES: Final = (
    b"\x1b[2J\nFORGED",
    b"\xff\xfe\x9b2J",
    json.dumps({"version": 1, "job": NAME, NAME: NAME}).encode(),
    json.dumps({NAME: [NAME], "version": NAME}, ensure_ascii=False).encode(),
)


async def clean_shapes(world: World) -> set[str]:
    """The sequences that draw a clean job."""
    await world.rows(20)
    env = world.env | {"BACKFILL_APP": "tests.support.definitions:Counter"}
    found = (await shown("backfill-queue", "--mode=all", env=env))[1]
    await world.finish()
    for words in (["run", "--mode=all"], ["list"], ["status", "--watch", "latest"], ["queues"]):
        found += (await shown("backfill", *words, env=env))[1]
    return forgeries.shapes(found)


async def hostile(world: World) -> None:
    """A table whose names, keys and values are as bad as they can be."""
    world.definition = FORGING
    quoted = f'"{NAME}"'
    await world.execute(f"CREATE TABLE {quoted} (id text PRIMARY KEY, {quoted} text)")
    await world.execute(f"INSERT INTO {quoted} (id) SELECT unnest($1::text[])", IDS)


async def spoilt(world: World, job: UUID) -> None:
    """What somebody with a role of ours could have left in the ledger and in the queues."""
    await world.execute("UPDATE backfill_jobs SET created_by = $1, error_message = $1", NAME)
    await world.execute(
        "INSERT INTO backfill_events (backfill_job_id, event, actor, from_state, to_state, reason, details)"
        " SELECT $1, text, text, text, text, text, jsonb_build_object(text, text) FROM unnest($2::text[]) AS text",
        job,
        IDS,
    )
    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch, doing)"
        " SELECT gen_random_uuid(), text, 1, ARRAY[text], 1, 1,"
        " jsonb_build_array(jsonb_build_object('job', text, 'partition', text)) FROM unnest($1::text[]) AS text",
        IDS,
    )
    await world.execute(
        "INSERT INTO backfill_limits (name, held_reason, held_until) SELECT text, text, now() + interval '1 hour'"
        " FROM unnest($1::text[]) AS text",
        IDS,
    )
    await world.execute(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, created_by)"
        " SELECT left(text, 40), 'all', 1, text, text FROM unnest($1::text[]) AS text",
        IDS[:9],
    )
    async with world.broker() as connection:
        channel = await connection.channel()
        for body in BODIES:
            message = aio_pika.Message(body, headers={"reason": NAME, f"x{NAME}": NAME})
            await channel.default_exchange.publish(message, world.topology.dead_queue, timeout=10)


async def piped(world: World, name: str, *words: str, env: Mapping[str, str]) -> str:
    command = world.spawn(name, *words, env=env)
    await command.wait()
    return command.log.read_bytes().decode()


async def test_no_command_lets_a_hostile_text_out(world: World) -> None:
    allowed = await clean_shapes(world)
    await hostile(world)
    env = world.env | {"BACKFILL_APP": FORGING} | SPEAKING
    asked = ("--mode=all", "--batch-size=20", "-P", f"note={NOTE}")
    code, out = await shown("backfill-queue", *asked, env=env)
    assert code == 0, out
    job = await world.job()
    await world.publish(*BODIES)
    code, said = await shown("backfill-worker", "--burst", env=env)
    assert (code, await world.state()) == (0, "completed"), said
    assert "Settled" in said
    forgeries.need_none(out + said, allowed=allowed)
    out = await piped(world, "backfill-queue", *asked, "--log-format=json", env=env)
    out += await piped(world, "backfill-worker", "--burst", "--log-format=json", env=env)
    forgeries.need_none(out)
    _, out = await shown("backfill", "run", *asked, env=env)
    forgeries.need_none(out, allowed=allowed)

    await spoilt(world, job)
    for words in COMMANDS:
        given = [str(job) if word == "JOB" else word for word in words]
        (_, terminal), pipe = await asyncio.gather(
            shown("backfill", *given, env=env), piped(world, "backfill", *given, env=env)
        )
        try:
            assert terminal
            assert "Traceback" not in terminal
            forgeries.need_none(terminal, allowed=allowed)
            if not any("csv" in word for word in words):
                forgeries.need_none(pipe)
        except AssertionError as error:
            raise AssertionError(f"{words}: {error}") from None


async def test_json_and_csv_have_the_very_ids(world: World) -> None:
    await hostile(world)
    job = await world.queue("--mode=all")
    await world.finish()
    ids = {row["record_id"] for row in await world.fetch("SELECT record_id FROM backfill_failures")}
    assert ids
    assert ids <= set(IDS)
    told = (await done(world, "failures", "--json", str(job))).json
    assert {one["record_id"] for one in told["failures"]} == ids
    out = await piped(world, "backfill", "failures", "--csv", str(job), env=world.env)
    rows = csv.DictReader(io.StringIO(out, newline=""))
    assert {row["record_id"] for row in rows} == ids
