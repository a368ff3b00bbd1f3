"""Producing and working in one process."""
