"""Runs the example's command."""

from backfill.entry import run

run("backfill.examples.generation.command", prog_name="python -m backfill.examples.generation")
