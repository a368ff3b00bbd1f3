"""A check for schemathesis: with a token that reads, whatever is no look is refused; anybody signs in and out."""

from typing import Any, Final

import schemathesis

API: Final = "/api/v1/backfill"
LOOKS: Final = {"GET", "HEAD", "OPTIONS"}


@schemathesis.check
def changes_nothing(_: Any, response: Any, case: Any) -> None:
    method = response.request.method
    if method in LOOKS or not case.path.startswith(API) or case.path == f"{API}/session":
        return
    assert response.status_code in (401, 403), f"{method} {case.path}: {response.status_code} for a reader"
