"""A fingerprint: another one for whatever changes what a definition computes, the same for the same code."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backfill import application
from backfill.fingerprint import _block, is_comparable
from tests.support.definitions import Counter

SOURCE = """
import os
import re
from decimal import Decimal

import fp_other
from fp_app import helpers
from fp_app.helpers import rounded

from backfill import ColumnBackfill

FACTOR = int(os.environ.get("FACTOR", "3"))
RATES = {"EUR": Decimal("1.1"), "USD": Decimal("1.2")}
WORD = re.compile(r"\\\\w+")
UNUSED = 1


class Base(ColumnBackfill):
    def compute(self, record):
        return {"value": rounded(scaled(record["base"]))}


class Made(Base):
    name = "made"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"
    step = 1

    @property
    def words(self):
        return WORD


def scaled(value):
    return value * FACTOR * RATES["EUR"]


def unused(value):
    return value
"""
HELPERS = "def rounded(value):\n    return round(value, DIGITS)\n\n\nDIGITS = 2\n"


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The fingerprint of the package `fp_app`, as a new process of this code would take it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "fp_other.py").write_text("def elsewhere():\n    return 1\n")
    (tmp_path / "fp_app").mkdir()

    def take(source: str = SOURCE, helpers: str = HELPERS, **env: str) -> str:
        (tmp_path / "fp_app" / "helpers.py").write_text(helpers)
        (tmp_path / "fp_app" / "__init__.py").write_text("")
        (tmp_path / "fp_app" / "made.py").write_text(source)
        for name in [name for name in sys.modules if name.startswith("fp_")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return application.load("fp_app.made:Made")["made"].fingerprint()

    return take


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("WHERE id = ANY($1)", "WHERE id = ANY($1) AND base > 0"),
        ('columns = ("value",)', 'columns = ("value", "extra")'),
        ("step = 1", "step = 2"),
        ("return WORD", "return WORD, 1"),
        ('"value": rounded', '"value": -rounded'),  # in a base
        ("value * FACTOR", "value + FACTOR"),  # in a function of the module
        ('"FACTOR", "3"', '"FACTOR", "4"'),  # a constant that such a function names
        ('"EUR": Decimal("1.1")', '"EUR": Decimal("1.15")'),
        (r"\\w+", r"\\S+"),
    ],
)
def test_it_changes_with_what_is_computed(taken: Callable[..., str], before: str, after: str) -> None:
    assert before in SOURCE
    assert taken() != taken(SOURCE.replace(before, after))


def test_it_changes_with_a_condition_and_without_one_is_what_it_was_before_there_were_any(
    taken: Callable[..., str],
) -> None:
    """Jobs are in flight while programs are upgraded."""
    assert taken() == "2-08e8fb817338759c"
    assert Counter().fingerprint() != type("Counter", (Counter,), {"where": "t.base > 0"})().fingerprint()


@pytest.mark.parametrize(
    "lines",
    [
        'requires = ("other",)',
        'requires: tuple = (\n        "other",  # first\n        "third",\n    )',
        "requires = ()",
    ],
)
def test_what_is_required_is_no_part_of_it(taken: Callable[..., str], lines: str) -> None:
    source = SOURCE.replace("    step = 1\n", f"    step = 1\n    {lines}\n")
    assert source != SOURCE
    assert taken(source) == taken()
    # Of another class than the definition's it is an attribute as any other.
    other = SOURCE.replace("class Base", "class Plain:\n    requires = 1\n\n\nclass Base").replace(
        "return WORD", "return Plain"
    )
    assert taken(other) != taken(other.replace("requires = 1", "requires = 2"))


def test_it_changes_with_what_is_named_in_another_module_of_the_package(taken: Callable[..., str]) -> None:
    assert taken() != taken(helpers=HELPERS.replace("DIGITS = 2", "DIGITS = 3"))


def test_it_changes_with_a_constant_that_the_environment_gives(taken: Callable[..., str]) -> None:
    assert taken(FACTOR="3") != taken(FACTOR="7")


@pytest.mark.parametrize(("before", "after"), [("UNUSED = 1", "UNUSED = 2"), ("    return value\n", "    return 1\n")])
def test_it_stays_where_the_rest_of_a_module_changes(taken: Callable[..., str], before: str, after: str) -> None:
    assert before in SOURCE
    assert taken() == taken(SOURCE.replace(before, after))


def test_it_is_the_same_in_every_process(taken: Callable[..., str], tmp_path: Path) -> None:
    here = taken(SOURCE.replace("UNUSED = 1", "UNUSED = 2").replace("step = 1", 'step = {"a", "b", "c", "d"}'))
    code = "from backfill import application; print(application.load('fp_app.made:Made')['made'].fingerprint())"
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=True,
            timeout=30,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed},
        )
        assert ran.stdout.strip() == here


def test_what_is_edited_while_a_process_runs_is_not_what_it_runs(taken: Callable[..., str], tmp_path: Path) -> None:
    taken()
    loaded = application.load("fp_app.made:Made")["made"]
    before = loaded.fingerprint()
    (tmp_path / "fp_app" / "made.py").write_text(SOURCE.replace("step = 1", "step = 2"))
    assert loaded.fingerprint() == before


def test_of_classes_with_one_name_each_has_its_own_source() -> None:
    class Outer(Counter):
        class Parameters:
            first = object()

            def method(self) -> int:
                return 1

    class Other(Counter):
        class Parameters:
            second = object()

            def method(self) -> int:
                return 1

    assert "first = object()" in _block(Outer.Parameters)
    assert "second = object()" in _block(Other.Parameters)
    assert "second = object()" in _block(Other)
    assert "first" not in _block(Other)


def test_a_stand_in_that_answers_nothing_is_passed_over(taken: Callable[..., str]) -> None:
    lazy = (
        "class Lazy:\n    def __getattribute__(self, name):\n        raise RuntimeError('not configured')\n\n\n"
        "lazy = Lazy()\n\n\nclass Base"
    )
    assert taken(SOURCE.replace("class Base", lazy, 1).replace("return WORD", "return lazy"))


def test_only_what_was_taken_in_this_way_can_be_compared() -> None:
    assert is_comparable(Counter().fingerprint())
    assert not is_comparable("0123456789abcdef")  # as an older program took it
    assert not is_comparable("")  # a retry's
