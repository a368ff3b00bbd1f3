"""What RabbitMQ sends, looked at frame by frame before the client has it: whoever may publish chooses what is in it.

The client keeps a body whole in memory however large it is, and ends the link over properties that it cannot decode,
or leaves the message unsettled: a few of them would stop a worker. Here a body is cut as it arrives, and properties
that no program of ours writes are replaced by a reason; what is left of such a message is refused as any other is.
"""

import asyncio
import struct
from math import isfinite
from typing import Any, Final

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from pamqp.commands import Basic
from pamqp.constants import AMQP, FRAME_BODY, FRAME_END_CHAR, FRAME_HEADER, FRAME_METHOD
from pamqp.header import ContentHeader
from yarl import URL

from backfill.message import MAX_BODY_BYTES

SIZE: Final = "backfill-size"  # header of a body that was cut: what it was
MAX_PROPERTIES_BYTES: Final = 8_192  # a message of ours that has died has less than 4 KB of them
MAX_DEPTH: Final = 8  # of tables within tables; RabbitMQ nests three

_FRAME: Final = struct.Struct(">BHI")
_CONTENT: Final = struct.Struct(">HHQ")
_METHODS: Final = (struct.pack(">HH", 60, 60), struct.pack(">HH", 60, 71))  # Basic.Deliver, Basic.GetOk
_HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_CUT: Final = MAX_BODY_BYTES + 1  # of a larger body so much is kept: too large to be read


class Guarded(TransportFactory):
    """Opens links as the client does, and reads them through Frames."""

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        guarded: Any = Frames(reader)
        return guarded, writer


class Frames:
    """The two calls of a StreamReader that the client makes, each frame being one that it can bear."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._frame = b""
        self._at = 0  # of it the client has so much
        self._wanted: dict[int, int] = {}  # by channel whose body is cut: bytes of it that the client still expects

    def at_eof(self) -> bool:
        return self._at >= len(self._frame) and self._reader.at_eof()

    async def readexactly(self, count: int) -> bytes:
        if self._at >= len(self._frame):
            self._frame, self._at = await self._next(), 0
        part = self._frame[self._at : self._at + count]
        self._at += count
        return part

    async def _next(self) -> bytes:
        head = await self._reader.readexactly(_FRAME.size)
        if head.startswith(AMQP):  # the server speaks another version, and says which
            return head
        kind, channel, size = _FRAME.unpack(head)
        rest = await self._reader.readexactly(size + 1)
        if kind == FRAME_BODY:
            if channel not in self._wanted:
                return head + rest
            payload = rest[: min(size, self._wanted[channel])]
            self._wanted[channel] -= len(payload)
            # The client ends a link on which it hears nothing, and RabbitMQ sends no heartbeats beside a body.
            return _framed(kind, channel, payload) if payload else _HEARTBEAT
        if kind == FRAME_HEADER:
            self._wanted.pop(channel, None)
            header, is_cut = _bearable_header(rest[:-1])
            if is_cut:
                self._wanted[channel] = _CUT
            return head + rest if header is None else _framed(kind, channel, header)
        if kind == FRAME_METHOD and rest.startswith(_METHODS) and not _is_text(rest[:-1]):
            return _framed(kind, channel, _with_text(rest[:-1]))
        return head + rest


def _framed(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + FRAME_END_CHAR


def _bearable_header(payload: bytes) -> tuple[bytes | None, bool]:
    """A content header to put in the place of this one, None where it may stay; and whether its body is to be cut."""
    _, _, size = _CONTENT.unpack_from(payload)
    is_cut = size > MAX_BODY_BYTES
    found = ContentHeader()
    try:
        if len(payload) > MAX_PROPERTIES_BYTES:
            raise ValueError(f"{len(payload):,} bytes, at most {MAX_PROPERTIES_BYTES:,} are read")
        found.unmarshal(payload)
        _check(found.properties)
        if not is_cut:
            return None, False
        found.properties.headers = {**(found.properties.headers or {}), SIZE: size}
        found.body_size = _CUT
        return found.marshal(), True
    except Exception as error:  # the decoder's, of any class: whatever is in there, the link must last
        headers: dict[str, Any] = {
            "reason": f"its properties cannot be read: {str(error)[:200] or type(error).__name__}"
        }
        if is_cut:
            headers[SIZE] = size
        properties = Basic.Properties(headers=headers)
        return ContentHeader(0, _CUT if is_cut else size, properties).marshal(), is_cut


def _check(properties: Basic.Properties) -> None:
    """Raise ValueError for what the decoder lets pass and the client, or a program of ours, would stumble over."""
    if properties.delivery_mode not in (None, 1, 2):
        raise ValueError(f"delivery mode {properties.delivery_mode}")
    if properties.expiration is not None:
        float(properties.expiration)
    _check_value(properties.headers or {}, 1)


def _check_value(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} tables within each other")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_value(inner, depth + 1)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number")


def _names(payload: bytes) -> tuple[int, int, int]:
    """Where a delivery has its exchange and its routing key, each behind its length, and where these end."""
    at = 4
    if payload.startswith(_METHODS[0]):
        at += 1 + payload[at]  # the consumer's tag
    exchange = at + 8 + 1  # behind the delivery's number and whether it comes again
    key = exchange + 1 + payload[exchange]
    return exchange, key, key + 1 + payload[key]


def _is_text(payload: bytes) -> bool:
    try:
        for name in _split(payload):
            name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _split(payload: bytes) -> tuple[bytes, bytes]:
    exchange, key, end = _names(payload)
    return payload[exchange + 1 : key], payload[key + 1 : end]


def _with_text(payload: bytes) -> bytes:
    """The delivery with a question mark for each byte of its two names that is no text."""
    exchange, _, end = _names(payload)
    names = [name.decode("ascii", "replace").replace("\ufffd", "?").encode() for name in _split(payload)]
    return payload[:exchange] + b"".join(bytes([len(name)]) + name for name in names) + payload[end:]
