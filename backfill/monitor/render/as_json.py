"""A report as the object of `--json` and of the API; docs/reference.md has its keys, docs/monitor.md their meaning."""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from backfill.door import MOST
from backfill.monitor.report import Report
from backfill.texts import one_line

IDS: Final = {"range_start", "range_end"}  # may be 64-bit ids, which many readers of JSON cannot hold as numbers


def as_json(report: Report) -> dict[str, Any]:
    """The report in JSON's own types: times as ISO 8601 in UTC, ids as strings, texts of one line, no NaN."""
    found = _plain(asdict(report))
    for stat in found["stats"]:
        if stat["name"] in IDS and stat["value"] is not None:
            stat["value"] = str(stat["value"])
    return found  # type: ignore[no-any-return]  # a dict stays one


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return one_line(value, MOST) if isinstance(value, str) else value
