"""The PostgreSQL that tests have their databases on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backfill.testing.databases import Database


@contextmanager
def url(folder: Path) -> Iterator[str]:
    """Where it answers: DATABASE_URL, else a private one for the block, without durability.

    Raises UsageError where the extra `services` is missing that starts one.
    """
    if given := os.environ.get("DATABASE_URL"):
        yield Database(given).url
        return
    from backfill.services import choice

    made = choice.create("postgres", folder, durable=False, say=None)
    try:
        made.start()
        yield made.url
    finally:
        made.delete()
