"""`api.sync`: an error is shown alone, and a loop that runs is not held up."""

import traceback
from typing import Any

import pytest

from backfill.api import sync
from backfill.errors import UsageError


def test_an_error_does_not_come_with_the_loop_that_was_looked_for() -> None:
    with pytest.raises(UsageError) as refused:
        sync.run("no.such.module")
    assert "no running event loop" not in "".join(traceback.format_exception(refused.value))


async def test_it_is_refused_where_a_loop_runs() -> None:
    call: Any = sync.status
    with pytest.raises(UsageError, match=r"write: await api.status\(…\)"):
        call("latest")
