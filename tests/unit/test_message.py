"""Messages: what is encoded is decoded, is bounded, and anything else is refused with a reason."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill.errors import ContractError
from backfill.message import LISTED_BYTES, MAX_BODY_BYTES, PartitionMessage, decode
from backfill.modes import Mode

# As PostgreSQL's text holds them: anything but NUL, of any length, the empty one included.
IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1)
MESSAGES = st.builds(
    PartitionMessage,
    job_id=st.uuids(),
    backfill=st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
    mode=st.sampled_from(Mode),
    partition_key=st.integers(0, 999_999_999).map("{:09}".format),
    attempt=st.integers(0, 1000),
    ids=IDS.map(tuple),
)
FIELDS = ["version", "job", "backfill", "mode", "partition", "attempt", "count", "ids"]


JOB = UUID("164162b9-71cc-4918-9767-a7460d7e7cbc")


def of(*ids: str) -> PartitionMessage:
    return PartitionMessage(JOB, "counter", Mode.NULL, "000000001", 0, ids)


@given(MESSAGES)
def test_what_is_encoded_is_decoded(message: PartitionMessage) -> None:
    assert decode(message.encode()) == message
    shown = json.loads(message.encode())
    assert list(shown) == FIELDS
    assert shown["version"] == 1
    assert shown["count"] == len(message.ids)
    assert shown["ids"] == list(message.ids)


@given(MESSAGES)
def test_ids_are_for_people_and_not_received(message: PartitionMessage) -> None:
    assert decode(message.encode()).ids == ()


@given(st.binary())
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    refused_or_same(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_message_or_refused(value: Any) -> None:
    refused_or_same(json.dumps(value).encode())


@given(
    MESSAGES,
    st.sampled_from([*FIELDS, "first", "something else"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
)
def test_a_message_with_one_field_changed_is_a_message_or_refused(
    message: PartitionMessage, field: str, value: Any
) -> None:
    refused_or_same(json.dumps(json.loads(message.encode()) | {field: value}).encode())


def refused_or_same(body: bytes) -> None:
    try:
        message = decode(body)
    except ContractError:
        return
    assert decode(message.encode()) == message


@pytest.mark.parametrize(
    "changed", [{"ids": [1, None]}, {"ids": "none"}, {"count": -1}, {"first": 7}, {"later": {"more": []}}]
)
def test_what_a_worker_does_not_need_is_not_looked_at(changed: dict[str, Any]) -> None:
    message = of("1")
    assert decode(json.dumps(json.loads(message.encode()) | changed).encode()) == message


@pytest.mark.parametrize(
    "ids",
    [
        tuple(f"{number:032}" for number in range(10_000)),
        ("é" * 5_000, "🙂" * 5_000),
        ("x" * 3_000_000,),
        tuple("\n" * 300 for _ in range(50)),
        ("",) * 50_000,
    ],
)
def test_a_message_stays_small_whatever_the_ids_are(ids: tuple[str, ...]) -> None:
    message = of(*ids)
    body = message.encode()
    assert len(body) <= LISTED_BYTES
    assert decode(body) == message
    shown = json.loads(body)
    assert list(shown) == [*FIELDS[:-1], "first", "last"]
    assert shown["count"] == len(ids)
    for name, key in ("first", ids[0]), ("last", ids[-1]):
        assert shown[name] == key or (len(shown[name]) == 200 and shown[name].endswith("…")), shown[name]


def test_ids_are_listed_up_to_sixteen_kibibytes_of_body() -> None:
    room = LISTED_BYTES - len(of("").encode())
    full = of("x" * room).encode()
    assert len(full) == LISTED_BYTES
    assert "ids" in json.loads(full)
    assert "ids" not in json.loads(of("x" * (room + 1)).encode())


def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not() -> None:
    with pytest.raises(ContractError, match="Invalid JSON"):
        decode(b"{" + b" " * (MAX_BODY_BYTES - 1))
    with pytest.raises(ContractError, match="oversized"):
        decode(b"{" + b" " * MAX_BODY_BYTES)


def test_a_reason_says_where_and_does_not_repeat_the_input() -> None:
    with pytest.raises(ContractError) as refused:
        decode(json.dumps({"version": 2, "job": "hunter2"}).encode())
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith("version: ")
