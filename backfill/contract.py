"""What a class must be to be a definition: refused in one line, with what to correct."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from backfill import computing, required
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.limit import NAME, Limit
from backfill.texts import clean

HOOKS: Final = {
    "before_job": ("a connection", "the job"),
    "after_partition": ("a partition",),
    "throttle": ("a connection",),
}
SETTING: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
# What each method is called with, besides the definition itself.
CALLED_WITH: Final = {
    "compute": ("the loaded row",),
    "compute_many": ("the loaded rows",),
    "load": ("a connection", "the keys"),
    "warnings": ("a connection",),
    "finish": ("a connection", "the job"),
}


def need_whole(definition: ColumnBackfill) -> None:
    """Raise UsageError for what is missing, of another type, or cannot be called as it will be."""
    title = type(definition).__name__
    for attribute in ("name", "table", "key", "columns"):
        if not getattr(definition, attribute, None):
            raise UsageError(f"{title} sets no {attribute!r}; see `ColumnBackfill` for what a definition needs")
    for attribute in ("name", "table", "target", "where", "inputs", "inputs_version"):
        if not isinstance(getattr(definition, attribute), str):
            kind = type(getattr(definition, attribute)).__name__
            raise UsageError(f"{title}.{attribute} is {kind}: give a str")
    for attribute in ("columns", "version", "reads"):
        need_names(title, attribute, getattr(definition, attribute))
    if not isinstance(definition.key, str):
        need_names(title, "key", definition.key)
    for attribute, names in (("key", definition.key_columns), ("columns", definition.columns)):
        if len(set(names)) < len(names):
            raise UsageError(f"{title}.{attribute} names a column twice: {getattr(definition, attribute)!r}")
    _need_methods(definition)
    need_common(definition)


def need_common(definition: Definition) -> None:
    """What every definition must have; those that follow may rely on it."""
    title = type(definition).__name__
    model: Any = definition.Parameters
    if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise UsageError(f"{title}.Parameters is no pydantic model: write class Parameters(BaseModel)")
    required.need_fitting(definition)
    _need_settings(definition)
    need_callable(definition, HOOKS)
    for name in HOOKS:
        if not inspect.iscoroutinefunction(getattr(definition, name)):
            raise UsageError(f"{title}.{name} is no coroutine function: write it with async def")
    if not isinstance(inspect.getattr_static(definition, "limit"), property):  # else once it has a job's parameters
        need_limit(definition)
    if not NAME.fullmatch(definition.name):
        raise UsageError(
            f"{title}.name {definition.name!r} is part of queue names: use lower-case letters, digits and _, at most 40"
        )


def need_limit(definition: Definition) -> Limit | None:
    """Its limit, which may depend on its parameters; raises UsageError for what is none."""
    title = type(definition).__name__
    try:
        limit: Any = definition.limit
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{title}.limit cannot be read: {type(error).__name__}: {clean(error, 200)}") from None
    if limit is not None and not isinstance(limit, Limit):
        raise UsageError(f"{title}.limit is {type(limit).__name__}: give a Limit, such as Limit(rate=5), or None")
    return limit


def need_names(title: str, attribute: str, names: Any) -> None:
    if isinstance(names, str):
        raise UsageError(f"{title}.{attribute} must be a tuple: write ({names!r},)")
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{title}.{attribute} must be a tuple of names, not {names!r}")


def _need_methods(definition: ColumnBackfill) -> None:
    title, kind = type(definition).__name__, type(definition)
    if not definition.inputs and kind.load is ColumnBackfill.load:
        raise UsageError(f"{title} has neither `inputs` nor `load`: give the query that loads what `compute` needs")
    computing.need_fitting(definition)
    if inspect.isasyncgenfunction(definition.load):
        raise UsageError(f"{title}.load yields rows one by one: return a list of them")
    need_callable(definition, CALLED_WITH)


def need_callable(definition: Definition, called_with: Mapping[str, tuple[str, ...]]) -> None:
    """Raise UsageError for a method that cannot be called with these."""
    title = type(definition).__name__
    for name, arguments in called_with.items():
        method = getattr(definition, name)
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            raise UsageError(f"{title}.{name} is called with {' and '.join(arguments)}: {error}") from None
        except ValueError:  # nobody knows what it takes
            continue


def _need_settings(definition: Definition) -> None:
    title = type(definition).__name__
    settings: Any = definition.settings
    if not isinstance(settings, Mapping):
        raise UsageError(f"{title}.settings is {type(settings).__name__}: give a dict of str")
    for name, value in settings.items():
        if not isinstance(name, str) or not SETTING.fullmatch(name):
            raise UsageError(
                f"{title}.settings names {name!r}: only settings of an application's own can be set, such as "
                "app.organisation"
            )
        if not isinstance(value, str):
            raise UsageError(f"{title}.settings[{name!r}] is {type(value).__name__}: give a str, {str(value)!r}")
