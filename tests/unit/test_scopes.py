"""What a job is about, as the ledger compares it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from backfill import PartitionBackfill, scopes
from backfill.errors import UsageError


def about(low: Any, high: Any) -> Any:
    class Parameters(BaseModel):
        low: Any
        high: Any

    kind = type("Ranged", (PartitionBackfill,), {"name": "ranged", "scope": {"range": ("low", "high")}})
    return scopes.of(kind().with_parameters(Parameters(low=low, high=high)))["range"]


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [
        (9, 10, [9, 10]),
        (Decimal("9"), Decimal("10"), [9, 10]),
        (Decimal("2.5"), Decimal("30"), [2.5, 30]),
        ("2024-01", "2024-12", ["2024-01", "2024-12"]),
        (None, "b", [None, "b"]),
        (
            datetime.fromisoformat("2024-01-01T01:00:00+02:00"),
            datetime.fromisoformat("2024-01-01T00:00:00.5+00:00"),
            ["2023-12-31T23:00:00.000000", "2024-01-01T00:00:00.500000"],
        ),
    ],
)
def test_values_are_kept_so_that_they_compare_as_they_are(low: Any, high: Any, kept: list[Any]) -> None:
    assert about(low, high) == kept


@pytest.mark.parametrize(("low", "high"), [(2, 1), ("b", "a"), (1, "a"), (True, True), ([1], [2]), (float("nan"), 1)])
def test_what_is_no_range_is_refused(low: Any, high: Any) -> None:
    with pytest.raises(UsageError):
        about(low, high)
