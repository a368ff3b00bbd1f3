"""The derived columns: what a killmail's ship and items are worth at today's prices."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from backfill import ColumnBackfill, Skip
from backfill.examples.killmails import statements

if TYPE_CHECKING:
    from backfill.database import Connection

OLD: Final = timedelta(days=30)  # a price


class KillmailValues(ColumnBackfill):
    """Write `total_value`, and its parts `destroyed_value` and `dropped_value`.

    An item line is worth the price times its quantity, nothing without a price, and 0.01 for each blueprint copy.
    The ship is always destroyed.
    """

    name = "killmail_values"
    table = "killmails"
    key = "killmail_id"
    columns = ("total_value", "destroyed_value", "dropped_value")
    inputs = statements.read("inputs")
    reads = ("victims", "killmail_items", "market_prices")

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        """Add up; every input has two decimals, so nothing needs rounding."""
        if record["ship_type_id"] is None:
            return Skip("no victim")
        destroyed, dropped = record["ship_price"] + record["destroyed"], record["dropped"]
        return {
            "total_value": destroyed + dropped,
            "destroyed_value": destroyed,
            "dropped_value": dropped,
        }

    async def warnings(self, connection: "Connection") -> list[str]:
        """A killmail of types without a price is worth too little, and no longer NULL."""
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM market_prices)"):
            return [
                "market_prices is empty: every value would be 0; "
                "load prices first: python -m backfill.examples.killmails prices FILE, or see examples/prices"
            ]
        found = await connection.fetchrow(statements.read("missing_prices"), OLD)
        assert found is not None  # noqa: S101 - an aggregate always makes one row
        missing = f"{found['missing']:,} have no price and count 0" if found["missing"] else ""
        old = f"{found['old']:,} have one that is older than {OLD.days} days" if found["old"] else ""
        if not missing and not old:
            return []
        told = ", and ".join(one for one in (missing, old) if one)
        return [f"of {found['needed']:,} types that are valued, {told}; examples/prices asks a service for them"]
