"""A server of ours, asked from elsewhere: by its address and a token alone."""

import http.client
import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from backfill.errors import BackfillError, ConflictError, NotFoundError, SchemaError, UnreachableError, UsageError
from backfill.states import OUTCOMES
from backfill.texts import one_line

PATH: Final = "/api/v1/backfill/process"
SECONDS: Final = 100.0  # a server works for 60 and ends what is in hand
MOST_BYTES: Final = 1024 * 1024
REFUSED: Final = (401, 403)
KINDS: Final[dict[int, type[BackfillError]]] = {
    404: NotFoundError,
    409: ConflictError,
    422: UsageError,
    424: SchemaError,
}


class Server:
    """Where to ask, and how."""

    def __init__(self, url: str, token: str, warn: Callable[[str], None]) -> None:
        self._url = _place(url)
        parts = urlsplit(self._url)
        self._shown = f"{parts.scheme}://{parts.netloc}"
        if token and parts.scheme == "http" and not _is_here(parts.hostname or ""):
            warn(f"warning: {self._shown} is not encrypted: whoever is between can read the token; use https")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Straight there, by no proxy, and nowhere else: the request has the token.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Staying)

    def process(self, limit: int, backfill: str | None) -> dict[str, Any]:
        """What was done of at most so many records; raises UnreachableError where it may be tried again as it is."""
        query = urlencode({"limit": limit} | ({"backfill": backfill} if backfill else {}))
        url = f"{self._url}?{query}"
        request = urllib.request.Request(url, data=b"", headers=self._headers, method="POST")  # noqa: S310 - the scheme was looked at
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                answer = json.loads(response.read(MOST_BYTES))
            counts = {name: int(answer[name]) for name in ("processed", *OUTCOMES, "remaining")}
            return {**counts, "jobs": answer["jobs"]}
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(self._shown, error) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise UnreachableError(
                f"{self._shown} does not answer ({one_line(why, 300) or type(error).__name__})"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"{self._shown} gives another answer than a server of this toolkit; correct the URL"
            ) from None


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not url.isascii() or not url.isprintable() or " " in url or "@" in parts.netloc or parts.query:
        raise UsageError(
            "URL is no address of a server; write http://127.0.0.1:8321, and the token into BACKFILL_TOKEN"
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + PATH, "", ""))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(shown: str, error: urllib.error.HTTPError) -> BackfillError:
    """What the problem says that came back."""
    detail = f"HTTP {error.code}"
    try:
        problem = json.loads(error.read(MOST_BYTES))
        detail = one_line(problem["detail"], 1_000)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        pass
    if error.code in REFUSED:
        return UsageError(f"{shown} refuses the token ({detail}); give one with the role operate in BACKFILL_TOKEN")
    if error.code in KINDS:
        return KINDS[error.code](f"{shown}: {detail}")
    if error.code == 429 or error.code >= 500:
        return UnreachableError(f"{shown}: {detail}")
    return UsageError(f"{shown} answers {detail}; correct the URL")


class _Staying(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
