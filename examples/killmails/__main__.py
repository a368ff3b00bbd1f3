"""Runs the example's command."""

from backfill.entry import run

run("backfill.examples.killmails.command", prog_name="python -m backfill.examples.killmails")
