"""docs/types.md says what the types of these worlds say."""

from tests.worlds import page


def test_the_page_is_up_to_date() -> None:
    text = page.PAGE.read_text()
    assert page.updated(text) == text, "refresh it with: python -m tests.worlds.page"
