"""A text column classified by a service, fifty texts a call, within what the service allows.

CREATE TABLE messages (id bigint PRIMARY KEY, text text, label text);

python -m backfill.examples.service --port 40123
backfill-queue --app backfill.examples.labels -P url=http://127.0.0.1:40123
backfill-worker --app backfill.examples.labels --burst
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backfill import ColumnBackfill, Skip
from backfill.examples.asking import Asker, Service


class MessageLabels(Asker, ColumnBackfill):
    """Write `label` from `text`."""

    name = "message_labels"
    table = "messages"
    columns = ("label",)
    inputs = "SELECT id, text FROM messages WHERE id = ANY($1)"
    call_size = 50  # the service takes no more
    at_once = 2
    parameters: Service

    async def compute_many(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | Skip]:
        """One call; where the service refuses it for one of its texts, the worker asks again with half of them."""
        texts = [record["text"] for record in records if record["text"] is not None]
        labels = iter(await self._labels(texts) if texts else [])
        return [Skip("no text") if record["text"] is None else {"label": next(labels)} for record in records]

    async def _labels(self, texts: list[str]) -> list[str]:
        response = await self.ask("POST", "/classify", json={"texts": texts})
        labels: list[str] = response.json()["labels"]
        if len(labels) != len(texts):
            raise ValueError(f"{len(labels)} labels for {len(texts)} texts")
        return labels
