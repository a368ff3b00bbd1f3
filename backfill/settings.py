"""Settings: `BACKFILL_…` variables, read once by a command; flags win."""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backfill import addresses
from backfill.errors import UsageError
from backfill.masking import mask

A_TENANT: Final = r"^[a-z0-9][a-z0-9_-]{0,39}$"


class Settings(BaseSettings):
    """Everything that can be set, each with its default, unit and bounds."""

    model_config = SettingsConfigDict(env_prefix="BACKFILL_", frozen=True, extra="ignore", populate_by_name=True)

    database_url: Annotated[
        str,
        Field(
            validation_alias=AliasChoices("DATABASE_URL"),
            description="PostgreSQL; private services when unset",
        ),
    ] = ""
    rabbitmq_url: Annotated[
        str,
        Field(
            validation_alias=AliasChoices("RABBITMQ_URL"),
            description="RabbitMQ, the nodes of a cluster with ; between them; private services when unset",
        ),
    ] = ""
    rabbitmq_management_url: Annotated[
        str,
        Field(
            validation_alias=AliasChoices("RABBITMQ_MANAGEMENT_URL", "BACKFILL_MANAGEMENT_URL"),
            description="RabbitMQ's management API, for `backfill queues`, also as BACKFILL_MANAGEMENT_URL; that "
            "of the private services when unset",
        ),
    ] = ""
    ledger_schema: Annotated[
        str,
        Field(
            validation_alias=AliasChoices("BACKFILL_SCHEMA"),
            max_length=63,
            description="schema of the ledger; unset: the first of the search path, and found again wherever it is",
        ),
    ] = ""
    pooled: Annotated[
        bool,
        Field(description="1 for a pooler whose sessions are shared by transactions; pgbouncer is noticed by itself"),
    ] = False
    app: Annotated[str, Field(description="module or module:Class with your definitions")] = ""
    home: Annotated[Path, Field(description="folder of the private services")] = Path(".backfill")
    lease_seconds: Annotated[
        float, Field(ge=1, le=3600, description="a claim not renewed for so long is reclaimed")
    ] = 60.0
    reconcile_seconds: Annotated[
        float, Field(ge=0.2, le=600, description="how often lost messages and ended leases are looked for")
    ] = 15.0
    retry_delays: Annotated[
        tuple[float, ...],
        NoDecode,
        Field(description="seconds before each retry; their number is the number of retries"),
    ] = (60.0, 120.0, 240.0, 480.0, 960.0)
    heartbeat: Annotated[int, Field(ge=1, le=60, description="AMQP heartbeat in seconds")] = 10
    drain_seconds: Annotated[
        float, Field(ge=1, le=300, description="how long a stopping worker may finish what it has in hand")
    ] = 20.0
    partition_seconds: Annotated[
        float, Field(ge=1, le=3600, description="a partition that loads and computes for longer is retried")
    ] = 300.0
    record_seconds: Annotated[
        float, Field(ge=0.1, le=3600, description="a record that computes for longer is interrupted, and fails alone")
    ] = 30.0
    lock_timeout_ms: Annotated[
        int,
        Field(
            ge=10,
            le=60_000,
            description="how long a worker queues for a locked table at a time",
        ),
    ] = 2_000
    statement_timeout_ms: Annotated[
        int, Field(ge=100, le=3_600_000, description="longest single statement of a worker")
    ] = 60_000

    tenant: Annotated[str, Field(pattern=A_TENANT, description="whose jobs these are; part of queue names")] = "default"
    dead_messages: Annotated[
        int,
        Field(ge=1, le=50_000, description="so many a dead queue keeps; the oldest beyond are dropped, with an event"),
    ] = 10_000
    max_jobs: Annotated[int, Field(ge=1, le=100, description="active jobs of one backfill at once")] = 4
    failed_share: Annotated[
        float, Field(gt=0, le=1, description="a job fails when more than this share of its ended partitions failed")
    ] = 0.2
    failed_minimum: Annotated[
        int, Field(ge=1, le=1_000_000, description="ended partitions before that share is looked at")
    ] = 20
    on_changed_definition: Annotated[
        Literal["pause", "warn"],
        Field(description="what a worker does with a job that was opened with another definition than it has"),
    ] = "pause"
    metrics_port: Annotated[
        int | None,
        Field(ge=0, le=65535, description="port of a worker's Prometheus metrics; 0 takes a free one, unset has none"),
    ] = None

    log: Annotated[
        Literal["debug", "info", "warning"],
        Field(description="from which level on `backfill-queue` and workers write lines; debug has each delivery"),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Field(description="how they write them; json is an object a line")
    ] = "text"

    @field_validator("retry_delays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("retry_delays")
    @classmethod
    def _bounded(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) > 5 or any(not 0.05 <= delay <= 86_400 for delay in value):
            raise ValueError("at most 5 delays, each from 0.05 to 86400 seconds")
        return value

    @property
    def max_attempts(self) -> int:
        """The first run and its retries."""
        return 1 + len(self.retry_delays)

    def need_database(self) -> str:
        """PostgreSQL's URL with what it has to say besides; raises UsageError where there is none."""
        if not self.database_url:
            raise UsageError("no database: set DATABASE_URL, or start private services with: backfill services up")
        return addresses.with_options(self.database_url, pooled=self.pooled, ledger_schema=self.ledger_schema)

    def need_broker(self) -> str:
        """RabbitMQ's URL; raises UsageError where there is none."""
        if not self.rabbitmq_url:
            raise UsageError("no broker: set RABBITMQ_URL, or start private services with: backfill services up")
        return self.rabbitmq_url

    def retry_delay(self, attempt: int) -> float:
        """Seconds from the end of that attempt, the first one being 1, to the next."""
        return self.retry_delays[min(attempt, len(self.retry_delays)) - 1] if self.retry_delays else 0.0


def read(**flags: Any) -> Settings:
    """Settings from the environment and the flags that are not None; raises UsageError naming the variable."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"BACKFILL_{name.upper()}"
        given = os.environ.get(variable, first.get("input"))
        raise UsageError(
            f"{variable}={given}: {first['msg'].removeprefix('Value error, ')}; see `backfill settings`"
        ) from None


def described() -> list[tuple[str, str, str, str]]:
    """Every setting as field, variable, default, meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"BACKFILL_{name.upper()}"
        rows.append((name, variable, _text(field.default), field.description or ""))
    return rows


def values(settings: Settings) -> dict[str, str]:
    """The value of every setting by its variable; passwords are masked."""
    return {variable: _text(getattr(settings, name)) for name, variable, _, _ in described()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return ",".join(f"{part:g}" for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return mask(str(value))
