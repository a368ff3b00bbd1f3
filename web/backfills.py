"""What may be started: the definitions of the server's app, and how much of their tables has a value."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from backfill.api.offered import offered
from backfill.definition import Definition
from backfill.errors import NotFoundError
from backfill.ledger import views
from backfill.web import models
from backfill.web.answers import Answer, whole
from backfill.web.place import Here, Place, Text

__all__ = ["router"]

router = APIRouter(tags=["backfills"])

SECONDS: Final = 10.0  # tables and definitions seldom change


@router.get("/backfills", responses={200: {"model": models.Backfills}})
async def many(place: Here) -> Answer:
    """The definitions of the app, each with the modes that work on its table now, its parameters and its coverage."""
    return whole(await place.kept.get("backfills", SECONDS, lambda: _looked_up(place)), why_none=place.why_none)


@router.get("/coverage/{backfill}", responses={200: {"model": models.Coverage}})
async def coverage(place: Here, backfill: Annotated[Text, Path(max_length=200)]) -> Answer:
    """Records with a value of those in scope, as counted when the newest job was opened, and what was done since."""
    async with place.ledger.connection() as connection:
        found = await views.coverage(connection, backfill)
    if found is None:
        raise NotFoundError(f"no job of {backfill!r} has counted its table yet; see: GET /backfills")
    return Answer(found)


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
