"""Runs the service."""

from backfill.examples.service.command import main

main(prog_name="python -m backfill.examples.service")
