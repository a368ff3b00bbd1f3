"""Runs the example's command."""

from backfill.examples.killmails.command import main

main(prog_name="python -m backfill.examples.killmails")
