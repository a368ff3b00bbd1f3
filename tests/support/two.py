"""An app of two backfills on tables of their own."""

from tests.support.definitions import Counter, Normalised

__all__ = ["Counter", "Normalised"]
