"""What reaches the client of a link on which anybody may have published anything."""

import asyncio
import random
import struct
from typing import Any

import pytest
from aio_pika.message import IncomingMessage
from aiormq.abc import DeliveredMessage
from aiormq.connection import FrameReceiver
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Connection
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from backfill import bearable
from backfill.bearable import MAX_PROPERTIES_BYTES, SIZE
from backfill.errors import ContractError
from backfill.frames import Frames
from backfill.message import MAX_BODY_BYTES, decode
from backfill.publisher import _persistent
from tests.support.flood import nested, table

DELIVER = Basic.Deliver("tag", 1, False, "work", "normal.0")
HEADERS_FLAG = 0x2000


async def received(*sent: bytes, is_open: bool = True) -> list[Any]:
    """The frames that the client has of these bytes, on a link that is open already or not."""
    reader = asyncio.StreamReader()
    for one in sent:
        reader.feed_data(one)
    reader.feed_eof()
    guarded: Any = Frames(reader)
    guarded._is_open = is_open
    return [found async for _, _, found in FrameReceiver(guarded)]


def header(properties: bytes, size: int = 2) -> bytes:
    payload = struct.pack(">HHQ", 60, 0, size) + properties
    return struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce"


async def test_what_our_programs_and_rabbitmq_write_arrives_as_it_is() -> None:
    deaths = [{"count": 1, "reason": "rejected", "queue": "q", "routing-keys": ["normal.0"]}]
    properties = Basic.Properties(headers={"x-death": deaths}, message_id="m", delivery_mode=2)
    sent = [
        *(frame.marshal(one, 1) for one in (DELIVER, ContentHeader(0, 4, properties), ContentBody(b"body"))),
        frame.marshal(Heartbeat(), 0),
    ]

    method, head, body, beat = await received(*sent)

    assert (method.routing_key, method.exchange, body.value) == ("normal.0", "work", b"body")
    assert (head.properties.headers, head.properties.message_id) == ({"x-death": deaths}, "m")
    assert isinstance(beat, Heartbeat)


async def test_a_server_that_is_slow_to_let_us_in_has_not_answered_with_its_heartbeats() -> None:
    """The client expects Connection.OpenOk and nothing else: it took a heartbeat for a refusal, which ends a worker."""
    beat = frame.marshal(Heartbeat(), 0)
    tune, opened = (frame.marshal(one, 0) for one in (Connection.Tune(), Connection.OpenOk()))
    found = await received(tune, beat, beat, opened, beat, is_open=False)
    assert [one.name for one in found] == ["Connection.Tune", "Connection.OpenOk", "Heartbeat"]


def test_a_message_of_ours_is_known_by_its_beginning_and_not_decoded_twice() -> None:
    ours = _persistent(b"", "an id", {}).properties
    assert bearable.is_plain(ContentHeader(0, MAX_BODY_BYTES, ours).marshal())
    assert not bearable.is_plain(ContentHeader(0, MAX_BODY_BYTES + 1, ours).marshal())
    assert not bearable.is_plain(ContentHeader(0, 1, _persistent(b"", "ø", {}).properties).marshal())
    assert not bearable.is_plain(ContentHeader(0, 1, _persistent(b"", "", {"reason": "x"}).properties).marshal())


async def test_of_a_large_body_the_client_has_no_more_than_makes_it_too_large_and_the_link_shows_life() -> None:
    part, count = b" " * 131_064, 40
    size = len(part) * count
    head = ContentHeader(0, size, Basic.Properties(message_id="large"))
    other = [frame.marshal(one, 2) for one in (DELIVER, ContentHeader(0, 2), ContentBody(b"{}"))]
    bodies = [frame.marshal(ContentBody(part), 1)] * count

    found = await received(frame.marshal(head, 1), bodies[0], *other, *bodies[1:], *other)

    assert (found[0].body_size, found[0].properties.headers) == (MAX_BODY_BYTES + 1, {SIZE: size})
    assert found[0].properties.message_id == "large"
    values = [one.value for one in found if isinstance(one, ContentBody)]
    assert [len(value) for value in values] == [MAX_BODY_BYTES + 1, 2, 2]
    assert sum(isinstance(one, Heartbeat) for one in found) == count - 1
    with pytest.raises(ContractError, match="oversized"):
        decode(values[0])


@pytest.mark.parametrize(
    ("properties", "reason"),
    {
        "a message id that is no text": (b"\x00\x80\x01\xff", "utf-8"),
        "a header's name that is no text": (b"\x20\x00" + table((b"\xff", b"V")), "utf-8"),
        "a type that nobody knows": (b"\x20\x00" + table((b"a", b"?")), "Unknown type"),
        "a time beyond all calendars": (b"\x20\x00" + table((b"a", b"T" + b"\x7f" * 8)), "out of range|year"),
        "tables nested a thousand times": (b"\x20\x00" + table((b"a", nested(1_000))), "recursion"),
        "tables nested nine times": (b"\x20\x00" + table((b"a", nested(8))), "within each other"),
        "too many": (b"\x20\x00" + table(*[(b"a", b"V")] * 4_000), f"at most {MAX_PROPERTIES_BYTES:,}"),
        "no number": (b"\x20\x00" + table((b"a", b"d\x7f\xf8" + b"\0" * 6)), "nan is no number"),
        "a delivery mode of its own": (b"\x10\x00\x07", "delivery mode 7"),
        "an expiration that is no number": (b"\x01\x00\x04soon", "soon"),
        "flags without an end": (b"\xff\xff", "truncated"),
    }.values(),
)
async def test_properties_that_the_client_would_stumble_over_become_a_reason(properties: bytes, reason: str) -> None:
    method, head, body = await received(
        frame.marshal(DELIVER, 1), header(properties), frame.marshal(ContentBody(b"{}"), 1)
    )

    assert body.value == b"{}"
    said = head.properties.headers["reason"]
    assert said.startswith("its properties cannot be read: ")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(said)
    client_side(method, head, body)


async def test_a_large_body_under_properties_that_cannot_be_read_is_cut_as_well() -> None:
    head, body = await received(
        header(b"\x10\x00\x07", MAX_BODY_BYTES + 9), frame.marshal(ContentBody(b"x" * (MAX_BODY_BYTES + 9)), 1)
    )

    assert head.properties.headers[SIZE] == MAX_BODY_BYTES + 9
    assert head.body_size == len(body.value) == MAX_BODY_BYTES + 1


async def test_names_that_are_no_text_are_written_with_question_marks() -> None:
    sent = frame.marshal(DELIVER, 1).replace(b"normal.0", b"normal.\xff").replace(b"work", b"w\xfe\xferk"[:4])
    got = frame.marshal(Basic.GetOk(7, True, "work", "normal.0", 3), 1).replace(b"normal.0", b"\xc3ormal.0")

    delivered, taken = await received(sent, got)

    assert (delivered.routing_key, delivered.exchange, delivered.consumer_tag) == ("normal.?", "w??r", "tag")
    assert (taken.routing_key, taken.delivery_tag, taken.redelivered, taken.message_count) == ("?ormal.0", 7, True, 3)


async def test_no_properties_at_all_end_the_link_or_lose_a_message() -> None:
    dice = random.Random(11)
    for _ in range(3_000):
        properties = struct.pack(">H", dice.choice([HEADERS_FLAG, 0x3000, 0xFFFC, dice.randrange(65_536)]))
        properties += table(*((bytes([97 + n]), anything(dice)) for n in range(dice.randint(0, 4))))
        properties += dice.randbytes(dice.randint(0, 12))

        found = await received(frame.marshal(DELIVER, 1), header(properties), frame.marshal(ContentBody(b"{}"), 1))

        client_side(*found)


async def test_a_server_of_another_version_is_told_as_the_client_tells_it() -> None:
    guarded: Any = Frames(asyncio.StreamReader())
    guarded._reader.feed_data(b"AMQP\x00\x00\x09\x01")
    with pytest.raises(Exception, match="Unexpected AMQP protocol header"):
        await FrameReceiver(guarded).get_frame()


def client_side(method: Any, head: Any, body: Any) -> None:
    """What the client makes of a delivery; an error here would leave the message unsettled for ever."""
    channel: Any = None
    IncomingMessage(DeliveredMessage(delivery=method, header=head, body=body.value, channel=channel))


def anything(dice: random.Random, depth: int = 0) -> bytes:
    """A value of any type that a table may hold, or of none."""
    kind = dice.choice(b"tbBsuIilLfdDTVSxAF\x00?")
    sizes = dict(zip(b"tbBsuIilLfdDTV\x00?", (1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 5, 8, 0, 0, 0), strict=True))
    if kind in sizes:
        return bytes([kind]) + dice.randbytes(sizes[kind])
    if kind in b"Sx":
        inside = dice.randbytes(dice.randint(0, 20))
    elif depth > 10:
        return b"V"
    elif kind in b"A":
        inside = b"".join(anything(dice, depth + 1) for _ in range(dice.randint(0, 3)))
    else:
        return b"F" + table(*((bytes([97 + n]), anything(dice, depth + 1)) for n in range(dice.randint(0, 3))))
    return bytes([kind]) + struct.pack(">I", len(inside)) + inside
