"""What still matches when a job is over, and why: nothing, or said."""

from collections.abc import Mapping
from typing import Final

REASONS: Final = {
    "failed": "failed",
    "skipped": "left as they are by the definition or a trigger",
    "written": "written or undone by others while it ran",
}


def of(met: Mapping[str, int], *, is_last: bool) -> dict[str, int] | None:
    """Why records are left, by what a whole sweep has met; None while it found some to plan."""
    found = met.get("again", 0) + met.get("missed", 0)
    if found and not is_last:
        return None
    reasons = {"failed": met.get("failed", 0), "skipped": met.get("skipped", 0), "written": found}
    return {reason: count for reason, count in reasons.items() if count}


def sentence(reasons: Mapping[str, int]) -> str:
    """For people: how many records are left, and why."""
    parts = ", ".join(f"{count:,} {REASONS.get(reason, reason)}" for reason, count in reasons.items())
    left = sum(reasons.values())
    return f"{left:,} {'records still match' if left != 1 else 'record still matches'}: {parts}"
