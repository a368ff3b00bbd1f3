"""What the page is made of: small, whole, and nobody else's."""

import gzip
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "web/page"
OURS = [file for file in sorted(PAGE.rglob("*")) if file.is_file() and "vendor" not in file.relative_to(PAGE).parts]
MOST_BYTES = 100_000
MOST_LINES = 200
ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_page_is_under_100_kb_gzipped_with_all_that_it_loads() -> None:
    loaded = [file for file in PAGE.rglob("*") if file.suffix in (".js", ".css", ".html", ".svg")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in loaded) < MOST_BYTES


@pytest.mark.parametrize("folder", [PAGE / "vendor", ROOT / "tests/support/page/vendor"], ids=["page", "tests"])
def test_what_others_wrote_is_as_they_published_it_and_has_its_licence(folder: Path) -> None:
    listed = dict(ROW.findall((folder / "README.md").read_text()))
    assert set(listed) == {file.name for file in folder.glob("*.js")}
    for name, sha256 in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert list(folder.glob("*.LICENSE"))


def test_no_module_makes_markup_out_of_text() -> None:
    dangerous = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    for file in OURS:
        assert not dangerous.search(file.read_text()), file


def test_page_loads_nothing_from_elsewhere() -> None:
    for file in OURS:
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text())
        assert [url for url in found if url != "http://www.w3.org"] == [], file  # the name of SVG


def test_document_has_no_script_and_no_style_of_its_own() -> None:
    text = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text)


def test_pictures_are_shown_and_small() -> None:
    shown = set(re.findall(r"\(images/([^)]+)\)", (ROOT / "docs/page.md").read_text()))
    assert shown == {file.name for file in (ROOT / "docs/images").glob("*.png")}
    front = re.findall(r"\(docs/images/([^)]+)\)", (ROOT / "README.md").read_text())
    assert front
    assert shown.issuperset(front)
    assert max(file.stat().st_size for file in (ROOT / "docs/images").glob("*.png")) <= 150_000


def test_without_pngquant_one_line_says_so() -> None:
    command = [sys.executable, "-m", "tests.support.page.pictures"]
    ended = subprocess.run(command, cwd=ROOT, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("pngquant is not here")


def test_a_file_is_read_at_once() -> None:
    for file in OURS:
        assert len(file.read_text().splitlines()) <= MOST_LINES, file
