"""The only reader of `sql/`: one statement a file, named by its path without the ending."""

from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "sql"


@cache
def read(name: str) -> str:
    """The statement `sql/<name>.sql` as it stands."""
    return (FOLDER / f"{name}.sql").read_text()


def render(name: str, identifiers: dict[str, str]) -> str:
    """A `sql/target/` template with the identifiers of a definition, which must be quoted already."""
    return read(f"target/{name}").format_map(identifiers)


def quote(name: str) -> str:
    """An identifier as PostgreSQL's quote_ident would write it; look names up in the catalog before."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for a statement whose parameters are taken."""
    return "'" + text.replace("'", "''") + "'"
