"""Settings: read from variables, flags win, and a bad value names its variable."""

import pytest

from backfill import masking, settings
from backfill.errors import UsageError

BAD = {
    "BACKFILL_LEASE_SECONDS": ["0", "soon", "4000", ""],
    "BACKFILL_RECONCILE_SECONDS": ["0", "-1", "nan"],
    "BACKFILL_RETRY_DELAYS": ["1,2,3,4,5,6", "soon", "0", "1,-1", "100000", "nan", "inf"],
    "BACKFILL_HEARTBEAT": ["0", "61", "ten", "1.5"],
    "BACKFILL_DRAIN_SECONDS": ["0"],
    "BACKFILL_RECORD_SECONDS": ["0", "0.05", "3601", "soon"],
    "BACKFILL_LOCK_TIMEOUT_MS": ["1"],
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("BACKFILL_") or name in ("DATABASE_URL", "RABBITMQ_URL"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=f"^{variable}={value}: ") as refused:
        settings.read()
    assert "\n" not in str(refused.value)


def test_the_defaults_are_those_of_the_readme() -> None:
    found = settings.read()
    assert (found.lease_seconds, found.reconcile_seconds, found.heartbeat) == (60, 15, 10)
    assert found.retry_delays == (60, 120, 240, 480, 960)
    assert found.max_attempts == 6


def test_a_flag_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_APP", "from.environment")
    assert settings.read().app == "from.environment"
    assert settings.read(app="from.flag").app == "from.flag"
    assert settings.read(app=None).app == "from.environment"


def test_delays_may_be_spaced_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_RETRY_DELAYS", " 0.5, 2 ")
    assert settings.read().retry_delays == (0.5, 2)
    assert settings.read().max_attempts == 3


def test_without_delays_there_are_no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_RETRY_DELAYS", "")
    assert settings.read().max_attempts == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("amqp://me:p:q@host/", "amqp://me:***@host/"),
        ("amqp://me:a@b@host/", "amqp://me:***@host/"),
        ("postgresql://me:se/cret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?password=secret", "postgresql://host/db?password=***"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("amqp://:secret@host", "amqp://:***@host"),
        ("amqp://me:secret@one/v;amqps://me:sec;ret@two/v", "amqp://me:***@one/v;amqps://me:***@two/v"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    masked = masking.mask(url)
    assert masked == shown


def test_the_management_api_has_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_MANAGEMENT_URL", raising=False)
    monkeypatch.setenv("BACKFILL_MANAGEMENT_URL", "http://one")
    assert settings.read().rabbitmq_management_url == "http://one"
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://other")
    assert settings.read().rabbitmq_management_url == "http://other"
