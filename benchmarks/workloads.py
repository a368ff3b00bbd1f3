"""What contenders work on: a kind of data, the definition that fills its column, and the check of what it wrote."""

from collections.abc import Callable
from dataclasses import dataclass

from backfill.examples.killmails import statements
from benchmarks import checks, sql, toolkit


@dataclass(frozen=True)
class Workload:
    kind: str  # of `benchmarks.data`
    app: str
    check: Callable[[str, str, int], None]  # the run's database, the untouched one, the records up to this number
    update: str = ""  # the one statement that does the same


KILLMAILS = Workload("killmails", toolkit.KILLMAILS, checks.values_are_right, statements.read("set_based"))
PEOPLE = Workload("people", toolkit.PEOPLE, checks.people_are_right, sql.read("normalise_people"))
ORDER_LINES = Workload("order_lines", toolkit.ORDER_LINES, checks.order_lines_are_right)
