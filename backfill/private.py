"""Where the private services answer: what starts them writes it down, and the core only reads it."""

import json
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from backfill import owned
from backfill.errors import UsageError

FILE: Final = "urls.json"


def answering(folder: Path) -> dict[str, str]:
    """The URLs of those that answer, each under the name of the setting that it may stand for."""
    file = folder / FILE
    try:
        urls = json.loads(owned.read(file))
        return {name: url for name, url in urls.items() if _answers(url)}
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise UsageError(f"{file} belongs to another user; choose another folder") from None
    except OSError as error:
        raise UsageError(f"cannot read {file} ({error.strerror}); choose another BACKFILL_HOME") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is damaged ({error}); have it written anew with: backfill services up") from error


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=2):
            return True
    except OSError:
        return False
