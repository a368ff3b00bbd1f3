"""What is known of queues by their names, and of a management API that is none."""

import socket
import threading

import pytest

from backfill.errors import UnreachableError
from backfill.management import unacknowledged
from backfill.queues import delays
from backfill.topology import Topology


@pytest.mark.parametrize("backfill", ["load", "load_100ms", "load_10ms_delay_5ms"])
def test_the_delays_of_a_backfill_are_read_out_of_its_queues_and_no_others(backfill: str) -> None:
    topology = Topology(backfill, "default")
    names = [topology.delay_queue(7_000), Topology("other", "default").delay_queue(9_000), topology.dead_queue]
    assert delays(topology, (0.05,), dict.fromkeys(names, 0)) == [50, 7_000]


async def test_what_is_no_management_api_is_said_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"AMQP\x00\x00\x09\x01")

        answering = threading.Thread(target=answer)
        answering.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UnreachableError, match="correct RABBITMQ_MANAGEMENT_URL"):
            await unacknowledged(url, "amqp://localhost/")
        answering.join(5)
    with pytest.raises(UnreachableError, match="correct RABBITMQ_MANAGEMENT_URL"):
        await unacknowledged("http://localhost:abc", "amqp://localhost/")
