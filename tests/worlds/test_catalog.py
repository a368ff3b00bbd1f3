"""No type escapes: whatever a server's catalog has is among the types of these worlds."""

import re

from backfill import kinds
from tests.support import servers
from tests.worlds.arena import Arena
from tests.worlds.types import TYPES


async def test_every_type_of_the_catalog_has_examples_or_a_reason(arena: Arena) -> None:
    known = [re.sub(r"\(.*\)", "", one.name) for one in TYPES if one.is_here]
    rows = await arena.connection.fetch(
        """
        SELECT format_type(t.oid, NULL) AS name FROM pg_type t
        WHERE t.typtype IN ('b', 'e', 'r', 'm', 'd') AND t.oid <> ALL ($1::text[]::regtype[]::oid[])
          AND NOT (t.typcategory = 'A' AND EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))
          AND t.typnamespace <> 'w'::regnamespace""",
        [name for name in known if not name.startswith("w.")],
    )
    assert [row["name"] for row in rows] == [], "add it to tests/worlds/types, with examples or why it is refused"


async def test_every_kind_has_examples(arena: Arena) -> None:
    """The other way round: nothing is written that no example tries."""
    names = [re.sub(r"\(.*\)", "", one.name) for one in TYPES if one.good and one.is_here]
    tried = await arena.connection.fetchval(
        "SELECT array_agg(typname::text) FROM pg_type WHERE oid = ANY ($1::text[]::regtype[]::oid[])",
        [name for name in names if not name.startswith("w.")],
    )
    vectors = set() if servers.WORLDS == servers.WHEEL else {"vector", "halfvec"}
    assert kinds.NAMES - vectors <= set(tried)
