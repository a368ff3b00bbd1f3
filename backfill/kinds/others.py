"""The other types of pg_catalog."""

import ipaddress
import json
import re
from typing import Any, Final
from uuid import UUID

from backfill.kinds.kind import Kind
from backfill.kinds.numbers import is_integer
from backfill.kinds.texts import text


def _bool(value: Any) -> str:
    if not isinstance(value, bool):
        raise TypeError
    return "t" if value else "f"


def _uuid(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, str):
        raise TypeError
    return str(UUID(value))


def _bytea(value: Any) -> str:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return "\\x" + bytes(value).hex()


def _json(value: Any) -> str:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        raise ValueError("a str that looks like JSON would be stored as a string: give the object itself")
    try:
        return text(json.dumps(value, allow_nan=False, ensure_ascii=False))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _network(value: Any) -> str:
    if isinstance(value, ipaddress._IPAddressBase):
        return str(value)
    return text(value)


def _bits(value: Any) -> str:
    found = value.as_string().replace(" ", "") if hasattr(value, "as_string") else text(value)
    if not re.fullmatch("[01]*", found):
        raise ValueError("only 0 and 1 are bits")
    return str(found)


def _lsn(value: Any) -> str:
    if not is_integer(value):
        return text(value)
    if not 0 <= value < 2**64:
        raise ValueError("out of range")
    return f"{int(value) >> 32:X}/{int(value) & 0xFFFFFFFF:X}"


KINDS: Final = (
    Kind("bool", "a bool", _bool),
    Kind("uuid", "a uuid.UUID, or a str of one", _uuid),
    Kind("bytea", "bytes", _bytea),
    Kind("json", "a Python object that JSON can say", _json, as_text=True, is_list=True),
    Kind("jsonb", "a Python object that JSON can say", _json, is_list=True),
    Kind("inet", "an address or interface of ipaddress, or a str", _network),
    Kind("cidr", "a network of ipaddress, or a str", _network),
    Kind("macaddr", "a str", text),
    Kind("macaddr8", "a str", text),
    Kind("bit", "a str of 0 and 1, or an asyncpg.BitString", _bits),
    Kind("varbit", "a str of 0 and 1, or an asyncpg.BitString", _bits),
    Kind("pg_lsn", "an int or a str", _lsn),
)
