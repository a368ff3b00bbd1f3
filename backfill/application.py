"""Find the user's definitions: `--app module` for all of a module's, `module:Class` for one."""

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from backfill import contract, partition_contract, required, texts
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.partition_backfill import PartitionBackfill

BASES: Final = (ColumnBackfill, PartitionBackfill)
Classes = dict[type[Definition], None]  # in their order, each once


def load(app: str) -> dict[str, Definition]:
    """Import the app and return its definitions by name; raises UsageError with what to correct.

    The current directory is importable, as for any command that is run in a project.
    """
    if not app:
        raise UsageError("no app given; pass --app module:Class or set BACKFILL_APP")
    module_name, _, class_name = app.partition(":")
    path = Path(module_name)
    if path.suffix == ".py" or "/" in module_name:
        raise UsageError(
            f"cannot import app {module_name!r}, which is a path; give the module's name where it can be imported: "
            f"--app {path.stem}"
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except UsageError:  # which says what to do
        raise
    except (Exception, SystemExit) as error:  # whatever the user's module raises while it is imported
        raise UsageError(f"cannot import app {module_name!r} ({_why(error)}); {_advice(module_name, error)}") from error
    if class_name:
        found: Any = getattr(module, class_name, None)
        if not _is_definition(found):
            raise UsageError(
                f"{app!r} is no ColumnBackfill or PartitionBackfill; {module_name} has {_names(module) or 'none'}"
            )
        return _by_name([_made(found)])
    classes: Classes = dict.fromkeys(value for value in vars(module).values() if _is_definition(value))
    if not classes:
        raise UsageError(f"module {module_name!r} has no ColumnBackfill or PartitionBackfill; pass --app module:Class")
    whole = [one for one in classes if not _is_base(one, classes)]
    return _by_name([_made(one) for one in whole or classes])


def one(definition: str | type[Definition] | Definition) -> Definition:
    """A definition out of Python: a class, an instance, or the name of an app that has one; raises UsageError."""
    if isinstance(definition, str):
        return pick(load(definition), None)
    if isinstance(definition, type) and _is_definition(definition):
        definition = _made(definition)
    if not isinstance(definition, BASES):
        raise UsageError(
            f"{texts.one_line(definition, 100)} is no definition: give a ColumnBackfill or PartitionBackfill, its "
            "class, or 'module:Class'"
        )
    return next(iter(_by_name([definition]).values()))


def pick(definitions: dict[str, Definition], name: str | None) -> Definition:
    """The definition of that name, or the only one there is."""
    if name is None and len(definitions) == 1:
        return next(iter(definitions.values()))
    known = ", ".join(definitions)
    if name is None:
        raise UsageError(f"the app has several backfills; name one of: {known}")
    if name not in definitions:
        raise UsageError(f"unknown backfill {name!r}; the app has: {known}")
    return definitions[name]


def rivals(definitions: Mapping[str, Definition], name: str | None = None) -> list[str]:
    """A sentence for each column that several definitions write, or that one of that name and others do."""
    writers: dict[tuple[str, str], list[str]] = {}
    for definition in definitions.values():
        if not isinstance(definition, ColumnBackfill):
            continue
        # As it is written: the same table under other names is not noticed.
        table = definition.table.replace('"', "").removeprefix("public.")
        for column in definition.columns:
            writers.setdefault((table, column), []).append(definition.name)
    return [
        f"{', '.join(names)} write the same column, {column} of {table}: the jobs of one overwrite what those of "
        "another wrote; run them one after the other"
        for (table, column), names in writers.items()
        if len(names) > 1 and (name is None or name in names)
    ]


def _is_definition(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BASES) and value not in BASES


def _is_base(kind: type[Definition], classes: Classes) -> bool:
    """Whether it is there for others to be made of: abstract, or without a name and with heirs."""
    has_heirs = any(issubclass(one, kind) and one is not kind for one in classes)
    return inspect.isabstract(kind) or (has_heirs and not getattr(kind, "name", ""))


def _names(module: object) -> str:
    return ", ".join(name for name, value in vars(module).items() if _is_definition(value))


def _made(kind: type[Definition]) -> Definition:
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(vars(kind)["__abstractmethods__"]))
        raise UsageError(f"{kind.__name__} is abstract: name a class that has {missing}")
    try:
        return kind()
    except UsageError:  # which says what to do
        raise
    except Exception as error:  # whatever the user's own __init__ raises
        raise UsageError(
            f"{kind.__name__} cannot be made ({_why(error)}): each process makes its own, without arguments; what "
            "differs from job to job is a parameter (class Parameters, and -P NAME=VALUE)"
        ) from error


def _why(error: BaseException) -> str:
    """What an import or a constructor raised, in a line."""
    if isinstance(error, SystemExit):
        return f"it ends the process: SystemExit {texts.clean(error)}"
    *_, (raised_in, _) = traceback.walk_tb(error.__traceback__)
    if isinstance(error, KeyError) and raised_in.f_globals.get("__name__") == os.__name__:
        return f"the environment variable {texts.clean(error)} is not set"
    if isinstance(error, ImportError):
        return texts.clean(error)
    return texts.in_a_line(error)


def _advice(module_name: str, error: BaseException) -> str:
    """What puts an import right: another name where there is no such module, else the module or what it needs."""
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module_name}.".startswith(f"{error.name}."):
        return "pass --app module:Class, where the module can be imported"
    return "correct the module, or install what it needs"


def _by_name(definitions: list[Definition]) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for definition in definitions:
        if isinstance(definition, ColumnBackfill):
            contract.need_whole(definition)
        elif isinstance(definition, PartitionBackfill):
            partition_contract.need_whole(definition)
        if definition.name in found:
            raise UsageError(f"two definitions are named {definition.name!r}; give each its own name")
        definition.fingerprint()  # of what was imported: the files may change while this process runs
        found[definition.name] = definition
    required.need_no_cycle(found)
    return found
