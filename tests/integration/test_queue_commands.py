"""`backfill queues` and `backfill purge`: what waits in RabbitMQ, and how it is thrown away without losing work."""

from collections import Counter
from uuid import UUID

import pytest

from backfill.message import PartitionMessage, decode
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from tests.support.operating import ask, closed_gate, done, history, queued, until_held, working
from tests.support.waiting import eventually
from tests.support.world import World

ALL = ("--mode=all", "--batch-size=10")


async def two_jobs(world: World) -> tuple[UUID, UUID]:
    """Two jobs of three partitions each, whose messages are in one queue."""
    await world.rows(30)
    one = await queued(world, *ALL)
    await world.execute("INSERT INTO things (id, base) SELECT id, 0 FROM generate_series(31, 60) AS id")
    two = await queued(world, *ALL, "--after=30")
    return one, two


async def in_the_queue(world: World) -> Counter[UUID]:
    """Messages of each job in the work queue, looked at and given back."""
    found: Counter[UUID] = Counter()
    async with world.broker() as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(world.topology.queue(Priority.NORMAL), ensure=False)
        while (message := await queue.get(fail=False)) is not None:
            found[decode(message.body).job_id] += 1
        await channel.close()
    return found


# --- queues


async def test_the_queues_are_counted(world: World) -> None:
    world.definition = "Gated"
    await world.rows(30)
    job = await queued(world)
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2, 60))
    row = (await world.fetch("SELECT * FROM backfill_partitions ORDER BY id LIMIT 1"))[0]
    message = PartitionMessage(job, world.backfill, Mode.ALL, row["partition_key"], 1, tuple(row["record_ids"]))
    await publisher.publish(message, Priority.HIGH)
    await publisher.publish(message, Priority.LOW)
    await publisher.publish(message, Priority.LOW)
    await publisher.publish(message, Priority.NORMAL, delay_ms=60_000, purpose="retry")
    await publisher.bury(world.backfill, b"nonsense", "no JSON")
    await publisher.close()

    [counts] = (await done(world, "queues", "--json", BACKFILL_RETRY_DELAYS="60")).json["queues"]
    assert counts["backfill"] == "gated"
    assert counts["ready"] == {"normal": 3, "high": 1, "low": 2}
    assert counts["consumers"] == {"normal": 0, "high": 0, "low": 0}
    assert counts["delayed"]["60000"] == 1
    assert counts["dead"] == 1
    columns, line = (await done(world, "queues", BACKFILL_RETRY_DELAYS="60")).out.splitlines()
    fields = dict(zip(columns.split("\t"), line.split("\t"), strict=True))
    assert [fields[name] for name in ("ready", "high", "low", "dead")] == ["3", "1", "2", "1"]
    assert fields["delayed"] == "1 for 60 s"


async def test_what_workers_hold_is_told_by_the_management_api(world: World) -> None:
    world.definition = "Gated"
    await world.rows(30)
    await queued(world)
    async with working(world), closed_gate(world):
        await until_held(world, 1)

        async def counted() -> bool:
            [counts] = (await done(world, "queues", "--json")).json["queues"]
            assert (counts["unacknowledged"], counts["consumers"]) == (3, dict.fromkeys(Priority, 1))
            return True

        await eventually(counted, what="the statistics of the management API")


@pytest.mark.parametrize("url", ["", "http://nobody:secret-word@127.0.0.1:1", "nonsense"])
async def test_without_the_management_api_what_it_alone_knows_is_left_out(world: World, url: str) -> None:
    await world.rows(10)
    await queued(world)
    answer = await done(world, "queues", RABBITMQ_MANAGEMENT_URL=url)
    assert answer.out.splitlines()[1].split("\t")[1:5] == ["1", "0", "0", "-"]
    assert ("RABBITMQ_MANAGEMENT_URL" in answer.err) is bool(url)
    assert "secret-word" not in answer.err


async def test_a_queue_that_does_not_exist_has_no_count(world: World) -> None:
    await world.rows(10)
    await queued(world)
    async with world.broker() as connection:
        channel = await connection.channel()
        await channel.queue_delete(world.topology.dead_queue, if_unused=False, if_empty=False)
    assert (await done(world, "queues", "--json")).json["queues"][0]["dead"] is None


async def test_a_broker_that_is_away_is_said_in_a_line(world: World) -> None:
    await world.rows(10)
    await queued(world)
    for command in (["queues"], ["purge", "latest", "--yes"], ["purge", "--all", "--yes"]):
        answer = await ask(world, *command, RABBITMQ_URL="amqp://guest:guest@127.0.0.1:1/", RABBITMQ_MANAGEMENT_URL="")
        assert answer.code == 5
        assert answer.err.startswith("error: cannot reach RabbitMQ at ")
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE published_at IS NULL") == 0


# --- purge


async def test_the_messages_of_one_job_go_and_those_of_others_stay(world: World) -> None:
    one, two = await two_jobs(world)
    await world.publish(b"nonsense")

    answer = await done(world, "purge", str(one), "--yes", LOGNAME="ada")

    assert answer.out.startswith(f"Purged 3 messages of job {one}; 3 partitions are outstanding")

    async def the_others() -> bool:
        depths = await world.depths()  # those that were looked at come back in a moment
        assert depths == {name: 4 * (name == "backfill_counter_queue") for name in depths}
        return True

    await eventually(the_others, what="the messages of the other job, and one of nobody's")
    assert (await history(world, one))[-1][0] == "job.purged"
    unpublished = "SELECT count(*) FROM backfill_partitions WHERE backfill_job_id = $1 AND published_at IS NULL"
    assert (await world.value(unpublished, one), await world.value(unpublished, two)) == (3, 0)
    # And workers bring them back.
    await world.finish()
    await world.ends_well(undecodable=1)


async def test_a_purge_that_is_killed_loses_no_message(world: World) -> None:
    one, two = await two_jobs(world)
    purge = world.run("backfill", "purge", str(one), "--yes", failpoint="purge.before_ack=kill")
    await world.until_killed(purge)

    async def returned() -> bool:
        depths = await world.depths()  # whoever takes them to look at them, again and again, has them dead in the end
        assert depths[world.topology.queue(Priority.NORMAL)] == 9, depths
        return True

    await eventually(returned, what="the broker giving back what the killed purge had taken")
    assert await in_the_queue(world) == {one: 3, two: 6}, "each of the other job's is there twice"
    await world.finish()
    await world.ends_well()


async def test_all_messages_go_those_that_wait_for_a_retry_too(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    job = await queued(world, *ALL)
    await world.execute("INSERT INTO outage VALUES ('test')")
    # And no message is looked for in vain while a busy worker has it: there would be another one of the same.
    delays = {"BACKFILL_RETRY_DELAYS": "60", "BACKFILL_RECONCILE_SECONDS": "300"}
    async with working(world, **delays):

        async def waits() -> bool:
            waiting = "SELECT count(*) FROM backfill_partitions WHERE not_before IS NOT NULL AND state = 'pending'"
            assert await world.value(waiting) == 2
            return True

        await eventually(waits, what="partitions that wait for a retry")
    await done(world, "pause", str(job))

    refused = await ask(world, "purge", "--all")
    assert (refused.code, refused.err) == (
        2,
        "error: purge all messages of flaky? Nobody is here to answer; add --yes\n",
    )
    other = await ask(world, "purge", "--all", "--backfill=other", "--yes")
    assert (other.code, other.out) == (3, "")
    assert other.err == "error: no backfill 'other' has a job or a worker; see: backfill queues\n"
    [purged] = (await done(world, "purge", "--all", "--yes", "--json", **delays)).json["purged"]
    assert (purged["backfill"], purged["messages"], purged["republished"]) == ("flaky", 2, 0)
    assert (await history(world, job))[-1][0] == "job.purged"


@pytest.mark.parametrize("arguments", [[], ["latest", "--all"], ["latest", "--backfill=counter"]])
async def test_it_must_be_clear_whose_messages_go(world: World, arguments: list[str]) -> None:
    answer = await ask(world, "purge", *arguments, "--yes")
    assert answer.code == 2
    assert "whose messages?" in answer.err


async def test_a_job_that_does_not_exist_has_no_messages(world: World) -> None:
    assert (await ask(world, "purge", "ffff", "--yes")).code == 3
