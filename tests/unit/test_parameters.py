"""Parameters of a definition: typed in, checked by its model, kept with a job, read by a worker."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from backfill import ColumnBackfill, Skip, parameters
from backfill.errors import UsageError


class Prices(ColumnBackfill):
    name = "prices"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    class Parameters(BaseModel):
        factor: int = 3
        since: date | None = date(2024, 1, 1)
        rate: Decimal = Decimal("1.10")
        tags: list[str] = Field(default_factory=list)
        code: str = ""

    parameters: Parameters

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": record["base"] * self.parameters.factor}


def of(**fields: Any) -> ColumnBackfill:
    """A definition whose model has those annotations."""
    model = type("Parameters", (BaseModel,), {"__annotations__": fields})
    definition: ColumnBackfill = type("Own", (Prices,), {"Parameters": model})()
    return definition


def test_outside_of_a_job_there_are_the_defaults_and_a_test_may_give_others() -> None:
    assert Prices().compute({"base": 2}) == {"value": 6}
    seven = Prices().with_parameters(Prices.Parameters(factor=7))
    assert seven.compute({"base": 2}) == {"value": 14}
    assert Prices().compute({"base": 2}) == {"value": 6}
    assert seven.fingerprint() == Prices().fingerprint()


def test_what_is_typed_comes_to_a_worker_as_it_was_meant() -> None:
    typed = ["factor=7", "since=2025-02-28", "rate=2.50", 'tags=["a", "b"]', "code=007"]
    given = parameters.given(Prices(), typed)
    stored = parameters.stored(given)
    assert stored == {"factor": 7, "since": "2025-02-28", "rate": "2.50", "tags": ["a", "b"], "code": "007"}
    read = parameters.of_job(Prices(), stored)
    assert read.parameters == given.parameters
    assert read.parameters.rate == Decimal("2.50")
    assert parameters.shown(stored) == 'factor=7, since=2025-02-28, rate=2.50, tags=["a", "b"], code=007'


def test_null_is_written_as_json() -> None:
    assert parameters.given(Prices(), ["since=null"]).parameters.since is None


def test_a_definition_without_a_model_has_none() -> None:
    class Plain(Prices):
        Parameters: ClassVar[None] = None  # type: ignore[assignment]

    assert parameters.stored(parameters.given(Plain(), [])) == {}
    with pytest.raises(UsageError, match=r"^prices has no parameter factor; it has none$"):
        parameters.given(Plain(), ["factor=7"])


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["factor"], "^-P factor: write NAME=VALUE, such as -P factor=7$"),
        (["=7"], "^-P =7: write NAME=VALUE"),
        (["factor=1", "factor=2"], "^-P factor is given twice; give each parameter once$"),
        (["factro=7"], "^prices has no parameter factro; it has: factor, since, rate, tags, code$"),
        (["factor=x"], "^parameters of prices: factor: Input should be a valid integer, unable to parse string"),
        (["factor=x", "since=soon"], "factor: .*; since: .*; give each with -P NAME=VALUE$"),
        (["code=a\0b"], r"^-P code=a\\x00b has a character that cannot be stored$"),
        (["code=" + "a" * 10_000], r"^the parameters of prices are 10,\d\d\d characters long, more than 10,000; put"),
    ],
)
def test_what_is_no_parameter_is_refused_in_a_line(pairs: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as refused:
        parameters.given(Prices(), pairs)
    assert "\n" not in str(refused.value)


def test_one_that_is_needed_is_asked_for() -> None:
    definition = of(factor=int)
    assert not parameters.have_defaults(definition)
    assert parameters.have_defaults(Prices())
    with pytest.raises(UsageError, match=r"^parameters of prices: factor: Field required; give each with -P"):
        parameters.given(definition, [])
    assert parameters.given(definition, ["factor=7"]).parameters.factor == 7


def test_what_would_not_come_back_the_same_is_refused_without_being_shown() -> None:
    for kind, value in ((SecretStr, "hunter2"), (float, "nan")):
        with pytest.raises(UsageError, match=r"do not come back from JSON as they were .* and no secrets$") as refused:
            parameters.given(of(key=kind), [f"key={value}"])
        assert "hunter2" not in str(refused.value)


def test_a_model_may_be_strict_take_other_names_and_raise_what_it_likes() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True, extra="allow")
        factor: int = Field(alias="by")

        @field_validator("factor")
        @classmethod
        def _not_seven(cls, value: int) -> int:
            if value == 7:
                raise LookupError("seven\nis taken")
            return value

    definition: ColumnBackfill = type("Own", (Prices,), {"Parameters": Strict})()
    given = parameters.given(definition, ["by=8", "more=1"])
    assert parameters.stored(given) == {"by": 8, "more": "1"}
    assert parameters.of_job(definition, parameters.stored(given)).parameters == given.parameters
    with pytest.raises(UsageError, match=r"^parameters of prices: LookupError: seven is taken; give"):
        parameters.given(definition, ["by=7"])


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (
            {"factor": "many"},
            r"^the job's parameters \(factor=many\) are none of prices any more: factor: Input should",
        ),
        ({"speed": 7}, "^prices has no parameter speed; it has: factor"),
    ],
)
def test_what_a_model_cannot_read_any_more_is_told(stored: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parameters.of_job(Prices(), stored)
