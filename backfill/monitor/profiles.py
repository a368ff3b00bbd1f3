"""The files of profiles: where they are, and what can be used of what stands in one."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backfill.errors import NotFoundError, UsageError
from backfill.monitor import lenient
from backfill.monitor.profile import OURS, SECTIONS, Profile
from backfill.texts import one_line

FOLDER: Final = Path(__file__).parents[1] / "examples" / "monitor"  # behind monitor/ and .backfill/monitor/ here


def read(name: str, folders: Sequence[Path] | None = None) -> Profile:
    """The profile of a file, or of that name in one of the folders; `mistakes` says what of it was left out.

    Raises NotFoundError naming those that there are, UsageError for what cannot be read or is no TOML.
    """
    path = _found(name, folders or (Path("monitor"), Path(".backfill/monitor"), FOLDER))
    try:
        found = tomllib.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also of a number of thousands of digits, or as many brackets
        raise UsageError(f"{path} is not TOML: {one_line(error)}; correct it") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name another file") from error
    # A section in single brackets is one of which there is one.
    listed = {key: [one] if key in SECTIONS and isinstance(one, dict) else one for key, one in found.items()}
    ours = {key: one for key, one in listed.items() if key not in OURS}
    profile, mistakes = lenient.kept(Profile, ours)
    mistakes += [f"unknown key `{key}`; a profile is called after its file" for key in OURS if key in found]
    return profile.model_copy(update={"name": path.stem, "mistakes": tuple(mistakes)})


def file_of(name: str) -> Path:
    """Where a profile of that name is written; raises UsageError for what is no name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
        raise UsageError(f"{one_line(name, 100)!r} is no name of a profile; use letters, digits, _ and -")
    return Path("monitor") / f"{name.removesuffix('.toml')}.toml"


def _found(name: str, folders: Sequence[Path]) -> Path:
    if name.endswith(".toml") or "/" in name:
        if not Path(name).is_file():
            raise NotFoundError(f"there is no profile {name}; write one with: backfill monitor init {Path(name).stem}")
        return Path(name)
    for folder in folders:
        if (path := folder / f"{name}.toml").is_file():
            return path
    there = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    known = f"there are {', '.join(there)}, or write" if there else "write"
    raise NotFoundError(f"there is no profile {one_line(name, 100)!r}; {known} one with: backfill monitor init NAME")
