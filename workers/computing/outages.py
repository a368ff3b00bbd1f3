"""Whether an error of a definition's `load` says that a service did not answer: then it may answer later.

The client libraries of definitions are none of ours and are not imported; their errors are told by their names. What is
an OSError (requests, and what the system says) needs no name.
"""

from collections.abc import Iterator
from typing import Final

# Of httpx and httpcore, aiohttp, urllib3, botocore, redis, grpc and google, elasticsearch, pymongo.
NAMES: Final = frozenset(
    {
        *("TimeoutException", "NetworkError", "RemoteProtocolError", "ProxyError"),
        *("ClientConnectionError", "ClientPayloadError", "ServerTimeoutError"),
        *("TimeoutError", "NewConnectionError", "ProtocolError", "MaxRetryError"),
        *("ConnectionError", "HTTPClientError", "ConnectTimeoutError", "ReadTimeoutError"),
        *("BusyLoadingError", "ServiceUnavailable", "DeadlineExceeded", "TooManyRequests"),
        *("ConnectionTimeout", "AutoReconnect", "ServerSelectionTimeoutError"),
    }
)
# A call that is wrong and stays wrong, though the library counts it among the above.
WRONG: Final = frozenset({"UnsupportedProtocol", "LocalProtocolError", "AuthenticationError", "AuthorizationError"})
BUSY: Final = frozenset({429, 502, 503, 504})  # HTTP states that another time may not give
DEEPEST: Final = 20  # of a chain of causes


def is_outage(error: BaseException) -> bool:
    """Whether the error, what it was raised from, or one of a group says so."""
    return any(_says_so(one) for one in _causes(error, DEEPEST))


def _causes(error: BaseException, depth: int) -> Iterator[BaseException]:
    yield error
    if not depth:
        return
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one, depth - 1)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _causes(cause, depth - 1)


def _says_so(error: BaseException) -> bool:
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & WRONG:
        return False
    return bool(names & NAMES) or _state(error) in BUSY


def _state(error: BaseException) -> object:
    """The HTTP state: of httpx and requests in the response, of aiohttp in the error, of botocore in a mapping."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    state = getattr(response, "status_code", None) or getattr(error, "status", None)
    return state if isinstance(state, int) else None
