"""Recompute derived values for millions of existing PostgreSQL rows through RabbitMQ.

PostgreSQL is the truth, a message is only a wake-up, and a value and its progress commit in one transaction.
The order of the modules, each importing only from lines above its own:

    errors  states  modes  message                 values and contracts
    definition  settings  statements               what the user brings, and what is read from files
    database  catalog  broker  topology            the network
    ledger                                         every statement on the ledger
    commands                                       what people run
"""

from backfill.definition import ColumnBackfill, Skip
from backfill.errors import TransientError

__all__ = ["ColumnBackfill", "Skip", "TransientError"]
__version__ = "0.1.0"
