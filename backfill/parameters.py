"""The parameters of a definition: given as NAME=VALUE, checked by its model, kept with the job as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from backfill import texts
from backfill.contract import need_limit
from backfill.definition import Definition
from backfill.errors import UsageError

MOST: Final = 10_000  # characters of all of a job's parameters: they are read with it, and shown
MOST_SHOWN: Final = 100  # of a value that is refused

AnyDefinition = TypeVar("AnyDefinition", bound=Definition)


def given(definition: AnyDefinition, pairs: Sequence[str]) -> AnyDefinition:
    """The definition with parameters as somebody typed them; raises UsageError with what to correct."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(f"-P {texts.clean(pair, MOST_SHOWN)}: write NAME=VALUE, such as -P factor=7")
        if name in found:
            raise UsageError(f"-P {name} is given twice; give each parameter once")
        if not texts.is_fit(value):
            raise UsageError(f"-P {name}={texts.clean(value, MOST_SHOWN)} has a character that cannot be stored")
        found[name] = value
    model = _model(definition, found)
    if model is None:
        need_limit(definition)
        return definition
    try:
        checked = _checked(model, found)
    except _RefusedError as refused:
        # What is no text, such as a list or null, is written as JSON.
        again = found | {name: json.loads(found[name]) for name in refused.names if _is_json(found.get(name))}
        try:
            checked = _checked(model, again)
        except _RefusedError as still:
            raise UsageError(f"parameters of {definition.name}: {still}; give each with -P NAME=VALUE") from None
    changed = definition.with_parameters(checked)
    stored(changed)
    need_limit(changed)
    return changed


def chosen(definition: AnyDefinition, values: Mapping[str, Any]) -> AnyDefinition:
    """The definition with parameters as a program gives them; raises UsageError with what to correct."""
    model = _model(definition, values)
    if model is None:
        return definition
    try:
        changed = definition.with_parameters(model.model_validate(dict(values)))
    except ValidationError as error:
        raise UsageError(f"parameters of {definition.name}: {_line(_told(error))}") from None
    stored(changed)
    return changed


def of_job(definition: AnyDefinition, found: Mapping[str, Any]) -> AnyDefinition:
    """The definition with the parameters of a job; raises UsageError where its model cannot read them."""
    model = _model(definition, found)
    if model is None:
        return definition
    try:
        return definition.with_parameters(_checked(model, found))
    except _RefusedError as refused:
        raise UsageError(
            f"the job's parameters ({shown(found)}) are none of {definition.name} any more: {refused}"
        ) from None


def stored(definition: Definition) -> dict[str, Any]:
    """The parameters as a job keeps them; raises UsageError for a value that would not come back the same."""
    parameters = definition.parameters
    if not isinstance(parameters, BaseModel):
        return {}
    try:
        text = parameters.model_dump_json(by_alias=True)
        is_same = type(parameters).model_validate_json(text) == parameters
    except ValueError as error:  # pydantic's own are such
        text, is_same = str(error), False
    if not is_same:
        raise UsageError(
            f"the parameters of {definition.name} do not come back from JSON as they were ({_line(text)}); they are "
            "stored with the job and shown to everybody: give plain values, and no secrets"
        )
    if len(text) > MOST:
        raise UsageError(
            f"the parameters of {definition.name} are {len(text):,} characters long, more than {MOST:,}; put what is "
            "large into a table"
        )
    found: dict[str, Any] = json.loads(text)
    return found


def have_defaults(definition: Definition) -> bool:
    """Whether the definition can be used without a job's parameters."""
    try:
        return definition.parameters is not None or definition.Parameters is None
    except ValidationError:
        return False


def decoded(value: Any) -> dict[str, Any]:
    """The parameters of a job's row; a session of a worker has read the JSON already."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


def shown(found: Mapping[str, Any]) -> str:
    """For people: factor=7, since=2024-01-01."""
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in found.items()
    )


class _RefusedError(Exception):
    """The model does not take these values."""

    def __init__(self, text: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(text)
        self.names = names


def _model(definition: Definition, found: Mapping[str, Any]) -> type[BaseModel] | None:
    """The model, which has all the names that were given."""
    model = definition.Parameters
    known = [] if model is None else [name for one, field in model.model_fields.items() for name in {one, field.alias}]
    unknown = [name for name in found if name not in known]
    if unknown and (model is None or model.model_config.get("extra") != "allow"):
        has = f"it has: {', '.join(map(str, filter(None, known)))}" if known else "it has none"
        raise UsageError(
            f"{definition.name} has no parameter {', '.join(texts.clean(name, MOST_SHOWN) for name in unknown)}; {has}"
        )
    return model


def _checked(model: type[BaseModel], found: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate_json(json.dumps(found))
    except ValidationError as error:
        names = frozenset(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise _RefusedError(_line(_told(error)), names) from None
    except Exception as error:  # whatever a validator of the user's raises
        raise _RefusedError(_line(texts.in_a_line(error))) from None


def _told(error: ValidationError) -> str:
    errors = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in errors)


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return False
    return True


def _line(text: str) -> str:
    return " ".join(texts.clean(text).split())
