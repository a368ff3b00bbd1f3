"""What a definition is made of, in a few digits: the same in every process that has the same code.

Covered are the attributes that a definition declares, the source of its class and of its bases, and what these mention
by name, directly or through one another, in modules of the same top-level package: functions, classes (its Parameters,
for one) and plain constants by their values. Not covered are what is reached as an attribute of a module
(`pricing.factor`), installed packages, queries that a function reads from files, data, and `requires`: when a job may
begin is not what it computes.
"""

import ast
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Final
from uuid import UUID

# Of two ways to take a fingerprint, what the one gave says nothing to the other.
SCHEME: Final = "2-"
OWN: Final = __name__.partition(".")[0]
NOT_COVERED: Final = "requires"
PLAIN: Final = (bool, int, float, complex, str, bytes, Decimal, Fraction, date, time, timedelta, UUID, type(None))


def fingerprint(definition: object, declared: Mapping[str, Any]) -> str:
    """The scheme and 16 hex digits."""
    bases = [one for one in type(definition).__mro__ if _root(one) not in {OWN, *sys.stdlib_module_names, "builtins"}]
    parts = _Parts({_root(one) for one in bases}, bases)
    for base in bases:
        parts.add(base)
    values = sorted((name, _text(value)) for name, value in declared.items())
    whole = repr((values, sorted(parts.texts.items())))
    return SCHEME + hashlib.sha256(whole.encode()).hexdigest()[:16]


def is_comparable(stored: str) -> bool:
    """Whether a job's hash was taken in this way: by an older program it was not, and for a retry it is left open."""
    return stored.startswith(SCHEME)


class _Parts:
    """Sources and constants by their full names."""

    def __init__(self, roots: Iterable[str], bases: Iterable[type]) -> None:
        self._roots = frozenset(roots)
        self._bases = frozenset(bases)
        self.texts: dict[str, str] = {}

    def add(self, part: Any) -> None:
        """A class or function, and what it mentions."""
        name = f"{part.__module__}.{part.__qualname__}"
        if name in self.texts:
            return
        is_base = part in self._bases
        self.texts[name] = _without(_source(part), NOT_COVERED) if is_base else _source(part)
        if isinstance(part, FunctionType):
            self._add_mentioned(part)
            return
        for attribute, value in sorted(vars(part).items()):
            if function := _function(value):
                self._add_mentioned(function)
            elif not attribute.startswith("__") and not (is_base and attribute == NOT_COVERED):
                self._add_value(f"{name}.{attribute}", value)

    def _add_mentioned(self, function: FunctionType) -> None:
        for name in sorted(set(_names(function.__code__))):
            if name in function.__globals__:
                # A stand-in for something that is not there yet answers in its own way.
                with suppress(Exception):
                    self._add_value(f"{function.__module__}.{name}", function.__globals__[name])

    def _add_value(self, name: str, value: Any) -> None:
        if (found := _function(value) or value) and isinstance(found, type | FunctionType):
            if _root(found) in self._roots:
                self.add(found)
        elif (text := _text(found)) is not None:
            self.texts[name] = text


def _names(code: CodeType) -> Iterator[str]:
    """Every name that a function's code looks up, in functions within it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _function(value: Any) -> FunctionType | None:
    """The plain function behind a method, a property or a decorator that says what it wraps."""
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    found = None if isinstance(value, type) or not callable(value) else inspect.unwrap(value)
    return found if isinstance(found, FunctionType) else None


def _root(part: Any) -> str:
    return str(part.__module__).partition(".")[0]


def _source(part: Any) -> str:
    try:
        return _block(part) if isinstance(part, type) else inspect.getsource(part)
    except (OSError, TypeError, SyntaxError):  # defined at a prompt or generated: the rest must do
        return ""


def _block(kind: type) -> str:
    """The source of a class.

    That of `inspect` parses the whole file for each, and not twice at once: threads and finalizers may be in each
    other's way.
    """
    module: Any = sys.modules.get(kind.__module__)
    lines, _ = inspect.findsource(module)
    heads = [n for n, line in enumerate(lines) if re.match(rf"\s*class\s+{kind.__name__}\b", line)]
    own = [
        function.__code__.co_firstlineno
        for value in vars(kind).values()
        if (function := _function(value)) and function.__qualname__.startswith(f"{kind.__qualname__}.")
    ]
    # Of several with that name, the one that is nearest before the first line of a method.
    heads = [n for n in heads if own and n < min(own)][-1:] or heads
    return "".join(inspect.getblock(lines[heads[0] :])) if heads else ""


def _without(block: str, attribute: str) -> str:
    """The source of a class as it would be without this attribute."""
    if attribute not in block:
        return block
    try:
        (kind,) = ast.parse(textwrap.dedent(block)).body
    except (SyntaxError, ValueError):  # of no class alone
        return block
    lines = block.splitlines(keepends=True)
    for node in reversed(getattr(kind, "body", [])):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(one, ast.Name) and one.id == attribute for one in targets):
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def _text(value: Any) -> str | None:
    """A constant's text, alike in every process; None for what is no constant."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, re.Pattern):
        return repr((value.pattern, value.flags))
    if isinstance(value, dict):
        return _joined("{}", sorted(f"{_text(key)}: {_text(one)}" for key, one in value.items()))
    if isinstance(value, set | frozenset):
        return _joined("{}", sorted(str(_text(one)) for one in value))
    if isinstance(value, tuple | list):
        return _joined("()", [str(_text(one)) for one in value])
    return None


def _joined(brackets: str, texts: Iterable[str]) -> str:
    return brackets[0] + ", ".join(texts) + brackets[1]
