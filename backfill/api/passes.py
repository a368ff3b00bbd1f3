"""Pass after pass over what still matches, also where each is worked on in the same process."""

from backfill.ledger.passes import Series
from backfill.producers.passes import Passes

__all__ = ["Passes", "Series"]
