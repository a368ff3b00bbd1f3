"""What a test of a definition is written with: a database of its own, a run without a broker, a kill at any place.

The fixture `backfill_database` is in `backfill.testing.plugin`; all else works without pytest.
"""

from backfill.testing.checks import checked
from backfill.testing.databases import Database
from backfill.testing.killing import Survived, survives
from backfill.testing.runs import Ended, ran

__all__ = ["Database", "Ended", "Survived", "checked", "ran", "survives"]
