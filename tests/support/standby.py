"""A PostgreSQL server with a streaming standby that can be promoted; then they may change places."""

import secrets
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from backfill.services import account, ports, process
from backfill.services.postgres import Postgres
from tests.support import servers
from tests.support.broker import with_path
from tests.support.databases import execute

UP = (["ready"], ["standby"])  # as a server says itself


class Server(Postgres):
    """One of the two: as a standby it answers as well."""

    def answers(self) -> bool:
        return self.pid is not None and self._lock_lines[7:8] in UP and ports.answers(self.port)

    def promote(self) -> None:
        """Let a standby take writes from now on."""
        self._run("pg_ctl", "promote", "--wait", "--timeout=60", f"--pgdata={self.data}")

    def freeze(self) -> None:
        """Fall silent, as a machine does that has gone."""
        if server := self._process:
            for one in process.family(server):
                process.send(one, signal.SIGSTOP)

    def only_read(self) -> None:
        """Start anew as a standby that follows nobody, whoever is connected."""
        self.stop()
        mark = self.data / "standby.signal"
        mark.touch()
        if self.runs_as:
            shutil.chown(mark, self.runs_as)
        self.start()

    def follow(self, primary: "Server") -> None:
        """Begin anew as a standby that streams from another server."""
        self.kill9()
        shutil.rmtree(self.data, ignore_errors=True)
        where = (f"--pgdata={self.data}", f"--dbname={primary.url}")
        self._run("pg_basebackup", *where, "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self.start()


@dataclass
class Pair:
    """The server that takes writes, and its standby."""

    primary: Server
    standby: Server

    def url(self, database: str) -> str:
        """Both hosts, today's primary first, and whichever takes writes."""
        hosts = [urlsplit(server.url).netloc.rpartition("@")[2] for server in (self.primary, self.standby)]
        url = with_path(self.primary.url, urlsplit(database).path[1:]).replace(hosts[0], ",".join(hosts))
        return f"{url}?target_session_attrs=read-write"

    def promote(self) -> None:
        """The standby takes the place of the primary."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def fail_over(self) -> None:
        """The primary dies with all its processes, and its standby takes its place."""
        self.primary.kill9()
        self.promote()

    async def synchronous(self, *, on: bool) -> None:
        """Whether a change waits until the standby has it."""
        names = "'*'" if on else "''"
        change = f"ALTER SYSTEM SET synchronous_standby_names = {names}"
        await execute(self.primary.url, change, "SELECT pg_reload_conf()")

    async def cut_off(self) -> None:
        """Let nothing more of the primary come to the standby."""
        await execute(self.standby.url, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")

    def delete(self) -> None:
        self.primary.delete()
        self.standby.delete()


def new_pair(folder: Path) -> Pair:
    """A primary that runs, and the place of a standby."""
    primary = Server(**vars(servers.new_postgres(folder / f"pair-{secrets.token_hex(4)}")))
    home = account.home(folder / f"pair-{secrets.token_hex(4)}" / "postgres", account.lent())
    account.give(home, primary.runs_as)
    pair = Pair(primary, replace(primary, home=str(home), port=ports.free_block(1)))
    try:
        primary.start()
    except BaseException:
        pair.delete()
        raise
    return pair
