"""What a job requires comes first, also where it is worked on in the same process."""

from backfill.producers.chain import Chain, Met

__all__ = ["Chain", "Met"]
