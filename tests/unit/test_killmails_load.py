"""Lines of killmail and price files: what is read out of good ones, and what is said about bad ones."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from backfill.errors import UsageError
from backfill.examples.killmails import reading
from backfill.examples.killmails.esi import BadLineError, parse
from backfill.examples.killmails.reading import FileError, lines

KILLMAIL: dict[str, Any] = {
    "attackers": [{"final_blow": True}],
    "killmail_hash": "0f",
    "killmail_id": 101,
    "killmail_time": "2024-05-01T10:20:30Z",
    "solar_system_id": 30000142,
    "victim": {"character_id": 7, "damage_taken": 12, "position": {"x": 1.5}, "ship_type_id": 587},
}
ITEM: dict[str, Any] = {"flag": 5, "item_type_id": 34, "quantity_destroyed": 3, "singleton": 0}


def _line(items: list[Any] | None = None, **changes: Any) -> bytes:
    victim = KILLMAIL["victim"] if items is None else {**KILLMAIL["victim"], "items": items}
    return json.dumps({**KILLMAIL, "victim": victim, **changes}).encode()


def test_a_killmail_without_items() -> None:
    killmail, items = parse(_line())

    assert (killmail.killmail_id, killmail.solar_system_id, killmail.victim.ship_type_id) == (101, 30000142, 587)
    assert killmail.killmail_time.isoformat() == "2024-05-01T10:20:30+00:00"
    assert items == []


def test_containers_are_flattened_in_order_at_any_depth() -> None:
    inner = {**ITEM, "item_type_id": 3}
    box = {**ITEM, "item_type_id": 2, "items": [inner, {**ITEM, "item_type_id": 4}]}
    _, items = parse(_line([{**ITEM, "item_type_id": 1, "items": [box]}, {**ITEM, "item_type_id": 5}]))

    assert [item.item_type_id for item in items] == [1, 2, 3, 4, 5]

    nested: dict[str, Any] = ITEM
    for _ in range(300):
        nested = {**ITEM, "items": [nested]}
    assert len(parse(_line([nested]))[1]) == 301


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff{}", "not UTF-8 at byte 1"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "cannot be read"),
        (b"9" * 5_000, "cannot be read"),
        (_line(killmail_id="101"), "killmail_id: Input should be a valid integer"),
        (_line(killmail_id=2**63), "killmail_id: Input should be less than"),
        (_line(killmail_time="yesterday"), "killmail_time: "),
        (_line(killmail_time="2024-05-01T10:20:30"), "killmail_time: Input should have timezone info"),
        (_line(killmail_time="0001-01-01T00:00:00+14:00"), "killmail_time: "),
        (_line(victim=None), "victim: "),
        (b"{}", r"killmail_id: Field required \(and 3 more\)"),
        (_line([1]), "Item: "),
        (_line([{**ITEM, "quantity_destroyed": -1}]), "quantity_destroyed: "),
        (_line([{**ITEM, "items": [{**ITEM, "quantity_destroyed": None}]}]), "Item: neither quantity_dropped nor"),
    ],
)
def test_a_bad_line_says_what_is_wrong(line: bytes, reason: str) -> None:
    with pytest.raises(BadLineError, match=reason):
        parse(line)


@pytest.mark.parametrize("name", ["plain.jsonl", "packed.jsonl.gz", "packed.jsonl"])
def test_lines_are_numbered_from_one_and_blank_ones_left_out(tmp_path: Path, name: str) -> None:
    content = b"one\n\n  \r\nfour"
    (tmp_path / name).write_bytes(gzip.compress(content) if "packed" in name else content)

    assert list(lines(tmp_path / name, _unexpected)) == [(1, b"one\n"), (4, b"four")]


def test_a_line_that_never_ends_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST", 8)
    (tmp_path / "file").write_bytes(b"1234567\n" + b"x" * 50 + b"\nlast\n" + b"y" * 9)
    reported: list[tuple[int, str]] = []

    read = list(lines(tmp_path / "file", lambda number, why: reported.append((number, why))))

    assert read == [(1, b"1234567\n"), (3, b"last\n")]
    assert reported == [(2, "longer than 8 bytes"), (4, "longer than 8 bytes")]


def test_a_damaged_archive_gives_its_lines_and_then_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"line %d\n" % number for number in range(10_000)))
    (tmp_path / "half.gz").write_bytes(whole[: len(whole) // 2])
    read: list[tuple[int, bytes]] = []

    with pytest.raises(FileError, match=r"half\.gz is damaged after line \d+"):
        read.extend(lines(tmp_path / "half.gz", _unexpected))
    assert len(read) > 100


def test_files_that_cannot_be_read_at_all(tmp_path: Path) -> None:
    (tmp_path / "text.gz").write_text("text")

    with pytest.raises(FileError, match=r"text\.gz is not gzip"):
        list(lines(tmp_path / "text.gz", _unexpected))
    with pytest.raises(UsageError, match=r"cannot read .*absent: No such file"):
        list(lines(tmp_path / "absent", _unexpected))
    with pytest.raises(UsageError, match="Is a directory"):
        list(lines(tmp_path, _unexpected))


def _unexpected(number: int, why: str) -> None:
    pytest.fail(f"line {number}: {why}")
