"""Runs the example's command."""

from backfill.examples.embeddings.command import main

main(prog_name="python -m backfill.examples.embeddings")
