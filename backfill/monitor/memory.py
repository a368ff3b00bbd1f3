"""What is kept of earlier looks, so that a second one knows how far the first had read, and how fast it goes."""

import hashlib
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from backfill import owned
from backfill.errors import BackfillError
from backfill.masking import mask
from backfill.monitor.profile import ProcessSource, Profile
from backfill.monitor.readings import Measure, Remembered
from backfill.texts import one_line

VERSION: Final = 1
HOMELESS: Final = "there is no home to remember this look in; the next one begins anew: set HOME or XDG_STATE_HOME"
MOST_LOOKS: Final = 500
MOST_BYTES: Final = 64 << 20  # of a file that is read
KEPT_SECONDS: Final = 30 * 86_400.0  # a file that nobody has written since is removed


@dataclass(frozen=True, slots=True)
class Look:
    """The numbers of one look, in seconds since the epoch."""

    at: float
    measures: dict[Measure, float]


@dataclass(slots=True)
class Memory:
    """Looks, the oldest first, and what each source wants to know at the next one."""

    looks: list[Look] = field(default_factory=list)
    sources: dict[str, Remembered] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # of reading it; not kept
    has_ended: bool = False  # standard input, and with it all there will be to look at; not kept
    processes: list[ProcessSource] = field(default_factory=list)  # that were found, where nobody had named any

    def with_found(self, profile: Profile) -> Profile:
        """What was found, with the processes of the last look where no other has taken their place: they are gone."""
        self.processes = profile.process or self.processes
        return profile.model_copy(update={"process": self.processes})

    def with_look(self, look: Look) -> "Memory":
        """The same with one look more; of very many, every second of the older half is dropped."""
        looks = [*(one for one in self.looks if one.at < look.at), look]
        if len(looks) > MOST_LOOKS:
            half = len(looks) // 2
            looks = looks[:half:2] + looks[half:]
        return replace(self, looks=looks)


def place(profile: Profile, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The file of what is looked at: another one for other sources, patterns, databases, or another folder.

    None for a user who has no home.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    state = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home != "~" else None)
    if state is None:
        return None
    looked_at = profile.model_dump(exclude={"name", "title", "kind", "stuck_after", "limits", "mistakes"})
    names = [one.database for one in profile.sql] + [one.database for one in profile.job]
    urls = [mask(environ.get(one, "")) for one in names]
    key = json.dumps([looked_at, profile.limits.attempts, str(folder.absolute()), urls])
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", profile.name or "flags")[:60]
    return Path(state) / "backfill" / "monitor" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def read(file: Path) -> Memory:
    """What the file holds; a damaged or foreign one is as good as none, and `notes` says so."""
    try:
        found = os.stat(file, follow_symlinks=False)
        if found.st_size > MOST_BYTES:
            raise ValueError(f"it has {found.st_size:,} bytes")
        return _read(json.loads(owned.read(file)))
    except FileNotFoundError:
        return Memory()
    except (OSError, BackfillError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = one_line(getattr(error, "strerror", None) or error, 200)
        return Memory(notes=[f"what was remembered in {file} cannot be used ({why}); begun anew"])


def write(file: Path, memory: Memory) -> str | None:
    """Keep it for the next look, whole or not at all; why it could not be, if so."""
    text = json.dumps(
        {
            "version": VERSION,
            "looks": [{"at": one.at, "measures": one.measures} for one in memory.looks[-MOST_LOOKS:]],
            "sources": memory.sources,
            "processes": [one.model_dump(exclude_defaults=True) for one in memory.processes],
        }
    )
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(file.parent)
        # A new file that takes the old one's name: who reads meanwhile, or writes too, has one or the other.
        descriptor, new = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with open(descriptor, "w") as stream:
                stream.write(text)
            os.replace(new, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            raise
    except OSError as error:
        return f"cannot remember this look in {file}: {error.strerror}; the next one begins anew: set XDG_STATE_HOME"
    return None


def _read(found: Any) -> Memory:
    if found["version"] != VERSION:
        raise ValueError(f"version {one_line(found['version'], 20)} is another program's")
    looks = [
        Look(_number(one["at"]), {Measure(name): _number(value) for name, value in one["measures"].items()})
        for one in found["looks"][-MOST_LOOKS:]
    ]
    if not all(isinstance(one, dict) for one in found["sources"].values()):
        raise ValueError("a source remembers no object")
    processes = [ProcessSource.model_validate(one) for one in found.get("processes", [])]
    return Memory(sorted(looks, key=lambda one: one.at), dict(found["sources"]), processes=processes)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{one_line(value, 40)!r} is no number")
    return float(value)


def _forget_old(folder: Path) -> None:
    """Nobody looks at what ended long ago; also at what a process that was killed has left."""
    oldest = time.time() - KEPT_SECONDS
    for old in folder.iterdir():
        with suppress(OSError):
            if old.suffix == ".json" or old.name.startswith("."):
                found = old.lstat()
                if found.st_mtime < oldest and found.st_uid == os.geteuid():
                    old.unlink()
