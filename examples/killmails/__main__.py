"""Runs the example's command."""

from examples.killmails.command import main

main(prog_name="python -m examples.killmails")
