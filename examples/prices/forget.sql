-- Forget all prices.
DELETE FROM market_prices
