"""CSV: exact for programs, and without a formula for spreadsheets."""

import csv
import io

import pytest

from backfill.commands.sheet import defused, print_csv
from tests.support import forgeries

SEED, COUNT = 20_260_103, 4_000


def test_csv_is_exact_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[text, "x"] for text in forgeries.texts(SEED, COUNT, stored=True)]
    print_csv(["id", "x"], rows, is_safe=False)
    assert list(csv.reader(io.StringIO(capsys.readouterr().out, newline=""))) == [["id", "x"], *rows]


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '"=1', "'=1", "\"'=1", " =1", "\u200b=1", "\x01=1"),
        *("＝1", "＋1", "－1", "＠SUM(A1)", '"＝1', "\ufeff=1", "\u3000=1", '=HYPERLINK("http://x")'),
    ],
)
def test_no_cell_is_a_formula_of_a_spreadsheet(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["id", "n"], [[cell, 7]], is_safe=True)
    [_, row] = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row == [f"'{cell}", "7"]


@pytest.mark.parametrize("cell", ["plain", "a=1", "2024-01-01", "x@y", "", 'say "x"', "'quoted'"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert defused(cell) == cell


def test_cells_are_quoted_as_a_spreadsheet_may_part_them_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["id"], [["a;=1+1"]], is_safe=True)
    assert capsys.readouterr().out == '"id"\r\n"a;=1+1"\r\n'
