"""Every type of PostgreSQL and of its contrib modules, each with examples or with why it is refused."""

from tests.worlds.model import Type
from tests.worlds.types.extensions import EXTENSIONS
from tests.worlds.types.made import MADE, RANGES
from tests.worlds.types.numbers import NUMBERS
from tests.worlds.types.others import OTHERS
from tests.worlds.types.texts import TEXTS
from tests.worlds.types.times import TIMES
from tests.worlds.types.without import WITHOUT

TYPES: list[Type] = [*NUMBERS, *TEXTS, *TIMES, *OTHERS, *RANGES, *MADE, *EXTENSIONS, *WITHOUT]
