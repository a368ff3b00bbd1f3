"""Which errors of a definition's `load` say that a service did not answer; the libraries are told by names."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from backfill.workers.computing.outages import is_outage


def made(*names: str, base: type[BaseException] = Exception, **attributes: Any) -> BaseException:
    """An error whose classes have these names, the most general first."""
    kind = base
    for name in names:
        kind = type(name, (kind,), {})
    error = kind("told")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


HTTPX = ("HTTPError", "RequestError", "TransportError")
AWAY = [
    made(*HTTPX, "TimeoutException", "ReadTimeout"),
    made(*HTTPX, "TimeoutException", "PoolTimeout"),
    made(*HTTPX, "NetworkError", "ConnectError"),
    made(*HTTPX, "ProtocolError", "RemoteProtocolError"),
    made("HTTPError", "HTTPStatusError", response=SimpleNamespace(status_code=503)),
    made("ClientError", "ClientConnectionError", "ServerConnectionError", "ServerDisconnectedError"),
    made("ClientError", "ClientPayloadError"),
    made("ClientError", "ClientResponseError", status=429),
    made("BotoCoreError", "ConnectionError", "EndpointConnectionError"),
    made("BotoCoreError", "HTTPClientError", "ConnectionClosedError"),
    made("ClientError", response={"ResponseMetadata": {"HTTPStatusCode": 503}}),
    made("HTTPError", "PoolError", "RequestError", "MaxRetryError"),
    made("RedisError", "TimeoutError"),
    TimeoutError(),
    ConnectionResetError(),
]
NOT_AWAY = [
    made(*HTTPX, "UnsupportedProtocol"),
    made(*HTTPX, "ProtocolError", "LocalProtocolError"),
    made("HTTPError", "HTTPStatusError", response=SimpleNamespace(status_code=404)),
    made("ClientError", "ClientResponseError", status=400),
    made("ClientError", response={"Error": {"Code": "AccessDenied"}}),
    made("RedisError", "ConnectionError", "AuthenticationError"),
    made("Strange", status="busy", response=object()),
    FileNotFoundError("rates.csv"),
    KeyError("price"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_timeouts_and_connections_of_client_libraries(error: BaseException) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", NOT_AWAY, ids=lambda error: type(error).__name__)
def test_a_call_that_is_wrong_stays_wrong(error: BaseException) -> None:
    assert not is_outage(error)


def test_what_an_error_was_raised_from_counts_as_well() -> None:
    away = made(*HTTPX, "NetworkError", "ConnectError")
    for raise_it in (_from, _while_handling):
        with pytest.raises(RuntimeError) as caught:
            raise_it(away)
        assert is_outage(caught.value)
    with pytest.raises(KeyError) as hidden:
        _from_none(away)
    assert not is_outage(hidden.value)


def test_one_of_several_at_once_is_enough() -> None:
    group = ExceptionGroup("fetching", [ValueError("x"), ExceptionGroup("more", [TimeoutError()])])
    assert is_outage(group)
    assert not is_outage(ExceptionGroup("fetching", [ValueError("x"), KeyError("y")]))


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    error = ValueError("x")
    other = KeyError("y")
    error.__cause__, other.__cause__ = other, error
    assert not is_outage(error)


def _from(error: BaseException) -> None:
    raise RuntimeError("cannot fetch") from error


def _while_handling(error: BaseException) -> None:
    try:
        raise error
    except Exception:
        raise RuntimeError("cannot fetch")  # noqa: B904 - what is tested


def _from_none(error: BaseException) -> None:
    try:
        raise error
    except Exception:
        raise KeyError("not cached") from None
