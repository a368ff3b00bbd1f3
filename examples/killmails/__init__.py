"""Killmails of EVE Online: what was destroyed, what was dropped, and what both were worth."""

from examples.killmails.values import KillmailValues

__all__ = ["KillmailValues"]
