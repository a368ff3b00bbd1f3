"""Runs the service."""

from backfill.entry import run

run("backfill.examples.service.command", prog_name="python -m backfill.examples.service")
