"""How work on a claim ends, other than by being done."""


class CommitUnknownError(Exception):
    """The answer to COMMIT never came: only the ledger knows."""


class FencedError(Exception):
    """A later claim took the partition over; nothing was written."""


class GivenBackError(Exception):
    """The claim was given back: somebody holds what the partition needs."""
