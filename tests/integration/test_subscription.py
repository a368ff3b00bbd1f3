"""A consumer that looks whether its queue has messages which it does not get."""

import gc

from backfill.workers.links.subscription import Subscription
from tests.support.world import World


def left_behind() -> int:
    """Objects of the client's that are alive."""
    gc.collect()
    return sum(str(type(one).__module__).startswith(("aiormq.", "aio_pika.")) for one in gc.get_objects())


async def test_looking_at_a_queue_leaves_nothing_behind(world: World) -> None:
    async with world.broker() as connection:
        channel = await connection.channel(publisher_confirms=False)
        subscription = Subscription("counter", await channel.declare_queue("looked_at", durable=True))
        await subscription.consume(lambda delivery: None)
        await subscription.is_passed_over()
        before = left_behind()
        for _ in range(20):
            assert not await subscription.is_passed_over()
        assert left_behind() <= before + 2
