"""What a job of a PartitionBackfill is about, by dimension: two active ones must be kept apart by one of them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from backfill.errors import UsageError
from backfill.partition_backfill import PartitionBackfill


def of(definition: PartitionBackfill) -> dict[str, Any]:
    """From and to of each dimension, both in it, None where it is open; raises UsageError for a range without any."""
    found: dict[str, Any] = {}
    for dimension, names in definition.scope.items():
        first, last = (names, names) if isinstance(names, str) else (names[0], names[-1])
        low, high = _value(definition, first), _value(definition, last)
        if low is not None and high is not None:
            if isinstance(low, str) is not isinstance(high, str):
                raise UsageError(f"the parameters {first} and {last} of {definition.name} are of different types")
            if low > high:  # type: ignore[operator]  # both are texts, or both are numbers
                raise UsageError(f"{first}={low} is behind {last}={high}; nothing lies between them")
        found[dimension] = [low, high]
    return found


def _value(definition: PartitionBackfill, name: str) -> str | int | float | None:
    """The parameter as JSON, in an order that is that of the values, in the ledger and here."""
    value = getattr(definition.parameters, name)
    if isinstance(value, Decimal) and value.is_finite():
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None) or value != value:
        raise UsageError(
            f"the parameter {name} of {definition.name} says what a job is about and is {value!r}: such a parameter is "
            "a text, a number, a date, or None for everything"
        )
    return value
