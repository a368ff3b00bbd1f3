"""How often a definition may call a service: one budget for all workers together, kept in the ledger."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """What a service allows.

    rate         calls a second; None: as many as there are
    burst        calls that may come at once after a rest
    concurrency  calls under way at once; None: as many as there are
    adaptive     halve the rate when the service refuses a call, and let it creep up again while it does not
    name         whose budget it is, where several definitions call the same service; else the definition's own
    """

    rate: float | None = None
    burst: int = 1
    concurrency: int | None = None
    adaptive: bool = True
    name: str = ""
