"""Whether a line that says that the work has ended means the whole of it, and was the end."""

import re
from typing import Final

from backfill.monitor.logs.tally import Tally

TRAIL: Final = 20  # lines that a program closes with: sums, pools, its exit
TRAIL_SECONDS: Final = 300.0

_DONE: Final = r"\b(?:finished|completed?|done)\b"
_PART: Final = (
    r"(?:page|batch|chunk|table|step|stage|phase|part|partition|range|file|block|segment|task|round|shard"
    r"|iteration|collection|day|month|slice|bucket|item|record|row|key)"
)
# "done with chunk 5", "complete: table users", "finished 3 of 9 files", "all rows of page 3 done".
OF_A_PART: Final = re.compile(
    (
        rf"(?i){_DONE}[\s:;,(-]{{0,3}}(?:successfully\s)?(?:with|for|of|on|importing|loading|processing)?\s?(?:(?:the|this|a)\s)?"
        rf"(?:{_PART}\b[\s#:=\"'(]{{0,3}}[\w./-]"
        rf"|(?P<count>\d[\d,]{{0,24}})\s?(?:of|/)\s?(?P<of>\d[\d,]{{0,24}}))"
        rf"|\b(?:of|in|for)\s{_PART}[\s#:=]{{1,3}}\w{{0,32}}\s?(?:is\s|was\s)?{_DONE}"
        rf"|\ball(?:\s\w{{1,20}}){{0,2}}\s{_PART}\s\d+\s{_DONE}"
    ).encode()
)
_GOES_ON: Final = re.compile(
    r"(?i)\b(?:starting|beginning|began|begun|processing|fetching|loading|importing|syncing|downloading|claimed|claiming"
    r"|sleeping|resuming|continuing|retrying)\b"
    r"(?!:?\s(?:up\s)?(?:shutdown|shut|clean|cleanup|graceful|to\s(?:shut|clean|exit|close)|vacuum|analyze|complete|finished"
    r"|done|time|took|rate|ended))"
    r"|\bstarted\b(?!\s(?:at|in|on)\b|\s?[:=])(?=\s\w)"
    r"|\bnext\s(?:round|job|batch|page|chunk|table|file|step|block|one)\b"
)


def is_of_a_part(line: bytes) -> bool:
    """Whether what a line says to be done is a piece of the work."""
    found = OF_A_PART.search(line)
    if found is None or found["count"] is None:
        return found is not None
    return int(found["count"].replace(b",", b"")) < int(found["of"].replace(b",", b""))


def is_end(tally: Tally) -> bool:
    """Whether nothing but what a program closes with stands behind the line that says that all is done."""
    line = tally.last_finished
    behind = tally.lines - 1 - line
    if line < max(tally.last_progress, tally.last_fatal) or behind > TRAIL:
        return False
    at = tally.happened["finished"].last_at
    if at is not None and tally.last_at is not None and tally.last_at - at > TRAIL_SECONDS:
        return False
    return behind <= 0 or not any(_GOES_ON.search(one) for one in tally.ends_with.split("\n")[-behind - 1 :])
