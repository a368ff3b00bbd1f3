"""Which records a job is about: the mode, in words for people and as a predicate for PostgreSQL."""

from enum import StrEnum
from typing import Final

MOST_OF_A_BATCH: Final = 10_000  # records
MOST_IDS: Final = 10_000  # given for one job


class Mode(StrEnum):
    NULL = "null"
    ZERO = "zero"
    ALL = "all"

    def words(self, table: str, column: str, where: str = "") -> str:
        """Say in a sentence which records the mode selects, of those that meet the condition."""
        words = {
            Mode.NULL: f"records of {table} whose {column} is NULL",
            Mode.ZERO: f"records of {table} whose {column} is 0",
            Mode.ALL: f"every record of {table}",
        }[self]
        if not where:
            return words
        return f"{words} {'where' if self is Mode.ALL else 'and where'} {where}"

    def predicate(self, quoted_column: str) -> str:
        """The SQL condition on an already quoted column; the producer plans by it, the worker checks it again."""
        return {
            Mode.NULL: f"{quoted_column} IS NULL",
            Mode.ZERO: f"{quoted_column} = 0",
            Mode.ALL: "true",
        }[self]

    def has_value(self, quoted_column: str) -> str:
        """The condition on a record whose value is not missing."""
        is_there = f"{quoted_column} IS NOT NULL"
        return f"{is_there} AND {quoted_column} <> 0" if self is Mode.ZERO else is_there

    def leftover(self, quoted_column: str) -> str:
        """The condition on a record that has had its turn and is not done: in mode all, has lost its value."""
        return f"{quoted_column} IS NULL" if self is Mode.ALL else self.predicate(quoted_column)


class Priority(StrEnum):
    """Each has a queue of its own; in the order in which workers take from them."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
