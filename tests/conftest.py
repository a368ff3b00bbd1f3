"""Fixtures: one pair of real services for the whole run, one database and one virtual host for each test.

The processes that share the tests share the services too: the first that needs them starts them, in a folder that the
process which hands out the tests makes and removes.
"""

import contextlib
import fcntl
import gc
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from backfill import services as own_services
from backfill.errors import BackfillError
from backfill.services import Services, choice, ports
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.support import broker, databases, servers
from tests.support import pooler as pgbouncer
from tests.support.commands import Command
from tests.support.page import browser as chromium
from tests.support.waiting import eventually

__all__ = ["eventually"]

ROOT = Path(__file__).parent.parent
# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("ours", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("ours")
# A shell starts what it leaves in the background deaf to Ctrl-C, and so would be every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
QUICK = {
    "BACKFILL_LEASE_SECONDS": "2",
    "BACKFILL_RECONCILE_SECONDS": "1",
    "BACKFILL_RETRY_DELAYS": "1,1,1,1,1",
    "BACKFILL_HEARTBEAT": "5",
}


MEMORY_BYTES = 6 << 30  # a run was seen to have 1.4 GB at once
FOLDER = pytest.StashKey[Path]()
FOLDERS = ("storm", "worlds", "faults", "integration", "page", "unit")
LONG = {"test_keys.py", "test_columns.py", "test_cluster.py", "test_standby.py", "test_runbook.py", "test_schema.py"}


def pytest_configure(config: pytest.Config) -> None:
    """Ports of its own for each process that shares the tests: one must not take what another's server leaves."""
    gc.disable()  # thousands of tests are collected, and stay: there is nothing to find before the first has run
    given = getattr(config, "workerinput", {"workerid": "gw0", "workercount": 1})
    number, count = int(given["workerid"].removeprefix("gw")), int(given["workercount"])
    width = (ports.LAST - ports.FIRST) // count
    ports.FIRST, ports.LAST = ports.FIRST + number * width, ports.FIRST + (number + 1) * width
    if "folder" in given:
        config.stash[FOLDER] = Path(given["folder"])
    else:
        config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="backfill-tests-", dir=_fast_place()))
        config.stash[FOLDER].chmod(0o711)
        signal.signal(signal.SIGINT, _end)
        signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    """End the run and its servers, in seconds; asked again meanwhile, it would leave them behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fast_place() -> Path | None:
    """Memory, where it has room: a copy of a database is a thousand files, and each test has one. None: wherever."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a random name, and is this run's alone
    with contextlib.suppress(OSError):
        if os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES:
            return memory
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that shares the tests where the services are that it shares as well."""
    node.workerinput["folder"] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whoever made the folder ends what runs in it."""
    if hasattr(config, "workerinput") or FOLDER not in config.stash:
        return
    servers.end(config.stash[FOLDER])
    own_services.down(config.stash[FOLDER], delete=True)
    shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, what takes milliseconds fills the gaps at the end."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        folder, name = item.path.relative_to(ROOT / "tests").parts[0], item.path.name
        return FOLDERS.index(folder), name not in LONG

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is one process's; so are all worlds but those of keys, as each process would start servers for them."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "tests/worlds" if file.startswith("tests/worlds/") and "keys" not in file else file

    return Scheduling(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install missing programs before the first test: it can take longer than one test may."""
    gc.freeze()
    gc.enable()
    # One of the processes that share the tests installs, the others wait.
    with (ROOT / "pyproject.toml").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(session)


def _install(session: pytest.Session) -> None:
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "pooler" in wanted:
        with contextlib.suppress(BackfillError):
            pgbouncer.ensure()
    if "browser" in wanted:
        with contextlib.suppress(RuntimeError):
            chromium.ensure()
    for service in own_services.STARTED:
        shared = "services" in wanted and not os.environ.get(own_services.VARIABLES[service])
        with contextlib.suppress(BackfillError):  # the fixture says it again, in every test that needs it
            if (
                (shared and choice.way(service) == "install")
                or f"private_{service}_server" in wanted
                or servers.is_asked_for(service)
            ):
                servers.ensure(service)


@pytest.fixture(scope="session")
def services_folder(pytestconfig: pytest.Config) -> Path:
    """A folder that PostgreSQL's account can reach, which pytest's own temporary folders are not."""
    return pytestconfig.stash[FOLDER]


@pytest.fixture(scope="session")
def of_a_version(services_folder: Path) -> Iterator[None]:
    """The servers of the versions that this run asks for; what it does not ask for is as it always is."""
    with servers.given(services_folder):
        yield


@pytest.fixture(scope="session")
def services(services_folder: Path, of_a_version: None) -> Services:
    """PostgreSQL and RabbitMQ for the whole run; without them every test that asks fails, none is skipped."""
    reason = ""
    try:
        found = own_services.up(services_folder, durable=False)
        if found.management_url is None:
            reason = "tests need RabbitMQ's management API; set RABBITMQ_MANAGEMENT_URL"
    except BackfillError as error:
        reason = str(error)
    if reason:
        pytest.fail(f"services cannot be used: {reason}", pytrace=False)
    return found


@pytest.fixture(scope="session")
async def maker(services: Services) -> AsyncIterator[databases.Maker]:
    """Who makes the database of each test."""
    made = databases.Maker(services.database_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
async def template(maker: databases.Maker) -> AsyncIterator[str]:
    """The name of a database that holds the ledger's empty tables."""
    async with databases.new_database(maker) as url:
        await databases.apply_ledger(url)
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session")
async def killmail_template(maker: databases.Maker) -> AsyncIterator[str]:
    """The name of a database that holds the ledger's and the killmail example's empty tables."""
    async with databases.new_database(maker) as url:
        await databases.apply_ledger(url, [(ROOT / "examples/killmails/schema.sql").read_text()])
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session")
def pooler() -> str:
    """The program of pgbouncer, installed before the first test."""
    return pgbouncer.ensure()


@pytest.fixture
async def database(maker: databases.Maker, template: str) -> AsyncIterator[str]:
    """The URL of this test's own database, with the ledger's empty tables."""
    async with databases.new_database(maker, template=template) as url:
        yield url


@pytest.fixture
async def killmail_database(maker: databases.Maker, killmail_template: str) -> AsyncIterator[str]:
    """The URL of this test's own database, with the ledger's and the killmail example's empty tables."""
    async with databases.new_database(maker, template=killmail_template) as url:
        yield url


@pytest.fixture
def vhost(services: Services) -> Iterator[str]:
    """The AMQP URL of this test's own virtual host."""
    assert services.management_url
    with broker.new_vhost(services.amqp_url, services.management_url) as url:
        yield url


@pytest.fixture
def env(services: Services, database: str, vhost: str, tmp_path: Path) -> dict[str, str]:
    """The environment for our commands: this test's database and virtual host, and short timings."""
    return environment(database, vhost, services.management_url, tmp_path)


@pytest.fixture
def killmail_env(services: Services, killmail_database: str, vhost: str, tmp_path: Path) -> dict[str, str]:
    """The same on a database with the killmail example's tables."""
    return environment(killmail_database, vhost, services.management_url, tmp_path)


def environment(database: str, amqp: str, management: str | None, home: Path) -> dict[str, str]:
    """What a command of ours must see to use exactly these services."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKFILL_")}
    urls = {"DATABASE_URL": database, "RABBITMQ_URL": amqp, "RABBITMQ_MANAGEMENT_URL": management or ""}
    folders = {"BACKFILL_HOME": str(home / "backfill-home"), "XDG_STATE_HOME": str(home / "state")}
    return inherited | urls | QUICK | folders | {"NO_COLOR": "1"}


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Start one of our commands: ``spawn("backfill-worker", "--app", "…", env=env)``; it ends with the test."""
    started: list[Command] = []

    def start(name: str, *arguments: str, env: Mapping[str, str]) -> Command:
        log = tmp_path / f"{len(started) + 1:02}-{name}.log"
        started.append(Command(log, env, name, *arguments))
        return started[-1]

    yield start
    for command in started:
        command.close()
        # pytest shows this under a failed test only
        print(f"--- {command}, exit code {command.returncode}\n{command.output}")


@dataclass(frozen=True)
class PrivateServices:
    """A PostgreSQL and a RabbitMQ that a test may stop, start and kill, with a database and a virtual host."""

    postgres: Postgres
    rabbitmq: Rabbitmq
    database_url: str
    amqp_url: str
    env: dict[str, str]


@pytest.fixture(scope="session")
def private_postgres_server(services_folder: Path) -> Iterator[Postgres]:
    """The process behind ``private_postgres``; each process that shares the tests has its own."""
    servers.ensure("postgres")
    server = servers.new_postgres(services_folder / f"private-{secrets.token_hex(4)}")
    yield server
    server.delete()


@pytest.fixture(scope="session")
def private_rabbitmq_server(services_folder: Path) -> Iterator[Rabbitmq]:
    """The process behind ``private_rabbitmq``."""
    servers.ensure("rabbitmq")
    server = servers.new_rabbitmq(services_folder / f"private-{secrets.token_hex(4)}")
    yield server
    server.delete()


@pytest.fixture
def private_postgres(private_postgres_server: Postgres) -> Postgres:
    """A PostgreSQL for fault tests; it runs when the test begins, whatever the one before did to it."""
    private_postgres_server.start()
    return private_postgres_server


@pytest.fixture
def private_rabbitmq(private_rabbitmq_server: Rabbitmq) -> Rabbitmq:
    """The same for RabbitMQ."""
    private_rabbitmq_server.start()
    return private_rabbitmq_server


@pytest.fixture
async def private_database(private_postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database on the private PostgreSQL, with the same tables as ``killmail_database``."""
    async with databases.new_database(private_postgres.url) as url:
        await databases.apply_ledger(url, [(ROOT / "examples/killmails/schema.sql").read_text()])
        yield url
        private_postgres.start()  # the test may have left it down


@pytest.fixture
def private_vhost(private_rabbitmq: Rabbitmq) -> Iterator[str]:
    """The AMQP URL of a virtual host on the private RabbitMQ."""
    with broker.new_vhost(private_rabbitmq.url, private_rabbitmq.management_url) as url:
        yield url
        private_rabbitmq.start()


@pytest.fixture
def private_services(
    private_postgres: Postgres,
    private_rabbitmq: Rabbitmq,
    private_database: str,
    private_vhost: str,
    tmp_path: Path,
) -> PrivateServices:
    """Both services as a fault test's own, with the environment for our commands."""
    env = environment(private_database, private_vhost, private_rabbitmq.management_url, tmp_path)
    return PrivateServices(private_postgres, private_rabbitmq, private_database, private_vhost, env)
