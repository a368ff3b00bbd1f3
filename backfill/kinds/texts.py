"""Texts: whatever UTF-8 can say, but NUL."""

from typing import Any, Final

from backfill.kinds.kind import Kind

NAME_BYTES: Final = 63


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    found = "".join((value,))  # of a subclass, such as an enum's member, its text
    if "\0" in found:
        raise ValueError("it holds a NUL character, which PostgreSQL cannot store")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is no character") from None
    return found


def quick_text(values: list[Any]) -> list[str] | None:
    if set(map(type, values)) == {str}:
        joined = "".join(values)
        if "\0" not in joined:
            try:
                joined.encode()
            except UnicodeEncodeError:
                return None
            return values
    return None


def _name(value: Any) -> str:
    name = text(value)
    if len(name.encode()) > NAME_BYTES:
        raise ValueError(f"longer than {NAME_BYTES} bytes")
    return name


KINDS: Final = (
    Kind("text", "a str", text, quick_text, str),
    Kind("varchar", "a str", text, quick_text, str),
    Kind("bpchar", "a str", text, quick_text),
    Kind("name", "a str of at most 63 bytes", _name),
)
