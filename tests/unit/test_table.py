"""Tables for people on terminals, fields with tabs between them for pipes."""

import pytest

from backfill.commands import table

ROWS = [["counter", "[red]1[/red]\x1b[31m"], ["other", "-"]]


def test_pipes_get_fields_with_tabs_between_them(capsys: pytest.CaptureFixture[str]) -> None:
    table.print_table(["backfill", "ready"], ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "backfill\tready",
        "counter\t[red]1[/red]\\x1b[31m",
        "other\t-",
    ]


def test_people_get_a_table_that_nothing_in_it_can_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "is_terminal", lambda: True)
    table.print_table(["backfill", "ready"], ROWS)
    out = capsys.readouterr().out
    assert "[red]1[/red]\\x1b[31m" in out
    assert "\x1b[31m" not in out
    assert "━" in out
