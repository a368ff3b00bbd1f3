"""Every type as a column: every value right, the bad ones named alone, or refused when the job opens."""

import pytest

from tests.worlds.arena import Arena
from tests.worlds.columns import judge_column
from tests.worlds.model import Type
from tests.worlds.types import TYPES

pytestmark = pytest.mark.long


@pytest.mark.parametrize("one", [one for one in TYPES if one.is_here], ids=str)
async def test_a_column(arena: Arena, one: Type) -> None:
    verdict, seen, wrong = await judge_column(arena, one)
    if one.no_column:
        assert one.no_column in verdict.refusal
        return
    assert not verdict.refusal
    assert not wrong, "\n".join(map(repr, wrong))
    assert seen <= set(one.read.split(" or ")) or one.read == "object"
