"""`backfill dead`: dead messages are listed, shown, put back and thrown away, and none is lost by looking."""

from uuid import UUID, uuid4

import pytest

from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.publisher import Publisher
from tests.support.operating import ask, done, queued, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


async def buried(world: World, *bodies: bytes, reason: str = "no JSON") -> None:
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=())
    for body in bodies:
        await publisher.bury(world.backfill, body, reason)
    await publisher.close()


async def body_of(world: World, job: UUID, partition: str) -> bytes:
    row = await world.fetch("SELECT * FROM backfill_partitions WHERE partition_key = $1", partition)
    return PartitionMessage(job, world.backfill, Mode.ALL, partition, 0, tuple(row[0]["record_ids"])).encode()


async def with_a_failed_partition(world: World) -> UUID:
    """A job of which one partition has failed, its message rejected into the dead queue by a worker."""
    world.definition = "Flaky"
    await world.rows(10)
    job = await queued(world)
    await world.execute("INSERT INTO outage VALUES ('test')")
    async with working(world, BACKFILL_RETRY_DELAYS="0.05"):  # it has waited for a retry, too

        async def dead() -> bool:
            assert len(await world.dead()) == 1
            return True

        await eventually(dead, what="a dead message")
    await world.execute("DELETE FROM outage")
    return job


async def test_dead_messages_are_listed_with_why_and_when(world: World) -> None:
    job = await with_a_failed_partition(world)
    await buried(world, b"\x1b[31mred\x00", reason="Invalid\nJSON")

    first, second = (await done(world, "dead", "list", "--json")).json["messages"]
    assert (first["job"], first["partition"]) == (str(job), "000000001")
    assert first["why"] == "rejected by a worker: out of attempts"
    assert (second["job"], second["partition"], second["size"]) == (None, None, 9)
    assert second["why"] == "Invalid\nJSON"
    assert all(one["since"].endswith("+00:00") for one in (first, second))
    lines = (await done(world, "dead", "list")).out.splitlines()
    assert lines[0].split("\t") == ["id", "backfill", "job", "partition", "why", "since", "bytes"]
    assert lines[2].split("\t")[:5] == [second["id"], "flaky", "-", "-", "Invalid\\nJSON"]
    assert len((await done(world, "dead", "list", "--limit=1")).out.splitlines()) == 2
    assert len(await world.dead()) == 2


async def test_a_dead_message_is_shown_without_ruling_the_terminal(world: World) -> None:
    await world.rows(10)
    await queued(world)
    await buried(world, b"\x1b[31mred\x00\xff")
    [one] = (await done(world, "dead", "list", "--json")).json["messages"]

    shown = await done(world, "dead", "show", one["id"])
    assert "\x1b" not in shown.out
    assert shown.out.splitlines()[-1] == "\\x1b[31mred\\x00\\xff"
    assert "header reason: no JSON\n" in shown.out
    whole = (await done(world, "dead", "show", one["id"], "--json")).json
    assert (whole["headers"]["reason"], whole["body"]) == ("no JSON", "\x1b[31mred\x00\\xff")


async def test_looking_again_and_again_loses_nothing(world: World) -> None:
    # RabbitMQ 4 drops what was delivered 20 times.
    job = await with_a_failed_partition(world)
    before = (await done(world, "dead", "list", "--json")).json["messages"]
    looks = (["list"], ["show", before[0]["id"]])
    for number in range(48):
        seen = (await done(world, "dead", *looks[number // 24], "--json")).json
        assert seen.get("messages", [{one: seen.get(one) for one in before[0]}]) == before
    async with world.broker() as connection:
        channel = await connection.channel()
        message = await (await channel.get_queue(world.topology.dead_queue, ensure=False)).get()
        assert message.headers.get("x-delivery-count", 0) < 20
        assert message.headers["backfill-dead-id"] == before[0]["id"], "it was replaced by a copy"
        await channel.close()
    assert before[0]["job"] == str(job)


async def test_a_message_that_is_put_back_is_worked_on(world: World) -> None:
    await world.rows(30)
    job = await queued(world)
    await done(world, "purge", str(job), "--yes")
    await world.execute("UPDATE backfill_partitions SET published_at = now() + interval '1 hour'")
    await buried(world, *[await body_of(world, job, f"00000000{n}") for n in (1, 2, 3)])
    first, *_ = (await done(world, "dead", "list", "--json")).json["messages"]

    one = (await done(world, "dead", "redrive", first["id"], "--json")).json["messages"]
    assert [(each["id"], each["redriven"]) for each in one] == [(first["id"], True)]
    assert one[0]["text"].endswith("; partition 000000001 of job " + str(job) + " is pending")
    assert (sum((await world.depths()).values()), len(await world.dead())) == (1, 2)
    await done(world, "dead", "redrive", "--job", str(job))
    assert (sum((await world.depths()).values()), len(await world.dead())) == (3, 0)
    await world.finish()
    await world.ends_well()


async def test_a_redrive_that_is_killed_loses_no_message_and_does_nothing_twice(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    await done(world, "purge", str(job), "--yes")
    await buried(world, await body_of(world, job, "000000001"))
    redrive = world.run("backfill", "dead", "redrive", "--all", failpoint="dead.before_ack=kill")
    await world.until_killed(redrive)

    async def in_both() -> bool:
        assert (sum((await world.depths()).values()), len(await world.dead())) == (1, 1)
        return True

    await eventually(in_both, what="the message in both queues")
    await done(world, "dead", "redrive", "--all")
    assert await world.dead() == []
    await world.finish()
    await world.ends_well()


async def test_a_partition_that_failed_stays_failed_and_what_to_do_is_said(world: World) -> None:
    job = await with_a_failed_partition(world)

    answer = await done(world, "dead", "redrive", "--all")

    assert f"has failed and stays failed; try its records again with: backfill retry {job}\n" in answer.out
    assert answer.out.endswith("Put back 1 of 1 messages.\n")
    await world.finish()
    assert await world.partitions() == {"failed": 1}


async def test_what_leads_to_no_work_stays(world: World) -> None:
    await world.rows(10)
    await queued(world)
    unknown = PartitionMessage(uuid4(), world.backfill, Mode.ALL, "000000001")
    await buried(world, b"nonsense", unknown.encode())

    answer = await ask(world, "dead", "redrive", "--all")

    assert answer.code == 4
    assert "stays: it cannot be read (no JSON); purge it\n" in answer.out
    assert f"stays: the ledger knows no partition 000000001 of job {unknown.job_id}; purge it\n" in answer.out
    assert len(await world.dead()) == 2


async def test_dead_messages_are_thrown_away_one_of_a_job_or_all(world: World) -> None:
    await world.rows(30)
    job = await queued(world)
    other = PartitionMessage(uuid4(), world.backfill, Mode.ALL, "000000001")
    await buried(world, b"nonsense", other.encode(), await body_of(world, job, "000000001"), b"more")
    first, *_ = (await done(world, "dead", "list", "--json")).json["messages"]

    refused = await ask(world, "dead", "purge", "--all")
    assert (refused.code, len(await world.dead())) == (2, 4)
    assert refused.err == "error: throw all dead messages away? Nobody is here to answer; add --yes\n"
    await done(world, "dead", "purge", first["id"], "--yes")
    await done(world, "dead", "purge", "--job", str(other.job_id), "--yes")
    assert [one.body for one in await world.dead()] == [await body_of(world, job, "000000001"), b"more"]
    answer = await done(world, "dead", "purge", "--all", "--yes", "--json")
    assert answer.json["purged"] == [{"backfill": "counter", "messages": 2}]
    assert await world.dead() == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "ffff"], 3, "error: no dead message 'ffff'; see: backfill dead list\n"),
        (["redrive", "ffff"], 3, "error: no dead message ffff; see: backfill dead list\n"),
        (["purge", "ffff", "--yes"], 3, "error: no dead message ffff; see: backfill dead list\n"),
        (["redrive"], 2, "which messages?"),
        (["redrive", "ffff", "--all"], 2, "which messages?"),
        (["purge", "--job=ffff", "--yes"], 3, "error: no job ffff; see: backfill list\n"),
        (["list", "--backfill=other"], 3, "error: no backfill 'other' has a job or a worker; see: backfill queues\n"),
    ],
)
async def test_what_is_not_there_is_said(world: World, arguments: list[str], code: int, said: str) -> None:
    await world.rows(10)
    await queued(world)
    answer = await ask(world, "dead", *arguments)
    assert answer.code == code
    assert said in answer.err
