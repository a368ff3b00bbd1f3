"""Runs the example's command."""

from backfill.examples.generation.command import main

main(prog_name="python -m backfill.examples.generation")
