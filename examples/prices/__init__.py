"""Market prices from a service that allows so many calls a second, for the killmail example."""

from backfill.examples.prices.definition import MarketPrices

__all__ = ["MarketPrices"]
