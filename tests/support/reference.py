"""The parts of docs/reference.md that come from the code: commands, options, settings.

`python -m tests.support.reference` writes them between their markers; a test fails while they are out of date.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from backfill import settings
from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from backfill.workers.command import main as worker

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
PROGRAMS = {
    "backfill-queue": queue,
    "backfill-worker": worker,
    "backfill": backfill,
}
SHARED = 3  # an option that means the same in so many commands of a group is explained once
EVERYWHERE = frozenset({"help", "version"})


def updated(text: str) -> str:
    """The page's text with its generated parts as the code is now."""
    for marker, content in (("commands", _commands()), ("settings", _settings())):
        block = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
        text, found = block.subn(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
        assert found == 1, f"{PAGE.name} needs one <!-- {marker} --> … <!-- /{marker} -->"
    return text


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, under the name it is typed with."""
    for program, command in PROGRAMS.items():
        yield from _leaves(program, command)


def options(command: click.Command) -> list[click.Option]:
    """The options of a command, but not those that every command has."""
    return [one for one in command.params if isinstance(one, click.Option) and one.name not in EVERYWHERE]


def _leaves(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield name, command
    if not isinstance(command, click.Group):
        return
    context = click.Context(command)
    for child_name in command.list_commands(context):
        child = command.get_command(context, child_name)
        assert child is not None
        yield from _leaves(f"{name} {child_name}", child)


def _commands() -> str:
    parts = []
    for program, command in PROGRAMS.items():
        lines = _group(program, command) if isinstance(command, click.Group) else _single(program, command)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _single(name: str, command: click.Command) -> Iterator[str]:
    yield f"**`{_usage(name, command)}`** {_help(command)}"
    yield ""
    yield "| option | meaning |"
    yield "|---|---|"
    for option in options(command):
        yield f"| `{_shown(option)}` | {_meaning(option)} |"


def _group(name: str, group: click.Group) -> Iterator[str]:
    members = list(_leaves(name, group))
    times = Counter((_shown(option), _meaning(option)) for _, command in members for option in options(command))
    shared = {key: None for key, count in times.items() if count >= SHARED}
    yield f"| `{name} …` | what it does |"
    yield "|---|---|"
    for full_name, command in members:
        own = [option for option in options(command) if (_shown(option), _meaning(option)) not in shared]
        also = [f"`{_shown(option)}`" for option in options(command) if option not in own]
        text = " ".join([_help(command), *(f"`{_shown(option)}`: {_meaning(option)}" for option in own)])
        text += f" Also {', '.join(also)}." if also else ""
        yield f"| `{_usage(full_name.removeprefix(name).strip(), command)}` | {text} |"
    if shared:
        yield ""
        yield " ".join(f"`{shown}`: {meaning}" for shown, meaning in shared).replace("\\|", "|")


def _usage(name: str, command: click.Command) -> str:
    context = click.Context(command)
    arguments = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
    return " ".join([name, *arguments])


def _help(command: click.Command) -> str:
    """The first sentence or two, as --help begins."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def _shown(option: click.Option) -> str:
    kind: Any = option.type
    if option.is_flag:
        value = ""
    elif isinstance(kind, click.Choice):
        value = "\\|".join(kind.choices)
    elif option.metavar:
        value = option.metavar
    else:
        value = {"integer range": "N", "float range": "N", "integer": "N", "path": "PATH", "directory": "PATH"}.get(
            kind.name, kind.name.upper()
        )
    return f"{option.opts[0]} {value}".strip()


def _meaning(option: click.Option) -> str:
    text = re.sub(r"\s*\[(default|env var): ([^]]*)\]", r" (\1: `\2`)", option.help or "").strip()
    if option.show_default and option.default is not None:
        text += f" (default: `{option.default}`)"
    return text


def _settings() -> str:
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |"
        for _, name, default, meaning in settings.described()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
