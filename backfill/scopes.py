"""What a job of a PartitionBackfill is about, by dimension: two active ones must be kept apart by one of them."""

from typing import Any

from backfill.errors import UsageError
from backfill.partition_backfill import PartitionBackfill


def of(definition: PartitionBackfill) -> dict[str, Any]:
    """From and to of each dimension, both in it, None where it is open; raises UsageError for a range without any."""
    found: dict[str, Any] = {}
    values = {} if definition.parameters is None else definition.parameters.model_dump(mode="json")
    for dimension, names in definition.scope.items():
        first, last = (names, names) if isinstance(names, str) else (names[0], names[-1])
        low, high = values[first], values[last]
        for name, value in ((first, low), (last, high)):
            if isinstance(value, bool) or not isinstance(value, str | int | float | None):
                raise UsageError(
                    f"the parameter {name} of {definition.name} says what a job is about and is a "
                    f"{type(value).__name__}: such a parameter is a text, a number, a date, or None for everything"
                )
        if low is not None and high is not None:
            if isinstance(low, str) is not isinstance(high, str):
                raise UsageError(f"the parameters {first} and {last} of {definition.name} are of different types")
            if low > high:
                raise UsageError(f"{first}={low} is behind {last}={high}; nothing lies between them")
        found[dimension] = [low, high]
    return found
