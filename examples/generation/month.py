"""A unit's month as the service answers it, checked; and what a job is asked for."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backfill.examples.asking import Service

Month = Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]


class Asked(Service):
    """Parameters: which unit, or all, and which months, both ends included."""

    unit: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    from_month: Month
    to_month: Month

    @model_validator(mode="after")
    def _in_order(self) -> "Asked":
        if self.from_month > self.to_month:
            raise ValueError(f"from_month {self.from_month} is later than to_month {self.to_month}")
        return self


class Day(BaseModel):
    """What was generated on a day."""

    model_config = ConfigDict(frozen=True)

    day: date
    kwh: Annotated[Decimal, Field(max_digits=12, decimal_places=3)]


class Generated(BaseModel):
    """A month of a unit; one without a day would delete what is stored."""

    unit: str
    month: Month
    rows: Annotated[list[Day], Field(min_length=1)]

    @classmethod
    def of(cls, content: bytes, unit: str, month: str) -> list[Day]:
        """The days in an answer, in their order; raises ValueError for what is none, or about something else."""
        found = cls.model_validate_json(content)
        if (found.unit, found.month) != (unit, month):
            raise ValueError(f"asked for {unit} in {month}, and told of {found.unit} in {found.month}")
        days = [row.day for row in found.rows]
        if len(set(days)) < len(days) or any(f"{day:%Y-%m}" != month for day in days):
            raise ValueError(f"the days of {unit} are not all of {month}, each once")
        return sorted(found.rows, key=lambda row: row.day)
