"""A quorum queue whose leader takes its time: RabbitMQ then says that it is empty, which nothing of ours believes."""

from urllib.parse import urlsplit

import pytest

from backfill.modes import Priority
from backfill.services.rabbitmq import Rabbitmq
from tests.support.operating import queued
from tests.support.world import World

pytestmark = pytest.mark.long

# Its leader answers for a moment only, two times a second.
HESITATING = """
    {{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{vhost}">>, queue, <<"{queue}">>)),
    {{Leader, _}} = amqqueue:get_pid(Queue),
    spawn(fun() -> [
        begin sys:suspend(Leader), timer:sleep(500), sys:resume(Leader), timer:sleep(1) end || _ <- lists:seq(1, 20)
    ] end), ok.
"""


async def test_a_queue_that_answers_late_is_not_taken_for_an_empty_one(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    world.checked = True  # nothing is worked on
    await world.rows(30)
    await queued(world)
    queue = world.topology.queue(Priority.NORMAL)
    vhost = urlsplit(world.amqp).path.strip("/")
    private_rabbitmq.ctl("eval", HESITATING.format(vhost=vhost, queue=queue))
    assert [(await world.depths())[queue] for _ in range(10)] == [3] * 10
