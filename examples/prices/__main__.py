"""Runs the example's command."""

from backfill.examples.prices.command import main

main(prog_name="python -m backfill.examples.prices")
