"""Find the user's definitions: `--app module` for all of a module's, `module:Class` for one."""

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from backfill.definition import ColumnBackfill
from backfill.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SETTING = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


def load(app: str) -> dict[str, ColumnBackfill]:
    """Import the app and return its definitions by name; raises UsageError with what to correct.

    The current directory is importable, as for any command that is run in a project.
    """
    if not app:
        raise UsageError("no app given; pass --app module:Class or set BACKFILL_APP")
    module_name, _, class_name = app.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the user's module raises while it is imported
        why = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise UsageError(f"cannot import app {module_name!r} ({why}); pass --app module:Class") from error
    if class_name:
        found: Any = getattr(module, class_name, None)
        if not _is_definition(found):
            raise UsageError(f"{app!r} is no ColumnBackfill class; {module_name} has {_names(module) or 'none'}")
        return _by_name([found()])
    classes = [value for value in vars(module).values() if _is_definition(value)]
    if not classes:
        raise UsageError(f"module {module_name!r} has no ColumnBackfill class; pass --app module:Class")
    return _by_name([found() for found in dict.fromkeys(classes)])


def pick(definitions: dict[str, ColumnBackfill], name: str | None) -> ColumnBackfill:
    """The definition of that name, or the only one there is."""
    if name is None and len(definitions) == 1:
        return next(iter(definitions.values()))
    known = ", ".join(definitions)
    if name is None:
        raise UsageError(f"the app has several backfills; name one of: {known}")
    if name not in definitions:
        raise UsageError(f"unknown backfill {name!r}; the app has: {known}")
    return definitions[name]


def _is_definition(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, ColumnBackfill) and value is not ColumnBackfill


def _names(module: object) -> str:
    return ", ".join(name for name, value in vars(module).items() if _is_definition(value))


def _by_name(definitions: list[ColumnBackfill]) -> dict[str, ColumnBackfill]:
    found: dict[str, ColumnBackfill] = {}
    for definition in definitions:
        title = type(definition).__name__
        for attribute in ("name", "table", "key", "columns"):
            if not getattr(definition, attribute, None):
                raise UsageError(f"{title} sets no {attribute!r}; see `ColumnBackfill` for what a definition needs")
        if isinstance(definition.columns, str):
            raise UsageError(f"{title}.columns must be a tuple: write ({definition.columns!r},)")
        if len(set(definition.key_columns)) < len(definition.key_columns):
            raise UsageError(f"{title}.key names a column twice: {definition.key!r}")
        _check_methods(definition)
        _check_settings(definition)
        if not NAME.fullmatch(definition.name):
            raise UsageError(
                f"{title}.name {definition.name!r} is part of queue names: use lower-case letters, digits and _, "
                "at most 40"
            )
        if definition.name in found:
            raise UsageError(f"two definitions are named {definition.name!r}; give each its own name")
        found[definition.name] = definition
    return found


def _check_methods(definition: ColumnBackfill) -> None:
    title, kind = type(definition).__name__, type(definition)
    if not definition.inputs and kind.load is ColumnBackfill.load:
        raise UsageError(f"{title} has neither `inputs` nor `load`: give the query that loads what `compute` needs")
    if kind.compute is ColumnBackfill.compute:
        raise UsageError(f"{title} has no `compute`: write the function from a loaded row to the new values")
    if inspect.iscoroutinefunction(definition.compute) or inspect.isasyncgenfunction(definition.compute):
        raise UsageError(f"{title}.compute is async: make it a plain function, and await what it needs in `load`")
    if inspect.isasyncgenfunction(definition.load):
        raise UsageError(f"{title}.load yields rows one by one: return a list of them")


def _check_settings(definition: ColumnBackfill) -> None:
    title = type(definition).__name__
    for name, value in definition.settings.items():
        if not SETTING.fullmatch(name):
            raise UsageError(
                f"{title}.settings names {name!r}: only settings of an application's own can be set, such as "
                "app.organisation"
            )
        if not isinstance(value, str):
            raise UsageError(f"{title}.settings[{name!r}] is {type(value).__name__}: give a str, {str(value)!r}")
