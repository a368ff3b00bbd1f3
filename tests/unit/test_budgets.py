"""The limits of one worker, which ends."""

import asyncio
from unittest import mock
from uuid import uuid4

from backfill.workers.limits.budgets import Budgets


async def test_limits_are_left_all_at_once_so_that_a_ledger_that_does_not_answer_is_waited_for_once() -> None:
    each = asyncio.Barrier(3)  # whoever is closed waits for the others
    budgets = Budgets(mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), uuid4())
    budgets._budgets = {name: mock.Mock(close=each.wait, limit=None) for name in "abc"}
    await asyncio.wait_for(budgets.close(), 10)
