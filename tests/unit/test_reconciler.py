"""What one backfill's queues or messages are like keeps no other backfill waiting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from backfill.broker import BrokerLostError
from backfill.errors import UnreachableError
from backfill.settings import Settings
from backfill.workers.upkeep import expired
from backfill.workers.upkeep.reconciler import Reconciler
from tests.support.definitions import Counter


class Pool:
    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109 - the pool's own signature
        yield None


@pytest.mark.parametrize("loss", [BrokerLostError("no answer in time"), UnreachableError("cannot reach RabbitMQ")])
async def test_each_backfill_has_its_turn_though_one_loses_rabbitmq(loss: Exception) -> None:
    happened: list[tuple[str, bool]] = []

    class Reconciling(Reconciler):
        async def _reconcile(self, connection: Any, backfill: str, *, full: bool) -> None:
            happened.append((backfill, full))
            if backfill == "bad" and full:
                raise loss

    nothing: Any = Pool()
    definitions: Any = dict.fromkeys(("bad", "good", "other"), Counter())
    reconciler = Reconciling(
        Settings(), "amqp://nowhere/", nothing, nothing, definitions, UUID(int=1), lambda text: None
    )
    for _ in range(2):
        with pytest.raises(type(loss)):
            await reconciler.tick(full=True)
    # What needs the ledger alone at once, the rest at the next round.
    assert happened[:3] == [("bad", True), ("good", False), ("other", False)]
    assert happened[3:] == [("good", True), ("other", True), ("bad", True)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-death": "expired"},
        {"x-death": {"reason": "expired"}},
        {"x-death": ["expired"]},
        {"x-death": [{"reason": "expired", "queue": ["w"]}]},
        {"x-death": [{}], "x-delivery-count": "many"},
        {"x-death": [], "x-delivery-count": {"a": 1}},
    ],
)
def test_whatever_stands_in_a_dead_message_ends_no_search(headers: dict[str, Any]) -> None:
    assert not expired._has_expired(headers, {"w"})
    assert expired._looks_at(headers) == 0
    assert expired._has_expired(headers | {"x-death": [{"reason": "expired", "queue": "w"}]}, {"w"})
    assert expired._looks_at({"x-delivery-count": 3}) == 3
