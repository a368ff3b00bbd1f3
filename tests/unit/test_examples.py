"""The examples are short: what an author writes fits on a page."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEFINITIONS = [*sorted((ROOT / "examples").glob("*/definition.py")), ROOT / "examples/labels.py"]


@pytest.mark.parametrize("file", DEFINITIONS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_definition_takes_sixty_lines_at_most(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 60
