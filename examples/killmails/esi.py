"""One killmail as the EVE Swagger Interface writes it: checked, and its containers flattened."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

Type = Annotated[int, Field(ge=1, lt=2**31)]
Id = Annotated[int, Field(ge=1, lt=2**63)]
Small = Annotated[int, Field(ge=0, lt=2**15)]
# Times that a driver can still move to another zone.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
Quantity = Annotated[int, Field(ge=0, lt=2**63)]


class BadLineError(ValueError):
    """Why a line of a file cannot be loaded."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Item(_Model):
    """A line of what the victim carried; a container holds lines of its own."""

    item_type_id: Type
    flag: Small
    singleton: Small = 0
    quantity_dropped: Quantity | None = None
    quantity_destroyed: Quantity | None = None
    items: list[Any] | None = None  # checked one by one: models within models would limit the depth

    @model_validator(mode="after")
    def _counted(self) -> "Item":
        if self.quantity_dropped is None and self.quantity_destroyed is None:
            raise ValueError("neither quantity_dropped nor quantity_destroyed")
        return self


class Victim(_Model):
    """Who lost which ship."""

    ship_type_id: Type
    character_id: Id | None = None
    corporation_id: Id | None = None
    alliance_id: Id | None = None
    damage_taken: Quantity | None = None
    items: list[Any] | None = None


class Killmail(_Model):
    """A killmail without its attackers, who have no part in its value."""

    killmail_id: Id
    killmail_time: Annotated[AwareDatetime, Field(strict=False, ge=EARLIEST, lt=LATEST)]
    solar_system_id: Type
    war_id: Type | None = None
    victim: Victim


def parse(line: bytes) -> tuple[Killmail, list[Item]]:
    """A killmail and its item lines out of one line of JSON; raises BadLineError."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise BadLineError(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise BadLineError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or endless brackets
        raise BadLineError(f"JSON that cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadLineError("not a JSON object")
    try:
        killmail = Killmail.model_validate(value)
        return killmail, list(flatten(killmail.victim.items))
    except ValidationError as error:
        raise BadLineError(reason(error)) from error


def flatten(items: list[Any] | None) -> Iterator[Item]:
    """Every item line, those inside a container right after it, however deep."""
    pending = list(reversed(items or []))
    while pending:
        item = Item.model_validate(pending.pop())
        yield item
        pending.extend(reversed(item.items or []))


def reason(error: ValidationError) -> str:
    """What is wrong first, in one line and without the values."""
    first, *others = error.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in first["loc"]) or error.title
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(others)} more)" if others else ""
    return f"{where}: {message}{more}"
