"""Keep what can be used of what a file says, and say of the rest what is wrong with it."""

import difflib
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from backfill.monitor.profile import OURS
from backfill.texts import counted, one_line

M = TypeVar("M", bound=BaseModel)
Path = tuple[int | str, ...]

SHOWN: Final = 50  # mistakes
LIKE: Final = 0.5  # how near an unknown word has to be to one that there is


def kept(model: type[M], found: dict[str, Any]) -> tuple[M, list[str]]:
    """The model of what is right in it, and a sentence for each key or entry that was left out.

    Entries are what stands in a list that is a value of `found`; the model itself needs no key.
    """
    rest = _copied(found)
    numbers = {key: [*range(1, len(value) + 1)] for key, value in rest.items() if isinstance(value, list)}
    said: list[str] = []
    while True:
        try:
            made = model.model_validate(rest)
        except ValidationError as error:
            wrong = {_within(rest, one["loc"]): one for one in reversed(error.errors())}
            said += [_sentence(model, path, wrong[path], numbers) for path in sorted(wrong, key=_order)]
            # From behind: what is still to be left out keeps its place.
            for path in sorted({_holder(model, path) for path in wrong}, key=_order, reverse=True):
                _leave_out(rest, path, numbers)
        else:
            more = len(said) - SHOWN
            return made, said if more <= 0 else [*said[:SHOWN], f"and {counted(more, 'mistake')} more"]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def _within(rest: Any, loc: Path) -> Path:
    """The part of a place that can be left out: not what is missing, a branch of a union, or a part of a value."""
    value = rest
    for depth, part in enumerate(loc):
        is_there = part in value if isinstance(value, dict) else isinstance(value, list) and depth == 1
        if not is_there:
            return loc[:depth]
        value = value[part]
    return loc


def _holder(model: type[BaseModel], path: Path) -> Path:
    """What is left out for a mistake at the path: the whole entry, where it needs what stands there."""
    if len(path) < 3 or not isinstance(path[1], int):
        return path
    inner = _model(model, path[:-1]).model_fields.get(str(path[-1]))
    return path[:-1] if inner is not None and inner.is_required() else path


def _leave_out(rest: Any, path: Path, numbers: dict[str, list[int]]) -> None:
    holder = rest
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    if isinstance(holder, list):
        del numbers[str(path[0])][int(path[-1])]


def _sentence(model: type[BaseModel], path: Path, error: Any, numbers: dict[str, list[int]]) -> str:
    where = ".".join(str(numbers[str(path[0])][part]) if isinstance(part, int) else one_line(part, 80) for part in path)
    if error["type"] == "extra_forbidden":
        holder, _, key = where.rpartition(".")
        inner = _model(model, path[:-1])
        there = [name for name in inner.model_fields if inner is not model or name not in OURS]
        return f"{holder + ': ' if holder else ''}unknown key `{key}`; {_meant(str(path[-1]), there)}"
    if error["type"] == "missing":
        return f"{where}: {error['loc'][-1]} is missing; it was left out"
    if error["type"] in ("enum", "literal_error") and isinstance(error["input"], str):
        there = re.findall(r"'(\w+)'", error["ctx"]["expected"])
        return f"{where}: unknown word {one_line(error['input'], 80)!r}; {_meant(error['input'], there)}"
    return f"{where}: {one_line(error['msg'].removeprefix('Value error, '), 300)}; it was left out"


def _meant(word: str, there: list[str]) -> str:
    near = difflib.get_close_matches(word, there, 1, LIKE)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(there)}"


def _model(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model of what stands at the path."""
    inner: Any = model
    for part in path:
        if isinstance(part, str):
            kind = inner.model_fields[part].annotation
            inner = next(one for one in (kind, *getattr(kind, "__args__", ())) if hasattr(one, "model_fields"))
    return inner  # type: ignore[no-any-return]
