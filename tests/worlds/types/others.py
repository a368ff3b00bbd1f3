"""Examples of what is neither number, text nor time."""

import ipaddress
import math
from typing import Any
from uuid import UUID

import asyncpg

from tests.worlds.model import Type, text
from tests.worlds.types.texts import NO_TEXTS

DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]
NO_JSON: tuple[Any, ...] = (
    {"a": math.nan},
    math.inf,
    {"a": b"x"},
    {1, 2},
    object(),
    {"a": "\ud800"},
    DEEP,
    "[1]",
    '{"a"',
)
JSON = (
    ({"a": [1, 2.5, None, True], "ä": "ö'\"\\"}, """'{"a": [1, 2.5, null, true], "ä": "ö''\\"\\\\"}'"""),
    ([], "'[]'"),
    ("text", "'\"text\"'"),
    ("null", "'\"null\"'"),
    (1, "'1'"),
    (False, "'false'"),
    (10**50, text(str(10**50))),
)
ID = UUID("01234567-89ab-cdef-0123-456789abcdef")
INTERFACE = ipaddress.ip_interface("10.0.0.1/8")

OTHERS = [
    Type("uuid", "UUID", ((ID, text(str(ID))), (ID.hex.upper(), text(str(ID))), (UUID(int=0), text(str(UUID(int=0))))),
         ("x", str(ID)[:-1], 1, b"x" * 16, object())),
    Type("bytea", "bytes", ((b"", "''"), (b"\\x00'\"\0\xff", r"'\x5c783030272200ff'"),
                            (bytearray(b"a"), "'a'"), (memoryview(b"b"), "'b'")), ("x", 1, [1], object())),
    Type("json", "object", (*JSON, ({"a": "\0"}, r"""'{"a": "\u0000"}'""")), NO_JSON,
         no_key="no unique index", nests=False),
    Type("jsonb", "object", JSON,
         ({"a": "\0"}, {"\0": 1}, *NO_JSON), nests=False,
         keys=("'1'", "'{}'", "'[1, {\"a\": null}]'", "'\"a\"'", "'null'", "'1.5'", "'true'")),
    Type("inet", "IPv4Address or IPv4Interface or IPv6Address or IPv6Interface", (
        (INTERFACE, "'10.0.0.1/8'"), (INTERFACE.ip, "'10.0.0.1'"), ("::1", "'::1'"), ("10.0.0.1/8", "'10.0.0.1/8'")),
        ("x", "10.0.0.256", 1, b"x", object())),
    Type("cidr", "IPv4Network or IPv6Network", (
        (INTERFACE.network, "'10.0.0.0/8'"), ("::/0", "'::/0'"), (INTERFACE.ip, "'10.0.0.1'")),
        (INTERFACE, "10.0.0.1/8", 1, b"x", object())),
    Type("macaddr", "str", (("08:00:2b:01:02:03", "'08:00:2b:01:02:03'"), ("08002b01020a", "'08002b01020a'")),
         ("x", *NO_TEXTS)),
    Type("macaddr8", "str", (("08:00:2b:01:02:03:04:05", "'08:00:2b:01:02:03:04:05'"),), ("x", *NO_TEXTS)),
    Type("bit(3)", "BitString", (("101", "B'101'"), (asyncpg.BitString("011"), "B'011'")),
         ("1010", "10", "", "102", "x", *NO_TEXTS)),
    Type("bit", "BitString", (("1", "B'1'"),), ("10", "", "2", *NO_TEXTS)),
    Type("varbit", "BitString", (("", "B''"), ("0", "B'0'"), ("00", "B'00'"), ("1010101010101", "B'1010101010101'")),
         ("2", *NO_TEXTS)),
    Type("varbit(3)", "BitString", (("", "B''"), ("101", "B'101'")), ("1010", *NO_TEXTS)),
    Type("pg_lsn", "int", (("0/0", "'0/0'"), ("16/B374D848", "'16/B374D848'"), (0x16B374D848, "'16/B374D848'"),
                           (2**63 - 1, "'7FFFFFFF/FFFFFFFF'")),
         ("x", "", 2**64, -1, 1.5, True, b"x", object()), (("'FFFFFFFF/FFFFFFFF'", None),)),
]  # fmt: skip
