"""What others put before a program's own line: supervisors, containers, journals."""

import re
from typing import Final

MOST_LOOKED_AT: Final = 300  # bytes
ANSI: Final = re.compile(rb"\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTAINER: Final = re.compile(rb"\[(?:pod/)?([\w.-]{1,128})/[\w.-]{1,128}\]\s")  # kubectl logs --prefix
_BAR: Final = re.compile(
    rb"(?:\d\d:\d\d:\d\d(?:\.\d{1,6})?\s{1,2})?([\w.-]{1,64})\s{1,32}\|(?:\s|$)"
)  # honcho, compose


def parted(line: bytes) -> tuple[str | None, bytes]:
    """The name of the process before a line, where there is one, and the line without it."""
    start = line[:MOST_LOOKED_AT]
    found = _CONTAINER.match(start) or _BAR.match(start)
    if found is None:
        return None, line
    return found[1].decode("ascii", "replace"), line[found.end() :]
