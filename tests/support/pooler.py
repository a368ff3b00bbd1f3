"""A real pgbouncer in front of a database: fewer sessions than clients, and none of them is anybody's for long."""

import asyncio
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from backfill.services import account, install, ports
from tests.support.certificates import Certificate
from tests.support.waiting import eventually

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
server_idle_timeout = 600
query_wait_timeout = 20
logfile = {folder}/log
{more}
"""


def ensure() -> str:
    """Where pgbouncer is; Debian's package is fetched when it is missing."""
    if (found := shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")) is None:
        install.package("pgbouncer", "DATABASE_URL")
        found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    assert found, "pgbouncer is not here"
    return found


@asynccontextmanager
async def pgbouncer(
    url: str, *, size: int, listen: int | None = None, more: str = "", tls: Certificate | None = None
) -> AsyncIterator[str]:
    """The URL of the same database through a pooler with so many sessions, that may ask for TLS."""
    program, parts, listen = ensure(), urlsplit(url), listen or ports.free_block(1)
    folder = Path(tempfile.mkdtemp(prefix="backfill-pooler-"))
    user = account.lent()
    if tls is not None:
        more += f"\nclient_tls_sslmode = require\nclient_tls_cert_file = {shutil.copy(tls.path, folder)}"
        more += f"\nclient_tls_key_file = {shutil.copy(tls.key, folder)}"
    if user is not None:
        for path in (folder, *folder.iterdir()):  # noqa: ASYNC240 - there are two files
            shutil.chown(path, user)
    text = CONFIGURATION.format(
        host=parts.hostname, port=parts.port, user=parts.username, password=parts.password,
        listen=listen, size=size, folder=folder, more=more,
    )  # fmt: skip
    configuration = folder / f"{secrets.token_hex(4)}.ini"
    configuration.write_text(text)
    configuration.chmod(0o644)
    process = subprocess.Popen(  # noqa: ASYNC220 - it is started in a moment
        [program, "-q", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **account.identity(user),
    )
    try:
        await eventually(lambda: ports.answers(listen), what=f"pgbouncer on port {listen}")
        yield urlunsplit(parts._replace(netloc=f"anybody:unused@127.0.0.1:{listen}"))
    finally:
        process.kill()
        await asyncio.to_thread(process.wait, 10)
        shutil.rmtree(folder, ignore_errors=True)
