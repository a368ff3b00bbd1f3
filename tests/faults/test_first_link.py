"""A worker's first link to RabbitMQ: what it cannot begin with is an error, a link that breaks later is a loss."""

import pytest

from tests.support.proxy import proxied
from tests.support.waiting import eventually
from tests.support.world import World

# Class and method of AMQP 0-9-1, as a client sends them.
CALLS = {
    "before it declares": bytes([0, 20, 0, 10]),  # channel.open
    "while it declares": bytes([0, 50, 0, 10]),  # queue.declare
    "while it subscribes": bytes([0, 60, 0, 20]),  # basic.consume
}

ANOTHER_LEADS = """
    INSERT INTO backfill_leases (name, holder, expires_at)
    VALUES ('reconciler/counter', gen_random_uuid(), now() + interval '1 hour')
"""


@pytest.mark.parametrize("when", CALLS)
async def test_a_link_that_breaks_before_the_first_subscription_is_a_loss_like_any_other(
    world: World, when: str
) -> None:
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")
    # A link of the reconciler's, which sends the same, might come first, and cut this one before it is reached.
    await world.execute(ANOTHER_LEADS)
    async with proxied(world.amqp) as (url, proxy):
        proxy.cut_at(CALLS[when])
        worker = world.worker(RABBITMQ_URL=url)
        await eventually(lambda: proxy.has_cut)
        await world.execute("UPDATE backfill_leases SET expires_at = now()")
        await world.until_ended()
        await world.drain(worker)

    assert proxy.has_cut
    assert "Lost RabbitMQ; connecting again." in worker.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()
