"""The signals of a process that is the caller's alone, such as a command's; calls from Python leave them be."""

from backfill.workers.signals import interrupting, obey

__all__ = ["interrupting", "obey"]
