"""The smallest backfill: a text column that holds another one normalised, for searching and for finding doubles.

The table, and the two commands that fill its column:

    CREATE TABLE people (id bigint PRIMARY KEY, name text, name_normalised text);

    backfill-queue --app backfill.examples.names --mode=null
    backfill-worker --app backfill.examples.names
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from backfill import ColumnBackfill, Skip


class NormalisedNames(ColumnBackfill):
    """Write `name_normalised` from `name`."""

    name = "normalised_names"
    table = "people"
    key = "id"
    columns = ("name_normalised",)
    inputs = "SELECT id, name FROM people WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        """One spelling for every way to write the same name."""
        if record["name"] is None:
            return Skip("no name")
        return {"name_normalised": normalise(record["name"])}


def normalise(text: str) -> str:
    """Compatibility characters replaced, case folded, white space collapsed."""
    # Folding can bring back what normalising removed (and the other way round), so normalising frames it.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())
