"""Messages: what is encoded is decoded, and anything else is refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill.errors import ContractError
from backfill.message import MAX_BODY_BYTES, PartitionMessage, decode
from backfill.modes import Mode
from backfill.publisher import partition_message

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), min_size=1, unique=True)
MESSAGES = st.builds(
    PartitionMessage,
    job=st.uuids(),
    backfill=st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
    mode=st.sampled_from(Mode),
    partition=st.integers(0, 999_999_999).map("{:09}".format),
    attempt=st.integers(0, 1000),
    ids=IDS.map(tuple),
)


@given(MESSAGES)
def test_what_is_encoded_is_decoded(message: PartitionMessage) -> None:
    assert decode(message.encode()) == message


@given(MESSAGES)
def test_a_message_made_from_a_ledger_row_is_the_same_as_a_validated_one(message: PartitionMessage) -> None:
    made = partition_message(
        message.job, message.backfill, message.mode.value, message.partition, message.attempt, message.ids
    )
    assert made.encode() == message.encode()


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
    st.sampled_from(sorted(PartitionMessage.model_fields)),
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
    assert message.version == 1
    assert type(message.version) is int
    assert len(set(message.ids)) == len(message.ids) > 0


def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not() -> None:
    with pytest.raises(ContractError, match="Invalid JSON"):
        decode(b"{" + b" " * (MAX_BODY_BYTES - 1))
    with pytest.raises(ContractError, match="oversized"):
        decode(b"{" + b" " * MAX_BODY_BYTES)


def test_a_reason_says_where_and_does_not_repeat_the_input() -> None:
    with pytest.raises(ContractError) as refused:
        decode(json.dumps({"version": 1, "secret": "hunter2"}).encode())
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith(("job: ", "secret: "))
