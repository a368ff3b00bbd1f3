"""Records that were asked for by their ids and will not be queued, each with the reason."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from backfill import condition
from backfill.catalog import Target
from backfill.kinds import packed
from backfill.ledger.jobs import Request
from backfill.texts import one_line

if TYPE_CHECKING:
    import asyncpg

MOST_NAMED: Final = 10
MOST_OF_AN_ID: Final = 60


async def sentences(connection: "asyncpg.Connection[Any]", target: Target, request: Request) -> list[str]:
    """What to say of ids that no row has, or that the mode leaves out."""
    definition = target.definition
    with condition.answering(definition):
        rows = await connection.fetch(target.statement("read_selected"), packed(list(request.ids)))
    is_selected = {row["id"]: row["is_selected"] for row in rows}
    words = request.mode.words(definition.table, definition.target_column, condition.shown(definition))
    found = {
        f"{definition.table} has no such record": [one for one in request.ids if one not in is_selected],
        f"left out, mode {request.mode.value} takes {words}": [one for one, does in is_selected.items() if not does],
    }
    return [f"--id {_named(ids)}: {why}" for why, ids in found.items() if ids]


def _named(ids: Sequence[str]) -> str:
    shown = ", ".join(one_line(one, MOST_OF_AN_ID) for one in ids[:MOST_NAMED])
    return shown if len(ids) <= MOST_NAMED else f"{shown} and {len(ids) - MOST_NAMED:,} more"
