"""Who has the lock that a session waits for."""

import time
from collections.abc import Sequence
from typing import Any, Final

from backfill import statements
from backfill.database import Connection
from backfill.texts import clean

ASK_SECONDS: Final = 1.0  # between two questions of a process: each holds up all locking of the server for a moment
SOMEBODY: Final = "waits for a lock of a session that is not known"
MOST_SHOWN: Final = 600


class Blockers:
    """Asks the server, as often as is kind."""

    def __init__(self) -> None:
        self._next = 0.0

    @property
    def may_ask(self) -> bool:
        return time.monotonic() >= self._next

    async def ask(self, connection: Connection, process: int) -> str | None:
        """Who keeps that other session waiting; None when nobody does, or it was asked a moment ago."""
        if not self.may_ask:
            return None
        rows = await connection.fetch(statements.read("catalog/read_blockers"), process)
        if not rows:  # it does not wait: that was cheap to see
            return None
        self._next = time.monotonic() + ASK_SECONDS
        return described(rows)


def described(rows: Sequence[Any]) -> str:
    return clean("; ".join(map(_one, rows)), MOST_SHOWN)


def _one(row: Any) -> str:
    if row["pid"] == 0:
        return "a prepared transaction (see pg_prepared_xacts)"
    parts = [f"user {row['usename']}"] if row["usename"] else []
    parts += [f"application {row['application_name']}"] if row["application_name"] else []
    parts += [row["backend_type"]] if row["backend_type"] not in (None, "client backend") else []
    parts += [row["state"]] if row["state"] else []
    parts += [f"in a transaction since {row['xact_start']:%Y-%m-%d %H:%M:%S} UTC"] if row["xact_start"] else []
    what = " ".join(clean(row["query"] or "", 200).split())
    shown = f"process {row['pid']}" + (f" ({', '.join(parts)})" if parts else " (which this role may not see)")
    return f"{shown}: {what}" if what else shown
