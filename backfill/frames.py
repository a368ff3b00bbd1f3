"""What RabbitMQ sends, looked at frame by frame before the client has it: whoever may publish chooses what is in it.

The client keeps a body whole in memory however large it is, and ends the link over properties that it cannot decode,
or leaves the message unsettled: a few of them would stop a worker. Here a body is cut as it arrives, and properties
that no program of ours writes are replaced by a reason; what is left of such a message is refused as any other is.
"""

import asyncio
import struct
from typing import Any, Final

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from pamqp.constants import AMQP, FRAME_BODY, FRAME_END_CHAR, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD
from yarl import URL

from backfill import bearable

_AT_ONCE: Final = 65_536
_FRAME: Final = struct.Struct(">BHI")
_OPEN_OK: Final = b"\x00\x0a\x00\x29"  # of the class Connection
_HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"


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
        self._arrived = b""
        self._begin = 0  # of what has arrived so much was taken
        self._frame = b""
        self._at = 0  # of it the client has so much
        self._is_open = False
        self._wanted: dict[int, int] = {}  # by channel whose body is cut: bytes of it that the client still expects

    def at_eof(self) -> bool:
        return self._at >= len(self._frame) and self._begin >= len(self._arrived) and self._reader.at_eof()

    async def readexactly(self, count: int) -> bytes:
        if self._at >= len(self._frame):
            self._frame, self._at = await self._next(), 0
        part = self._frame[self._at : self._at + count]
        self._at += count
        return part

    async def _fill(self, count: int) -> None:
        """Have so much at hand; many frames are small, and are not waited for one by one."""
        parts = [self._arrived[self._begin :]]
        missing = count - len(parts[0])
        while missing > 0:
            if not (part := await self._reader.read(_AT_ONCE)):
                raise asyncio.IncompleteReadError(b"".join(parts), count)
            parts.append(part)
            missing -= len(part)
        self._arrived, self._begin = b"".join(parts), 0

    async def _next(self) -> bytes:
        kind, channel, frame = await self._whole()
        if not self._is_open:
            # A server that is slow to let us in beats meanwhile: the client would take that for its answer, and us for
            # refused.
            while kind == FRAME_HEARTBEAT:
                kind, channel, frame = await self._whole()
            self._is_open = kind == FRAME_METHOD and frame.startswith(_OPEN_OK, _FRAME.size)
        if kind == FRAME_BODY:
            return self._part(channel, frame) if channel in self._wanted else frame
        if kind == FRAME_HEADER:
            return self._header(channel, frame)
        if kind == FRAME_METHOD and frame.startswith(bearable.DELIVERIES, _FRAME.size):
            return self._method(channel, frame)
        return frame

    async def _whole(self) -> tuple[int, int, bytes]:
        """The next frame, with its kind and its channel."""
        if len(self._arrived) - self._begin < _FRAME.size:
            await self._fill(_FRAME.size)
        kind, channel, size = _FRAME.unpack_from(self._arrived, self._begin)
        if kind == AMQP[0]:  # the server speaks another version, and says which
            size = 0
        whole = _FRAME.size + size + (kind != AMQP[0])
        if len(self._arrived) - self._begin < whole:
            await self._fill(whole)
        frame = self._arrived[self._begin : self._begin + whole]
        self._begin += whole
        return kind, channel, frame

    def _method(self, channel: int, frame: bytes) -> bytes:
        payload = frame[_FRAME.size : -1]
        return frame if bearable.is_text(payload) else _framed(FRAME_METHOD, channel, bearable.with_text(payload))

    def _header(self, channel: int, frame: bytes) -> bytes:
        self._wanted.pop(channel, None)
        payload = frame[_FRAME.size : -1]
        if bearable.is_plain(payload):
            return frame
        header, is_cut = bearable.header(payload)
        if is_cut:
            self._wanted[channel] = bearable.CUT
        return frame if header is None else _framed(FRAME_HEADER, channel, header)

    def _part(self, channel: int, frame: bytes) -> bytes:
        part = frame[_FRAME.size : min(len(frame) - 1, _FRAME.size + self._wanted[channel])]
        self._wanted[channel] -= len(part)
        # The client ends a link on which it hears nothing, and RabbitMQ sends no heartbeats beside a body.
        return _framed(FRAME_BODY, channel, part) if part else _HEARTBEAT


def _framed(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + FRAME_END_CHAR
