"""A profile as the text of its file, with comments that say what else may stand there."""

import json
import re
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from backfill.monitor.profile import OURS, SECTIONS, Limits, Profile
from backfill.texts import one_line

PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
HEAD: Final = """\
# What `backfill monitor --profile {name}` looks at, and what is healthy there.
# It is read at each look, never written: correct whatever is not so.
"""
MORE: Final = {
    "total": "# total = 1000000       # units there will be in the end, where no source tells",
    "workers": "# workers = 24          # how many there should be",
    "stuck_after": '# stuck_after = "10m"   # without progress for so long it is stuck',
    "timezone": '# timezone = "UTC"      # of times that do not say theirs',
    "patterns": "# [patterns]             # regular expressions in place of ours, or of a name of your own\n"
    "# error = '(?i)\\berror\\b'",
    "log": "# [[log]]\n# path = \"logs/*.log\"   # the newest of them; all = true: every one",
    "sql": '# [[sql]]                # the URL is in the environment variable that database names\n'
    '# table = "items"        # or query = "SELECT count(*) AS rows FROM items"\n'
    '# newest = "created_at"  # and range, group, value: columns of it',
    "command": '# [[command]]            # a program that prints a number, or JSON\n'
    '# run = "wc -l output/*.csv"\n# measures = "rows"',
    "process": '# [[process]]            # words of its command line, or pid_file\n# name = "load.js"',
    "target": '# [[target]]\n# address = "db.example.com:5432"',
    "job": '# [[job]]                # of ours: an id, or the latest\n# id = "latest"',
}  # fmt: skip


def text(profile: Profile) -> str:
    """TOML that reads back as the profile; what it leaves open stands there as a comment."""
    given = profile.model_dump(exclude_defaults=True, exclude=set(OURS))
    lines = [HEAD.format(name=one_line(profile.name or "NAME", 100)), f"title = {_value(profile.title)}"]
    for key, value in given.items():
        if key not in (*SECTIONS, "title", "limits", "patterns"):
            lines.append(f"{key} = {_value(value)}")
    lines += [MORE[key] for key in ("total", "workers", "stuck_after", "timezone") if key not in given]
    lines += ["", *_limits(profile.limits)]
    lines += ["", *(_table("[patterns]", given["patterns"]) if "patterns" in given else [MORE["patterns"]])]
    for section in SECTIONS:
        sources: list[BaseModel] = getattr(profile, section)
        for source in sources:
            lines += ["", *_table(f"[[{section}]]", source.model_dump(exclude_defaults=True))]
        if not sources:
            lines += ["", MORE[section]]
    return "\n".join(lines) + "\n"


def _limits(limits: Limits) -> list[str]:
    """All of them, those that are as they always are as comments."""
    lines = ["[limits]"]
    defaults = Limits()
    for key, value in limits.model_dump().items():
        if value != getattr(defaults, key):
            lines.append(f"{key} = {_value(value)}")
        elif value is not None:
            lines.append(f"# {key} = {_value(value)}")
    return lines


def _table(head: str, values: dict[str, Any]) -> list[str]:
    return [head, *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]


def _key(key: str) -> str:
    return key if PLAIN.fullmatch(key) else _quoted(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _quoted(str(value.value))
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(int(value)) if isinstance(value, float) and value == int(value) and abs(value) < 1e15 else repr(value)


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, which wants DEL escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
