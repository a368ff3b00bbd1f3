"""What of a delivery the client can bear: its content header with the properties, and the names that it came by."""

import struct
from math import isfinite
from typing import Any, Final

from pamqp.commands import Basic
from pamqp.header import ContentHeader

from backfill.message import MAX_BODY_BYTES

SIZE: Final = "backfill-size"  # header of a body that was cut: what it was
MAX_PROPERTIES_BYTES: Final = 8_192  # a message of ours that has died has less than 4 KB of them
MAX_DEPTH: Final = 8  # of tables within tables; RabbitMQ nests three
CUT: Final = MAX_BODY_BYTES + 1  # of a larger body so much is kept: too large to be read

DELIVERIES: Final = (struct.pack(">HH", 60, 60), struct.pack(">HH", 60, 71))  # Basic.Deliver, Basic.GetOk
_CONTENT: Final = struct.Struct(">HHQ")
# Content type, headers, delivery mode, priority, correlation id and message id; no headers, and persistent.
_OURS: Final = b"\xbc\x80\x10application/json\0\0\0\0\x02"


def is_plain(payload: bytes) -> bool:
    """Whether a content header is as our programs write it, for a body that may be read: nearly every one is.

    To decode it takes longer than all the rest, and the client does so as well.
    """
    return (
        payload.startswith(_OURS, _CONTENT.size)
        and payload[_CONTENT.size + len(_OURS) :].isascii()
        and _CONTENT.unpack_from(payload)[2] <= MAX_BODY_BYTES
        and len(payload) <= MAX_PROPERTIES_BYTES
    )


def header(payload: bytes) -> tuple[bytes | None, bool]:
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
        found.body_size = CUT
        return found.marshal(), True
    except Exception as error:  # the decoder's, of any class: whatever is in there, the link must last
        headers: dict[str, Any] = {
            "reason": f"its properties cannot be read: {str(error)[:200] or type(error).__name__}"
        }
        if is_cut:
            headers[SIZE] = size
        properties = Basic.Properties(headers=headers)
        return ContentHeader(0, CUT if is_cut else size, properties).marshal(), is_cut


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
    if payload.startswith(DELIVERIES[0]):
        at += 1 + payload[at]  # the consumer's tag
    exchange = at + 8 + 1  # behind the delivery's number and whether it comes again
    key = exchange + 1 + payload[exchange]
    return exchange, key, key + 1 + payload[key]


def is_text(payload: bytes) -> bool:
    try:
        for name in _split(payload):
            name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _split(payload: bytes) -> tuple[bytes, bytes]:
    exchange, key, end = _names(payload)
    return payload[exchange + 1 : key], payload[key + 1 : end]


def with_text(payload: bytes) -> bytes:
    """The delivery with a question mark for each byte of its two names that is no text."""
    exchange, _, end = _names(payload)
    names = [name.decode("ascii", "replace").replace("\ufffd", "?").encode() for name in _split(payload)]
    return payload[:exchange] + b"".join(bytes([len(name)]) + name for name in names) + payload[end:]
