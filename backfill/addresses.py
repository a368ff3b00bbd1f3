"""What a PostgreSQL URL asks for, in terms of the driver: libpq's parameters, and other libraries' spellings."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from backfill.errors import UsageError
from backfill.masking import mask

CONNECT_SECONDS: Final = 10.0
POOLED: Final = "pgbouncer"  # Prisma's name for: behind a pooler that shares sessions
LEDGER: Final = "ledger_schema"

# The driver reads these itself.
DRIVER: Final = {
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service", "target_session_attrs"),
    *("sslmode", "sslnegotiation", "sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    *("krbsrvname", "gsslib"),
}
# Of no effect here: names of sessions are our own, and the sizes of pools that other libraries would make.
WITHOUT_EFFECT: Final = {
    *("application_name", "fallback_application_name", "connection_limit", "pool_timeout", "socket_timeout"),
    *("statement_cache_size", "prepared_statement_cache_size", "sslcompression", "sslsni"),
}
# What the driver does anyway, and the only values that it can do.
ONLY: Final = {
    "client_encoding": {"utf8", "utf-8", "unicode", "auto"},
    "channel_binding": {"disable", "prefer"},
    "gssencmode": {"disable", "prefer"},
    "load_balance_hosts": {"disable", "random"},
    "sslcertmode": {"allow"},
}
# Of libpq, and nothing that the driver has.
REFUSED: Final = {"hostaddr", "replication", "requirepeer", "require_auth", "requiressl", "sslkeylogfile"}
FILES: Final = {"sslcert", "sslkey", "sslrootcert", "sslcrl"}
KEEPALIVES: Final = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}
SSL: Final = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
SHAPE: Final = "postgresql://user:password@host:5432/database"


@dataclass(frozen=True)
class Address:
    """Where a database is, and how its sessions are to be."""

    url: str  # as the driver reads it
    each: tuple[str, ...] = ()  # the same for each of its hosts alone
    settings: dict[str, str] = field(default_factory=dict)  # of the server
    connect_seconds: float = CONNECT_SECONDS
    is_shared: bool = False  # a pooler gives each transaction another session
    ledger_schema: str = ""  # "": where the search path finds the ledger, or where it is
    trusts_system: bool = False  # certificates that the machine's own authorities signed
    keepalive: tuple[tuple[str, int], ...] | None = ()  # socket options; None: no probes at all


@lru_cache(maxsize=64)
def read(url: str) -> Address:
    """Understand the URL; raises UsageError naming what nobody here can do."""
    shown = mask(url)
    try:
        parts = _split(url)
        if "\0" in unquote(url):  # no host, user or database can have it, and what looks hosts up falls over it
            raise ValueError
        if not re.fullmatch(r"postgres(ql)?(\+\w+)?", parts.scheme) or not _is_netloc(parts.netloc):
            raise ValueError
        given = dict(parse_qsl(parts.query, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise UsageError(f"DATABASE_URL {shown!r} is no PostgreSQL URL; write {SHAPE}") from None
    reading = _Reading(shown)
    for name, value in given.items():
        if value:
            reading.take(name, value)
    return Address(
        _url(parts.netloc, parts.path, reading.query),
        tuple(_each(parts.netloc, parts.path, reading.query)),
        reading.settings,
        reading.connect_seconds,
        reading.is_shared,
        reading.ledger_schema,
        reading.trusts_system,
        tuple(reading.keepalive) if reading.has_keepalives else None,
    )


def with_options(url: str, *, pooled: bool, ledger_schema: str) -> str:
    """The URL with what our own settings say beside it."""
    parts = _split(url)
    more = [(POOLED, "true")] * pooled + [(LEDGER, ledger_schema)] * bool(ledger_schema)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query)) if more else url


def _split(url: str) -> SplitResult:
    """``urlsplit`` that leaves the hosts as they are: newer Pythons refuse brackets behind another host."""
    found = re.fullmatch(r"((?:[^:/?#]*:)?//)([^/?#]*)(.*)", url.strip(), re.DOTALL)
    return urlsplit(found[1] + found[3])._replace(netloc=found[2]) if found else urlsplit(url)


def _url(netloc: str, path: str, query: dict[str, str]) -> str:
    text = urlencode(query, quote_via=quote)
    return f"postgresql://{netloc}{path}" + (f"?{text}" if text else "")


def _each(netloc: str, path: str, query: dict[str, str]) -> Iterator[str]:
    """A URL for each host: of several the driver would give all its time to the first that does not answer."""
    login, at, hosts = netloc.rpartition("@")
    given, ports = query.get("host", "").split(","), query.get("port", "").split(",")
    if query.get("target_session_attrs") == "prefer-standby":  # which to take shows only when all were asked
        # The driver splits the URL as Python does, and takes brackets among several hosts from the query only.
        in_query = "[" in hosts
        yield _url(f"{login}{at}", path, query | {"host": unquote(hosts)}) if in_query else _url(netloc, path, query)
    elif hosts or len(given) == 1:
        for host in hosts.split(","):
            yield _url(f"{login}{at}{host}", path, query)
    else:
        for host, port in zip(given, ports * len(given) if len(ports) == 1 else ports, strict=False):
            yield _url(netloc, path, query | {"host": host} | ({"port": port} if port else {}))


def _is_netloc(netloc: str) -> bool:
    """Whether behind the login there are hosts, each perhaps with a port; ValueError: in brackets is no address."""
    hosts = unquote(netloc.rpartition("@")[2])
    for inside in re.findall(r"\[(.*?)\]", hosts):
        IPv6Address(inside)
    pattern = r"(\[[0-9A-Fa-f:.%]+\]|[^\s:,\[\]]*)(:\d{1,5})?"
    return bool(re.fullmatch(f"{pattern}(,{pattern})*", hosts)) and all(
        0 < int(port) < 65536 for port in re.findall(r":(\d+)(?=,|$)", hosts)
    )


class _Reading:
    """The parameters of one URL, taken one by one."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self.query: dict[str, str] = {}
        self.settings: dict[str, str] = {}
        self.connect_seconds = CONNECT_SECONDS
        self.is_shared = self.trusts_system = False
        self.ledger_schema = ""
        self.has_keepalives = True
        self.keepalive: list[tuple[str, int]] = []

    def take(self, name: str, value: str) -> None:
        special: dict[str, Callable[[str], None]] = {
            "schema": self._schema,
            "options": self._options,
            "connect_timeout": self._connect_timeout,
            "keepalives": self._keepalives,
            "ssl": self._ssl,
        }
        if name in special:
            special[name](value)
        elif name in FILES:
            self._file(name, value)
        elif name == POOLED:
            self.is_shared = value.lower() in ("true", "1", "yes", "on")
        elif name == LEDGER:
            self.ledger_schema = value
        elif name in KEEPALIVES:
            self.keepalive.append((KEEPALIVES[name], self._number(name, value)))
        elif name in DRIVER:
            self.query[name] = value
        elif name in ONLY:
            if value.lower() not in ONLY[name]:
                self._refuse(name, value, f"the driver can do {' or '.join(sorted(ONLY[name]))}; write that")
        elif name in REFUSED:
            self._refuse(name, value, "the driver has no such thing; leave it out")
        elif name not in WITHOUT_EFFECT:
            self.settings[name] = value  # a setting of the server, who knows which there are

    def _schema(self, value: str) -> None:
        self.settings["search_path"] = '"' + value.replace('"', '""') + '"'

    def _options(self, value: str) -> None:
        for word in re.findall(r"(?:\\.|[^\s\\])+", re.sub(r"(^|\s)-c\s+", r"\1-c", value)):
            found = re.fullmatch(r"(?:-c|--)([\w.-]+)=(.*)", re.sub(r"\\(.)", r"\1", word))
            if found is None:
                self._refuse("options", value, "only -c NAME=VALUE is understood; write that")
            else:
                self.settings[found[1].replace("-", "_")] = found[2]

    def _connect_timeout(self, value: str) -> None:
        self.connect_seconds = (
            float(max(2, self._number("connect_timeout", value))) if value != "0" else CONNECT_SECONDS
        )

    def _keepalives(self, value: str) -> None:
        self.has_keepalives = self._number("keepalives", value) != 0

    def _ssl(self, value: str) -> None:
        self.query.setdefault("sslmode", SSL.get(value.lower(), value))

    def _file(self, name: str, value: str) -> None:
        if name == "sslrootcert" and value == "system":
            self.trusts_system = True
        elif Path(value).is_file():
            self.query[name] = value
        else:
            self._refuse(name, value, "there is no such file; correct its name")

    def _number(self, name: str, value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value):
            self._refuse(name, value, "it wants a whole number; write one")
        return int(value)

    def _refuse(self, name: str, value: str, why: str) -> None:
        raise UsageError(f"DATABASE_URL {self._shown!r}: {name}={value}: {why}")


def socket_options(address: Address) -> list[tuple[int, int, int]]:
    """Level, name and value of the options of a connection's socket: as libpq, which probes idle links."""
    if address.keepalive is None:
        return []
    known = [(getattr(socket, name, None), value) for name, value in address.keepalive]
    return [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, value) for option, value in known if option is not None and value),
    ]
