"""Whatever is printed, asked or drawn goes through one door."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import modules
from tests.support.modules import PACKAGES, imports, module_name, read, sources

# What prints, asks or draws past the door. A question's answer and the width of a terminal are read elsewhere.
PRINTS = re.compile(
    r"(print|click\.(echo|echo_via_pager|secho|prompt|confirm|pause|progressbar|edit|get_(text|binary)_stream)"
    r"|sys\.(__)?std(out|err)(__)?\.(write|writelines|buffer\b.*)|os\.(write|writev|dup2)|warnings\.(warn|showwarning)"
    r"|traceback\.print_\w+|logging\.(StreamHandler|basicConfig|lastResort.*)|faulthandler\.\w+)"
)
OF_THE_DOOR = re.compile(r"sys\.(__)?std(out|err)(__)?")
# What is left of a stream when nothing is printed to it.
HARMLESS = re.compile(r"sys\.stdout\.(isatty|flush)\(\)")
MAY_PRINT = {"backfill.door", "backfill.entry"}  # the latter one word, while the door is not loaded yet
MAY_DRAW = {"backfill.drawing"}


def test_whatever_is_printed_goes_through_the_door() -> None:
    for path in sources(*PACKAGES, "examples", "benchmarks"):
        prints_through_the_door(path)


def prints_through_the_door(path: Path) -> None:
    source = module_name(path)
    if source not in MAY_DRAW:
        drawing = [one for one in imports(path) if one.split(".")[0] == "rich"]
        assert not drawing, f"{source} imports {drawing}; backfill/drawing.py keeps markup out of what is drawn"
    if source in MAY_PRINT:
        return
    for name in imports(path):
        assert not PRINTS.fullmatch(name), f"{source} imports {name}; print with backfill/door.py"
    for line, called in read(path).calls:
        assert not PRINTS.fullmatch(called), f"{source}:{line} prints past backfill/door.py"
    assert not streams(path), f"{source} has {streams(path)}; print with backfill/door.py"


def streams(path: Path) -> list[str]:
    """Where it takes a stream of the process itself, to hand it on or to write to."""
    text = path.read_text()
    if not OF_THE_DOOR.search(text):
        return []
    text = ast.unparse(ast.parse(text))  # without comments
    return [found[0] for found in OF_THE_DOOR.finditer(HARMLESS.sub("", text))]


@pytest.mark.parametrize(
    "text",
    [
        "print('x')",
        "import click\nclick.echo('x')",
        "from click import echo\necho('x')",
        "import sys\nsys.stderr.write('x')",
        "import csv, sys\ncsv.writer(sys.stdout)",
        "def f():\n    from rich.console import Console",
        "import traceback\ntraceback.print_exc()",
    ],
)
def test_whoever_passes_the_door_is_seen(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    (tmp_path / "new.py").write_text(text)
    with pytest.raises(AssertionError):
        prints_through_the_door(tmp_path / "new.py")
