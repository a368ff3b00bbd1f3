"""What a paused job's report says of the way on."""

from datetime import UTC, datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from backfill.commands.report import lines
from backfill.states import JobState

CHANGED = "the definition has changed; to go on with the changed one: backfill resume 1 --accept-definition"


@pytest.mark.parametrize(
    ("reason", "needs_correction", "says_how"),
    [
        (CHANGED, True, False),
        ("no column", True, True),
        ("backfill resume it tomorrow", False, True),
        ("", False, True),
    ],
)
def test_the_way_on_is_said_once(reason: str, needs_correction: bool, says_how: bool) -> None:
    now: Any = SimpleNamespace(
        **dict.fromkeys(("job_id", "backfill", "mode", "priority", "created_by"), "1"),
        **dict.fromkeys(("parameters", "completed_at", "state_since", "error_message", "paused_by")),
        **dict.fromkeys(("is_planned", "total_partitions", "completed_partitions", "failed_partitions"), 1),
        **dict.fromkeys(("skipped_partitions", "running_partitions", "failed"), 0),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        state=JobState.PAUSED,
        pause_reason=reason,
        needs_correction=needs_correction,
    )
    assert ("go on with: backfill resume 1" in "\n".join(islice(lines(now), 3))) is says_how
