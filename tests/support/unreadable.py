"""The example of embeddings with one record that its model cannot read."""

from collections.abc import Mapping, Sequence
from typing import Any

from backfill import Skip
from backfill.examples.embeddings import JobEmbeddings

ID = 9


class Unreadable(JobEmbeddings):
    """Nobody knows from the text of the error which of many it was."""

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | Skip]:
        if any(record["id"] == ID for record in records):
            raise ValueError("no such language")
        return super().compute_many(records)
