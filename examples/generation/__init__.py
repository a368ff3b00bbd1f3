"""What the units of a power company have generated, month by month, from a service."""

from backfill.examples.generation.definition import MonthlyGeneration

__all__ = ["MonthlyGeneration"]
