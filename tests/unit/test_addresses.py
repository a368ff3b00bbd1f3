"""What a URL asks for: every library's spelling is understood, and what cannot be done is said in a line."""

import re
import socket
from pathlib import Path
from unittest import mock

import asyncpg
import pytest

from backfill import addresses, settings
from backfill.errors import UsageError

PLAIN = "postgresql://u:p@h:5432/db"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (PLAIN, PLAIN),
        ("postgres://u:p@h:5432/db", PLAIN),
        ("postgresql+asyncpg://u:p@h:5432/db", PLAIN),
        ("postgresql+psycopg2://u:p@h:5432/db", PLAIN),
        (f"{PLAIN}?application_name=mine&connection_limit=5&gssencmode=prefer&channel_binding=prefer", PLAIN),
        (f"{PLAIN}?client_encoding=UTF8&sslsni=1&connect_timeout=", PLAIN),
        (f"{PLAIN}?ssl=true", f"{PLAIN}?sslmode=require"),
        (f"{PLAIN}?sslmode=require&connect_timeout=10", f"{PLAIN}?sslmode=require"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=%2Frun%2Fpostgresql"),
        ("postgresql://u@[::1]:5432/db", "postgresql://u@[::1]:5432/db"),
        (
            "postgresql://u:p@a:1,b:2/db?target_session_attrs=read-write",
            "postgresql://u:p@a:1,b:2/db?target_session_attrs=read-write",
        ),
    ],
)
def test_a_url_is_read_as_the_driver_wants_it(given: str, read: str) -> None:
    assert addresses.read(given).url == read


@pytest.mark.parametrize(
    ("given", "each"),
    [
        (PLAIN, [PLAIN]),
        (
            "postgresql://u:p@a,[::1]:2/db?sslmode=require",
            [f"postgresql://u:p@{h}/db?sslmode=require" for h in ("a", "[::1]:2")],
        ),
        ("postgresql:///db?host=a,b&port=1,2", ["postgresql:///db?host=a&port=1", "postgresql:///db?host=b&port=2"]),
        ("postgresql:///db?host=a,b&port=1", ["postgresql:///db?host=a&port=1", "postgresql:///db?host=b&port=1"]),
        ("postgresql:///db?host=a,b", ["postgresql:///db?host=a", "postgresql:///db?host=b"]),
        ("postgresql:///db?service=one", ["postgresql:///db?service=one"]),
    ],
)
def test_each_host_has_a_url_of_its_own(given: str, each: list[str]) -> None:
    assert list(addresses.read(given).each) == each


@pytest.mark.parametrize("query", ["", "?target_session_attrs=prefer-standby"])
@pytest.mark.parametrize(
    ("hosts", "asked"),
    [
        ("a,[::1]:2", [("a", 5432), ("::1", 2)]),
        ("[::1]:2,a", [("::1", 2), ("a", 5432)]),
        ("[::1]:2,[::2]", [("::1", 2), ("::2", 5432)]),
        ("[::1]", [("::1", 5432)]),
    ],
)
async def test_the_driver_finds_hosts_in_brackets(
    monkeypatch: pytest.MonkeyPatch, hosts: str, asked: list[tuple[str, int]], query: str
) -> None:
    connect = mock.AsyncMock(side_effect=OSError)
    monkeypatch.setattr("asyncpg.connect_utils._connect_addr", connect)
    for url in addresses.read(f"postgresql://u:p@{hosts}/db{query}").each:
        with pytest.raises(OSError, match=r"^$"):
            await asyncpg.connect(url)
    assert [call.kwargs["addr"] for call in connect.await_args_list] == asked
    assert {call.kwargs["params"].password for call in connect.await_args_list} == {"p"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("schema=public", {"search_path": '"public"'}),
        ('schema=My"App', {"search_path": '"My""App"'}),
        ("options=-c%20search_path%3Dapp%2Cpublic", {"search_path": "app,public"}),
        ("options=-csearch_path=app%20--work-mem=64MB", {"search_path": "app", "work_mem": "64MB"}),
        (r"options=-c%20DateStyle=ISO,\ YMD", {"DateStyle": "ISO, YMD"}),
        ("statement_timeout=5s&app.region=7", {"statement_timeout": "5s", "app.region": "7"}),
    ],
)
def test_settings_of_the_server_are_taken_from_the_url(query: str, expected: dict[str, str]) -> None:
    found = addresses.read(f"{PLAIN}?{query}")
    assert (found.url, found.settings) == (PLAIN, expected)


def test_times_of_the_link_are_obeyed() -> None:
    assert addresses.read(PLAIN).connect_seconds == addresses.CONNECT_SECONDS
    assert addresses.read(f"{PLAIN}?connect_timeout=0").connect_seconds == addresses.CONNECT_SECONDS
    assert addresses.read(f"{PLAIN}?connect_timeout=1").connect_seconds == 2
    assert addresses.read(f"{PLAIN}?connect_timeout=33").connect_seconds == 33
    assert addresses.socket_options(addresses.read(f"{PLAIN}?keepalives=0&keepalives_idle=9")) == []
    probed = addresses.socket_options(addresses.read(f"{PLAIN}?keepalives=1&keepalives_idle=9"))
    assert probed == [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 9)]


def test_a_pooler_and_the_ledgers_schema_travel_in_the_url() -> None:
    assert not addresses.read(PLAIN).is_shared
    assert addresses.read(f"{PLAIN}?pgbouncer=true").is_shared
    assert addresses.with_options(PLAIN, pooled=False, ledger_schema="") == PLAIN
    for url in (PLAIN, f"{PLAIN}?sslmode=require", "postgresql://u:p@a,[::1]:2/db"):
        found = addresses.read(addresses.with_options(url, pooled=True, ledger_schema="jobs & co"))
        assert (found.url, found.is_shared, found.ledger_schema) == (url, True, "jobs & co")


def test_our_own_settings_are_part_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DATABASE_URL", PLAIN), ("BACKFILL_POOLED", "1"), ("BACKFILL_SCHEMA", "jobs")):
        monkeypatch.setenv(name, value)
    found = addresses.read(settings.read().need_database())
    assert (found.url, found.is_shared, found.ledger_schema) == (PLAIN, True, "jobs")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mysql://u:p@h/db", "is no PostgreSQL URL; write postgresql://user:password@host:5432/database"),
        ("postgresql://u:p@h:x/db", "is no PostgreSQL URL"),
        ("postgresql://u:p@h:99999/db", "is no PostgreSQL URL"),
        ("postgresql://u:p@[::1/db", "is no PostgreSQL URL"),
        ("postgresql://u:p@[abc]/db", "is no PostgreSQL URL"),
        ("postgresql://u:p@h,[abc]:1/db", "is no PostgreSQL URL"),
        ("host=h dbname=db", "is no PostgreSQL URL"),
        ("postgresql:\0", "is no PostgreSQL URL"),
        ("postgresql://u:p@h%00/db", "is no PostgreSQL URL"),
        (f"{PLAIN}?channel_binding=require", "channel_binding=require: the driver can do disable or prefer"),
        (f"{PLAIN}?gssencmode=require", "gssencmode=require: the driver can do disable or prefer"),
        (f"{PLAIN}?client_encoding=latin1", "client_encoding=latin1: the driver can do"),
        (f"{PLAIN}?hostaddr=127.0.0.1", "hostaddr=127.0.0.1: the driver has no such thing; leave it out"),
        (f"{PLAIN}?connect_timeout=soon", "connect_timeout=soon: it wants a whole number"),
        (f"{PLAIN}?keepalives_idle=-1", "keepalives_idle=-1: it wants a whole number"),
        (f"{PLAIN}?sslrootcert=/no/where.pem", "sslrootcert=/no/where.pem: there is no such file"),
        (f"{PLAIN}?options=-d%205", "options=-d 5: only -c NAME=VALUE is understood"),
        (f"{PLAIN}?options=%22", 'options=": only -c NAME=VALUE is understood'),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as refused:
        addresses.read(addresses.with_options(given, pooled=False, ledger_schema=""))
    assert "\n" not in str(refused.value)
    assert ":p@" not in str(refused.value)


def test_certificates_are_of_a_file_or_of_the_system(tmp_path: Path) -> None:
    authority = tmp_path / "an authority.pem"
    authority.touch()
    found = addresses.read(f"{PLAIN}?sslmode=verify-full&sslrootcert={authority}")
    assert not found.trusts_system
    assert "sslrootcert=" in found.url
    found = addresses.read(f"{PLAIN}?sslmode=verify-full&sslrootcert=system")
    assert (found.url, found.trusts_system) == (f"{PLAIN}?sslmode=verify-full", True)


def test_the_parameters_that_are_left_to_the_driver_are_known_to_it() -> None:
    from asyncpg import connect_utils

    source = Path(connect_utils.__file__).read_text()
    assert asyncpg.__version__.startswith("0.32")
    assert [name for name in addresses.DRIVER if f"'{name}' in query" not in source] == []
