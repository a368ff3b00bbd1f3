"""A check for schemathesis: with a token that reads, whatever is no look is refused; anybody signs in and out."""

from typing import Any, Final

import schemathesis

LOOKS: Final = {"GET", "HEAD", "OPTIONS"}


@schemathesis.check
def changes_nothing(_: Any, response: Any, case: Any) -> None:
    method = response.request.method
    if method in LOOKS or case.path.endswith("/session"):
        return
    assert response.status_code == 403, f"{method} {case.path} answers {response.status_code} with a token that reads"
