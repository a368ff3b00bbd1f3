"""The fixture `backfill_database`; a test module, or the first conftest.py, has it from

    pytest_plugins = ["backfill.testing.plugin"]

Not from an entry point: nothing of ours is in the tests of a project that does not ask for it.
"""

import asyncio
import inspect
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:  # nothing is loaded for tests that do not ask for it
    from backfill.testing.databases import Database

T = TypeVar("T")
FIXTURES = frozenset({"backfill_database", "backfill_server"})


@pytest.fixture(scope="session")
def backfill_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL on which databases may be created: that of DATABASE_URL, else one of this run's own."""
    from backfill.errors import BackfillError
    from backfill.testing import server

    try:
        with server.url(tmp_path_factory.mktemp("backfill")) as found:
            yield found
    except BackfillError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def backfill_database(backfill_server: str) -> "Iterator[Database]":
    """A database of the test's own, with the ledger and nothing else in it."""
    from backfill.errors import BackfillError
    from backfill.testing.databases import with_ledger

    refusal = ""
    try:
        made = _run(with_ledger(backfill_server))
    except BackfillError as error:
        refusal = str(error)
    if refusal:  # behind the block, else pytest shows the error twice
        pytest.fail(refusal, pytrace=False)
    yield made
    _run(made.drop())


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test of the fixture's where no other plugin does."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or not FIXTURES.intersection(pyfuncitem.fixturenames):
        return None
    if pyfuncitem.config.pluginmanager.hasplugin("asyncio") and pyfuncitem.get_closest_marker("asyncio"):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def _run(work: Coroutine[Any, Any, T]) -> T:
    """In a thread: the test's own may have a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
