"""Killmails as lines of a file, for the example's tests."""

import json
from typing import Any

import pytest


def killmail_line(killmail_id: int, *items: dict[str, Any], ship: int = 587) -> bytes:
    victim = {"ship_type_id": ship, "damage_taken": 1, "items": list(items)}
    time = "2024-05-01T10:20:30Z"
    killmail = {"killmail_id": killmail_id, "killmail_time": time, "solar_system_id": 30000142, "victim": victim}
    return json.dumps(killmail).encode() + b"\n"


def item(type_id: int, *, singleton: int = 0, **more: Any) -> dict[str, Any]:
    return {"item_type_id": type_id, "flag": 5, "singleton": singleton, **more}


def unexpected(number: int, why: str) -> None:
    """A report for files in which every line is good."""
    pytest.fail(f"line {number}: {why}")
