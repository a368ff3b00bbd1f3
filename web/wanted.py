"""The bodies of requests that change something."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from backfill.modes import MOST_IDS, MOST_OF_A_BATCH, Mode, Priority
from backfill.texts import is_fit

MOST_OF_A_LIMIT: Final = 2**62
MOST_OF_A_KEY: Final = 500
MOST_OF_A_REASON: Final = 2_000
MOST_OF_A_TEXT: Final = 1_000


def plain(text: str) -> str:
    """A text that PostgreSQL takes; raises ValueError for another."""
    if not is_fit(text):
        raise ValueError("has characters that no text of ours has")
    return text


def _plain_all(values: dict[str, Any]) -> dict[str, Any]:
    """Whatever depth a text is at."""
    waiting: list[Any] = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            plain(value)
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
    return values


def _near(moment: datetime) -> datetime:
    """PostgreSQL and Python both have it in every zone."""
    if not 1_970 < moment.year < 9_999:
        raise ValueError("is no time of this age")
    return moment


Plain = Annotated[str, Field(max_length=MOST_OF_A_TEXT), AfterValidator(plain)]
Moment = Annotated[AwareDatetime, AfterValidator(_near)]
Workers = Annotated[
    int | None, Field(ge=0, le=10_000, description="Workers that claim at once; null or 0: any number.")
]
Pause = Annotated[int | None, Field(ge=0, le=10_000, description="Milliseconds that a slot rests after a partition.")]


class Body(BaseModel):
    """What is not known is refused: it would be thought to be obeyed."""

    model_config = ConfigDict(extra="forbid")


class Opening(Body):
    """A job that is wanted."""

    backfill: Plain | None = Field(default=None, description="May be left out where the app has one.")
    mode: Mode | None = Field(default=None, description="Which records: target IS NULL, target = 0, or every one.")
    limit: int | None = Field(default=None, ge=1, le=MOST_OF_A_LIMIT, description="At most so many records, exactly.")
    batch_size: int | None = Field(default=None, ge=1, le=MOST_OF_A_BATCH, description="Records a partition.")
    priority: Priority = Priority.NORMAL
    order: str = Field(default="asc", pattern="^(asc|desc)$", description="Of keys.")
    ids: list[Plain] = Field(
        default=[], max_length=MOST_IDS, description="Just these records, if the mode selects them."
    )
    after: Plain | None = Field(default=None, description="Only records behind this one, in the order of keys.")
    parameters: Annotated[dict[str, Any], AfterValidator(_plain_all)] = Field(
        default={}, description="Of the definition, kept with the job: its scope among them."
    )
    deadline: Moment | None = Field(default=None, description="When the job should be done.")
    idempotency_key: Plain | None = Field(
        default=None, max_length=MOST_OF_A_KEY, description="One job a key; also as the header Idempotency-Key."
    )
    dry_run: bool = Field(default=False, description="Show counts, predicate and query plan; open nothing.")
    max_workers: Workers = None
    pause_ms: Pause = None


class Reason(Body):
    """Why, for the job's events."""

    reason: str = Field(default="", max_length=MOST_OF_A_REASON)


class Resuming(Reason):
    """How to go on."""

    accept_definition: bool = Field(default=False, description="Go on with the definition that workers have now.")


class Retrying(Body):
    """Which of the failed records; all of them where nothing is given."""

    error_class: Plain | None = None
    message: Annotated[str, AfterValidator(plain)] | None = Field(
        default=None, max_length=MOST_OF_A_REASON, description="Of a group, as failures/groups has it."
    )
    record_ids: list[Plain] = Field(default=[], max_length=MOST_IDS)


class Resetting(Body):
    """Whether from live workers too."""

    force: bool = Field(
        default=False, description="Take partitions from live workers too; what they hold is fenced out."
    )


class Setting(Body):
    """How an active job is worked on; what is left out stays as it is."""

    priority: Priority | None = Field(default=None, description="null leaves it as it is.")
    max_workers: Workers = None
    pause_ms: Pause = Field(default=None, description="Milliseconds that a slot rests after a partition; null: none.")
    deadline: Moment | None = Field(default=None, description="null takes it away.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not any(value is not None and value is not False for value in self.changes().values()):
            raise ValueError("changes nothing; give a priority, max_workers, pause_ms or a deadline")
        return self

    def changes(self) -> Mapping[str, Any]:
        """As the ledger's `set_job` takes them."""
        given = self.model_fields_set
        return {
            "priority": self.priority,
            "max_workers": (self.max_workers or 0) if "max_workers" in given else None,
            "pause_ms": (self.pause_ms or 0) if "pause_ms" in given else None,
            "deadline": self.deadline,
            "clears_deadline": "deadline" in given and self.deadline is None,
        }
