"""The example of embeddings: with its model, into a column of pgvector."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backfill import Skip
from backfill.examples.embeddings import JobEmbeddings
from backfill.examples.embeddings.definition import model, written
from backfill.examples.statements import read
from backfill.modes import Mode
from tests.support.made_up import backfilled
from tests.support.world import World

pytestmark = pytest.mark.long


class OneByOne(JobEmbeddings):
    """The same through `compute`."""

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return self.compute_many([record])[0]


def job(title: str | None, description: str | None = None) -> dict[str, Any]:
    return {"id": 1, "title": title, "description": description}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (job(" Nurse ", "Nights.\n"), "Nurse\nNights."),
        (job("Nurse"), "Nurse"),
        (job("", "Nights."), "Nights."),
        (job(" \n", "\t"), ""),
        (job(None), ""),
        (job("a", "b" * 3_000), "a\n" + "b" * 1_998),
    ],
)
def test_what_is_embedded_is_title_and_description(record: dict[str, Any], text: str) -> None:
    assert written(record) == text


def test_every_record_gets_its_own_vector_whoever_is_beside_it() -> None:
    records = [job("Nurse"), job(" "), job("Baker", "From home."), job("Ä\U0001f600 \u202e%"), job("x " * 2_000)]
    together = JobEmbeddings().compute_many(records)
    assert together[1] == Skip("no text")
    assert JobEmbeddings().compute_many([]) == []
    assert JobEmbeddings().compute_many([records[1]]) == [Skip("no text")]
    for place in (0, 2, 3, 4):
        vector = together[place]["embedding"]
        assert (len(vector), {type(one) for one in vector}) == (384, {float})
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-4)
        assert JobEmbeddings().compute_many([records[place]])[0]["embedding"] == vector


def test_threads_may_share_the_model() -> None:
    """Where workers compute in threads: the engine has no state that one call could see of another."""
    records = [job(f"Nurse number {n}") for n in range(12)]
    alone = [JobEmbeddings().compute_many([record]) for record in records]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda record: JobEmbeddings().compute_many([record]), records)) == alone


async def test_vectors_are_written_to_a_column_of_pgvector_and_found_again(world: World) -> None:
    for part in ("extend", "schema") * 2:  # again changes nothing
        await world.execute(read(f"embeddings/{part}"))
    await world.execute(read("embeddings/made_up"), 16)
    await world.execute("INSERT INTO jobs (id, title, description) VALUES (99, ' ', NULL)")
    await world.execute("UPDATE jobs SET is_active = true")

    done = await backfilled(world, OneByOne(), mode=Mode.NULL)
    assert (done.state, done.failed, done.skipped) == ("completed", {}, {"no text": 1})
    assert done.counts == {"updated": 16, "skipped": 1}
    assert (await backfilled(world, OneByOne(), mode=Mode.ALL)).counts == {"unchanged": 16, "skipped": 1}

    for question, title in (("caring for patients in a hospital", "Nurse"), ("pflanzt Blumen und Bäume", "Gardener")):
        asked = str(model().query(question).tolist())
        (nearest,) = await world.fetch(read("embeddings/nearest"), asked, 1)
        assert nearest["title"] == title
        assert 0.7 < nearest["similarity"] <= 1
    world.checked = True
