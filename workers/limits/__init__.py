"""Calls within a limit that all workers share."""
