"""Lines that are JSON objects: what a worker says in one, in any common spelling of its keys."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

MOST_OF_A_LINE: Final = 64 * 1024  # bytes
UNITS: Final = ("block", "page", "record", "row", "offset", "item", "batch", "file", "line", "key", "ledger", "slot")
_WORKER: Final = re.compile(r"(?:worker|shard|thread)(?:id|name|no|num|number|index)?")
MOST_OF_A_NAME: Final = 64
_NO_NAME: Final = re.compile(r"[^\w.:@/#-]")
_PERCENT: Final = (
    "percent",
    "percentage",
    "pct",
    "percentcomplete",
    "progresspercent",
    "percentdone",
    "completepercent",
)
_SHARE: Final = ("progress", "fraction", "ratio", "completed", "complete", "done")
_COUNTED: Final = ("done", "processed", "completed", "count", "current")
_TOTAL: Final = ("total", "of", "totalcount", "all")
_FINISHED: Final = ("finished", "completed", "complete", "done")


@dataclass(frozen=True, slots=True)
class Told:
    """What one object says of a worker."""

    worker: str
    percent: float | None = None
    share: float | None = None  # percent, or a part of one
    position: float | None = None
    unit: str = ""
    is_finished: bool = False


def told(line: bytes) -> Told | None:
    """What a line says, or None when it is no object or names no worker."""
    found = _object(line)
    if found is None:
        return None
    keys = {_plain(key): value for key, value in list(found.items())[:200]}
    worker = next((_name(value) for key, value in keys.items() if _WORKER.fullmatch(key)), None)
    if worker is None:
        return None
    position = next(((unit, number) for unit in UNITS if (number := _position(keys, unit)) is not None), None)
    state = next((str(keys[key]).lower() for key in ("status", "state", "event") if key in keys), "")
    done, total = _first(keys, _COUNTED), _first(keys, _TOTAL)
    is_counted = done is not None and total is not None and 0 <= done <= total and total > 1
    percent = _first(keys, _PERCENT)
    if percent is None and is_counted and done is not None and total is not None:
        percent = 100 * done / total
    return Told(
        worker,
        percent=percent,
        share=None if is_counted else _first(keys, _SHARE),
        position=position[1] if position else None,
        unit=position[0] if position else "",
        is_finished=state in _FINISHED or keys.get("finished") is True or keys.get("done") is True,
    )


def _object(line: bytes) -> dict[str, Any] | None:
    start, end = line.find(b"{"), line.rfind(b"}")
    if start < 0 or end < start or end - start > MOST_OF_A_LINE:
        return None
    try:
        found = json.loads(line[start : end + 1].decode("utf-8", "replace"), parse_int=_whole)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _whole(text: str) -> float:
    return int(text) if len(text) < 30 else float(text)


def _plain(key: str) -> str:
    return key[:64].lower().replace("_", "").replace("-", "").replace(" ", "")


def _name(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    # What no name has is no part of one: names stand in sentences, and beside commands.
    return _NO_NAME.sub("_", str(value)[:MOST_OF_A_NAME]) or None


def _position(keys: dict[str, Any], unit: str) -> float | None:
    return _first(keys, (unit, f"{unit}s", f"{unit}number", f"{unit}no", f"current{unit}", f"last{unit}", f"{unit}id"))


def _first(keys: dict[str, Any], names: tuple[str, ...]) -> float | None:
    return next((value for name in names if (value := number(keys.get(name))) is not None), None)


def number(value: object) -> float | None:
    """A number, also one that is written as a text, with a percent sign or commas; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value if abs(value) < 1e18 else None
    if not isinstance(value, str) or not (text := value.strip().rstrip("%").replace(",", "").replace("_", "")):
        return None
    if not re.fullmatch(r"-?\d{1,18}(?:\.\d{1,18})?", text, re.ASCII):
        return None
    return float(text) if "." in text else int(text)
