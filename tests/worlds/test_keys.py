"""Every type as a key: each record is planned and written once, however its text is ordered or read by the driver."""

import pytest

from backfill.modes import Mode
from tests.worlds.arena import Arena
from tests.worlds.keys import judge_key
from tests.worlds.model import Type
from tests.worlds.types import TYPES

pytestmark = pytest.mark.long

HERE = [one for one in TYPES if one.is_here]
SHARED = [one for one in HERE if not one.no_key and not one.setup and not one.lost_keys and "vector" not in one.name]
TEXTS = [one for one in SHARED if one.name == "text"]
COLLATED = tuple(TEXTS[0].but(extra=f'COLLATE "{name}"', title=f"text {name}") for name in ("C", "POSIX"))
TRIPLES = [COLLATED, *[tuple(SHARED[start : start + 3]) for start in range(0, len(SHARED), 3)]]


@pytest.mark.parametrize("one", HERE, ids=str)
async def test_a_key(arena: Arena, one: Type) -> None:
    order = "asc" if len(str(one)) % 2 else "desc"
    verdict, wrong = await judge_key(arena, [one], batch_size=2, order=order)
    assert not wrong, "\n".join(wrong)
    assert one.no_key in verdict.refusal
    assert bool(one.no_key) == bool(verdict.refusal), verdict.refusal


@pytest.mark.parametrize("types", TRIPLES, ids=lambda types: ", ".join(map(str, types)))
async def test_a_key_of_several_columns(arena: Arena, types: tuple[Type, ...]) -> None:
    """In mode null the closing sweeps read the keys, too, and hold them against those that are planned."""
    verdict, wrong = await judge_key(arena, types, mode=Mode.NULL)
    assert not wrong, "\n".join(wrong)
    assert not verdict.refusal
