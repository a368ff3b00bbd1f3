"""What may be started: the definitions of the server's app, and how much of their tables has a value."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from backfill import parameters
from backfill.api.offered import offered
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import NotFoundError
from backfill.ledger import views
from backfill.modes import Mode
from backfill.producers import coverage as counting
from backfill.web.answers import Answer, paged
from backfill.web.models import backfills as models
from backfill.web.place import MOST_OF_A_PAGE, Cursor, Here, Limit, Place, Text

__all__ = ["router"]

router = APIRouter(tags=["backfills"])

COUNT_SECONDS: Final = 1.5
SECONDS: Final = 10.0  # tables and definitions seldom change


@router.get("/backfills", responses={200: {"model": models.Backfills}})
async def many(place: Here, cursor: Cursor = None, limit: Limit = MOST_OF_A_PAGE) -> Answer:
    """The definitions of the app, each with the modes that work on its table now, its parameters and its coverage."""
    found = await place.kept.get("backfills", SECONDS, lambda: _looked_up(place))
    return paged("backfills", found, {"name": str}, cursor, limit, why_none=place.why_none)


@router.get("/coverage/{backfill}", responses={200: {"model": models.TableCoverage}})
async def coverage(
    place: Here,
    backfill: Annotated[Text, Path(max_length=200)],
    mode: Annotated[Mode | None, Query(description="Count the records in this mode's scope now.")] = None,
) -> Answer:
    """Records with a value of those in scope, as counted when the newest job was opened, and what was done since.

    Where no job has counted, or a mode is given, they are counted now; what takes too long is estimated.
    """
    found = None
    if mode is None:
        async with place.ledger.connection() as connection:
            found = await views.coverage(connection, backfill)
    if found is None:
        definition = place.definitions.get(backfill)
        if not isinstance(definition, ColumnBackfill):
            raise NotFoundError(f"no job of {backfill!r} has counted its table yet; see: GET /backfills")
        chosen = mode or definition.mode
        found = await place.kept.get(
            ("coverage", backfill, chosen), SECONDS, lambda: _counted(place, definition, chosen)
        )
    return Answer(found)


async def _counted(place: Place, definition: ColumnBackfill, mode: Mode) -> dict[str, Any]:
    async with place.ledger.connection() as connection:
        counted = await counting.count(connection, parameters.chosen(definition, {}), mode, COUNT_SECONDS)
    return {
        "backfill": definition.name,
        "job": None,
        "in_scope": counted.in_scope,
        "before": None,
        "covered": counted.covered,
        "projected": None,
        "is_estimate": counted.is_estimate,
        "at": datetime.now(UTC),
    }


async def _looked_up(place: Place) -> list[dict[str, Any]]:
    rows = []
    async with place.ledger.connection() as connection:
        successes = {one["backfill"]: one for one in await views.last_successes(connection)}
        for name in sorted(place.definitions):
            definition = place.definitions[name]
            row = await offered(connection, definition)
            row["parameters"] = _parameters(definition)
            row["coverage"] = await views.coverage(connection, name)
            success = successes.get(name)
            row["last_success"] = success and {"job": success["job"], "completed_at": success["completed_at"]}
            rows.append(row)
    return rows


def _parameters(definition: Definition) -> list[dict[str, Any]]:
    """Each with its type as JSON Schema names it."""
    if definition.Parameters is None:
        return []
    properties = definition.Parameters.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "type": _type(properties.get(field.alias or name, {})),
            "default": None if field.is_required() else field.get_default(call_default_factory=True),
            "is_required": field.is_required(),
            "description": field.description,
        }
        for name, field in definition.Parameters.model_fields.items()
    ]


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    return str(schema.get("format") or schema.get("type") or "object")
