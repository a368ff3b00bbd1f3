"""What `fetch` of a definition gets from a worker, without one."""

from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from backfill import HeldError


class FakeCall:
    """A call that no limit holds back; counts what was asked under it."""

    def __init__(self, loaded: Any = None, *, attempt: int = 1) -> None:
        self.loaded = loaded
        self.attempt = attempt
        self.entered = 0
        self.errors: list[BaseException] = []
        self.is_open = False

    async def __aenter__(self) -> Self:
        assert not self.is_open
        self.entered, self.is_open = self.entered + 1, True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_open = False
        if error is not None:
            self.errors.append(error)


@pytest.fixture
def held_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """HeldError.from_response where there is none yet."""
    if not hasattr(HeldError, "from_response"):
        monkeypatch.setattr(HeldError, "from_response", staticmethod(_held), raising=False)


def _held(response: httpx.Response) -> HeldError | None:
    if response.status_code not in (429, 503):
        return None
    return HeldError(f"{response.url} answers {response.status_code}", float(response.headers["Retry-After"]))
