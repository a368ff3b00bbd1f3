"""The numbers in what a program has printed: JSON, one number, the total of several, or the table of df."""

import json
import re
from datetime import tzinfo
from typing import Any, Final

from backfill.monitor.readings import Measure, Reading, Value
from backfill.monitor.sources import values
from backfill.texts import one_line

DF: Final = {Measure.BYTES_TOTAL: 1, Measure.BYTES: 2, Measure.FREE_BYTES: 3}  # columns, counted from 0
BLOCKS: Final = {"512-blocks": 512, "1K-blocks": 1024, "1024-blocks": 1024, "1M-blocks": 1 << 20, "1B-blocks": 1}


def take(text: str, measures: Measure | None, naive: tzinfo | None, reading: Reading) -> None:
    """Take what was printed; raises ValueError saying what was printed instead of a number."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        raise ValueError("it prints nothing; have it print one number, or a JSON object")
    if (found := _object(text, lines)) is not None:
        _take_object(found, measures, naive, reading)
    elif lines[0].startswith("Filesystem"):
        reading.measures |= _of_df(lines, measures)
    elif measures is None:
        raise ValueError(f"it prints {one_line(lines[-1], 60)!r}; say with measures what that is: {values.NAMES}")
    else:
        reading.measures[measures] = values.value(measures, _number_of(lines, measures), naive)


def _object(text: str, lines: list[str]) -> dict[str, Any] | None:
    """The object that the whole is, or the last line."""
    for one in (text, lines[-1]):
        if one.lstrip().startswith("{"):
            try:
                found = json.loads(one)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
    return None


def _take_object(found: dict[str, Any], measures: Measure | None, naive: tzinfo | None, reading: Reading) -> None:
    known = {key: value for key, value in found.items() if key in set(Measure)}
    if measures is not None:
        known = {key: value for key, value in known.items() if key == measures}
    if not known:
        there = ", ".join(one_line(key, 60) for key in list(found)[:10])
        wanted = values.NAMES if measures is None else measures.value
        raise ValueError(f"its JSON has the keys {there or '(none)'}; wanted are {wanted}")
    if len(known) < len(found) and measures is None:
        others = ", ".join(one_line(key, 60) for key in found if key not in known)
        reading.notes.append(f"not taken, as no measure is called so: {one_line(others, 200)}")
    values.take(known, naive, reading)


def _number_of(lines: list[str], measures: Measure) -> str:
    """The one number that was printed, the first of its line; or the total of several."""
    if measures in values.TIMES | values.ANYTHING and len(lines) == 1:
        return lines[0]
    first = [line.split()[0] for line in lines]
    found = [word for word in first if _is_number(word.removesuffix("%") if measures is Measure.PERCENT else word)]
    if len(found) == 1:
        return found[0]
    if found and re.fullmatch(r"\S+\s+total", lines[-1]) and _is_number(lines[-1].split()[0]):
        return lines[-1].split()[0]
    if found:
        raise ValueError(f"it prints {len(found):,} numbers; have it print one, or their total")
    raise ValueError(f"it prints {one_line(lines[-1], 60)!r}, and no number in front; have it print one number")


def _is_number(word: str) -> bool:
    try:
        values.number(word)
    except ValueError:
        return False
    return True


def _of_df(lines: list[str], measures: Measure | None) -> dict[Measure, Value]:
    """The bytes of one file system, as df has them."""
    if len(lines) != 2:
        raise ValueError(f"df lists {len(lines) - 1:,} file systems; name a folder: df -P output")
    head, row = lines[0].split(), lines[1].split()
    if len(row) < 4 or head[1] not in BLOCKS:
        raise ValueError(f"df counts in {one_line(head[1], 20)}; have it count in bytes: df -B1 output")
    wanted = Measure.FREE_BYTES if measures is None else measures
    if wanted not in DF:
        raise ValueError(f"df tells {', '.join(DF)}, not {wanted.value}; correct measures")
    return {wanted: values.number(row[DF[wanted]]) * BLOCKS[head[1]]}
