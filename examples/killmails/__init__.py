"""Killmails of EVE Online: what was destroyed, what was dropped, and what both were worth."""

from backfill.examples.killmails.values import KillmailValues

__all__ = ["KillmailValues"]
