"""What the service answers, checked."""

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Price(BaseModel):
    """A type's price; the table keeps two decimals."""

    model_config = ConfigDict(frozen=True)

    type_id: int
    price: Annotated[Decimal, Field(ge=0, lt=10**18, allow_inf_nan=False)]
    as_of: AwareDatetime
    etag: str | None = None

    @classmethod
    def of(cls, content: bytes, type_id: int, etag: str | None) -> "Price":
        """The price in an answer; raises ValueError for what is none, or another type's."""
        price = cls.model_validate_json(content)
        if price.type_id != type_id:
            raise ValueError(f"asked for type {type_id}, and told of {price.type_id}")
        return price.model_copy(update={"etag": etag})


class Unchanged(str):
    """The ETag of a price that is still the same."""

    __slots__ = ()
