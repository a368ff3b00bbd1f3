"""Every type as a column: every value right, the bad ones named alone, or refused when the job opens."""

import pytest

from tests.worlds.arena import Arena, in_each
from tests.worlds.columns import judge_column
from tests.worlds.conftest import Arenas
from tests.worlds.model import Type
from tests.worlds.types import TYPES


@pytest.mark.parametrize("one", TYPES, ids=str)
async def test_a_column(arenas: Arenas, one: Type) -> None:
    async def judge(arena: Arena) -> None:
        verdict, seen, wrong = await judge_column(arena, one)
        if one.no_column:
            assert one.no_column in verdict.refusal
            return
        assert not verdict.refusal
        assert not wrong, "\n".join(map(repr, wrong))
        assert seen <= set(one.read.split(" or ")) or one.read == "object"

    await in_each((arenas[version] for version in one.versions), judge)
