"""A profile: where to look for one backfill, and what is healthy there."""

import re
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from backfill.errors import UsageError
from backfill.monitor.readings import Measure
from backfill.monitor.report import Kind
from backfill.texts import one_line

MOST_SECONDS: Final = 1e10  # some 300 years
SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: object) -> float:
    """A duration such as 90s, 10m, 1h30m or 2d, or a number of seconds; raises ValueError for anything else."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return _finite(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])", str(text))
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])|\s", "", str(text)):
        raise ValueError("write a duration such as 30s, 10m, 1h30m or 2d")
    return _finite(sum(float(number) * SECONDS[unit] for number, unit in parts))


def _finite(number: int | float) -> float:
    if not abs(number) < MOST_SECONDS:
        raise ValueError("that is longer than any backfill takes; write a duration such as 30s, 10m, 1h30m or 2d")
    return float(number)


def _address(text: str) -> str:
    if not re.fullmatch(r"\S+:\d{1,5}", text):
        raise ValueError("write host:port, such as db.example.com:5432 or [::1]:5432")
    return text


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(_Strict):
    """What is healthy; rates are of units a minute, shares are percent."""

    good_rate: tuple[float, float] = (200_000, 500_000)
    http_503_an_hour: int = 50  # fewer are healthy
    too_many_503_an_hour: int = 100  # more: there are too many workers
    failed_retries: int = 0
    attempts: int = 3  # the attempt whose failure is a failed retry, where a line does not say of how many it is
    zero_timestamps_percent: float = 0.01
    zero_values_percent: float | None = None  # None: shown, not judged
    null_values_percent: float | None = None
    workers_apart_percent: float = 25.0  # of the work, between the first and the last that are not finished
    free_disk_percent: float = 5.0
    is_rate_judged: bool | None = None  # None: where the unit is rows, and no job of ours


class LogSource(_Strict):
    """Log files by a glob; `-` is standard input."""

    path: str
    all: bool = False  # False: the newest of those that the glob finds

    @property
    def is_piped(self) -> bool:
        return self.path == "-"


class _OfDatabase(_Strict):
    database: str = "DATABASE_URL"  # the environment variable that has the URL; never the URL itself

    @model_validator(mode="after")
    def _by_name(self) -> Self:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.database):  # it may hold a password: it is not shown
            raise ValueError("database takes the NAME of a variable, such as DATABASE_URL, never a URL")
        return self


class SqlSource(_OfDatabase):
    """A query on PostgreSQL; its columns' names say what they are: measures, or `group` or `minute` with `count`.

    With `table` instead of a query, the usual ones are asked of that table.
    """

    query: str | None = None
    table: str | None = None
    range: str | None = None  # columns of that table: of the range,
    newest: str | None = None  # of the newest timestamp, and of the rows by minute,
    group: str | None = None  # of a status,
    value: str | None = None  # and of the value that may be zero or NULL
    timeout: Seconds = 10.0

    @model_validator(mode="after")
    def _either(self) -> "SqlSource":
        if (self.query is None) == (self.table is None):
            raise ValueError("give either query or table")
        if self.query is not None and (self.range or self.newest or self.group or self.value):
            raise ValueError("range, newest, group and value belong to table; a query names its columns itself")
        return self


class CommandSource(_Strict):
    """A program that prints one number, which `measures` names, or a JSON object whose keys are measures."""

    run: str | list[str]  # split as a shell would, but run without one
    measures: Measure | None = None
    timeout: Seconds = 30.0


class ProcessSource(_Strict):
    """A process by its pid, by a file that holds it, or by words of its command line."""

    name: str | None = None
    pid: int | None = None
    pid_file: str | None = None
    all: bool = False  # True: every one of several that match is meant

    @model_validator(mode="after")
    def _one(self) -> "ProcessSource":
        if sum(one is not None for one in (self.name, self.pid, self.pid_file)) != 1:
            raise ValueError("give one of name, pid and pid_file")
        return self


class TargetSource(_Strict):
    """Where the work goes to or comes from: can it be reached?"""

    address: Annotated[str, AfterValidator(_address)]
    timeout: Seconds = 3.0


class JobSource(_OfDatabase):
    """A job of ours: its id, the beginning of it, or latest."""

    id: str = "latest"


class Profile(_Strict):
    """One backfill: where to look, and what is healthy."""

    name: str | None = None  # of its file
    title: str = "Backfill"
    kind: Kind | None = None  # None: by what is found
    unit: str = "rows"
    # Units there will be in the end, where no source tells.
    total: Annotated[int | None, Field(ge=0, lt=1 << 63)] = None
    workers: Annotated[int | None, Field(ge=1, le=1_000_000)] = None  # how many there should be
    timezone: str | None = None  # of lines that do not say theirs; None: this machine's
    stuck_after: Seconds = 600.0
    limits: Limits = Limits()
    patterns: dict[str, str] = {}
    log: list[LogSource] = []
    sql: list[SqlSource] = []
    command: list[CommandSource] = []
    process: list[ProcessSource] = []
    target: list[TargetSource] = []
    job: list[JobSource] = []
    mistakes: tuple[str, ...] = ()  # of the file: what was left out, and why

    @property
    def sources(self) -> int:
        return sum(len(getattr(self, name)) for name in SECTIONS)


SECTIONS: Final = ("log", "sql", "command", "process", "target", "job")
OURS: Final = ("name", "mistakes")  # keys that no file has: a profile is called after it


def made(found: dict[str, Any], where: str) -> Profile:
    """The profile of what flags say; raises UsageError with every mistake."""
    try:
        return Profile.model_validate(found)
    except ValidationError as error:
        raise UsageError(f"{where}: {'; '.join(map(_mistake, error.errors()))}; correct it") from error


def _mistake(one: Any) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in one["loc"])
    return f"{where or 'profile'}: {one_line(one['msg'].removeprefix('Value error, '))}"
