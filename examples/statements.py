"""Reads the examples' SQL files, one statement a file."""

from functools import cache
from pathlib import Path


@cache
def read(name: str) -> str:
    """The text of `<name>.sql` below this folder, such as `prices/schema`."""
    return (Path(__file__).parent / f"{name}.sql").read_text()
