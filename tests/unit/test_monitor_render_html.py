"""A report as a page: it runs nothing, loads nothing, leads nowhere, and holds nobody's markup."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from backfill.monitor.render.html import page
from backfill.monitor.render.sections import sections
from tests.support.reports import attacked, bare, load

VOID = {"meta", "link", "rect"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title></head><body><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<!-- ",
    "]]>",
    "&lt;script&gt;",
    "backfill x <b>x</b>",
    "javascript:alert(1)",
    "http://example.com",
    "\ud800\x00\x1b\u202e",
]


class Read(HTMLParser):
    """The tags of a page with their attributes, in their order, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_says_what_the_report_says() -> None:
    found = "".join(Read(page(load())).texts)
    assert "ERC-1155 load running, warning" in found
    for section in sections(load()):
        assert section.title in found
        for item in section.items:
            assert item.text in found
            assert all(one.text in found for one in item.under)


def test_every_tag_is_closed_and_nothing_is_asked_for() -> None:
    found = Read(page(load()))
    assert found.open == []
    assert not {tag for tag, _ in found.tags} & {"script", "a", "img", "iframe", "form", "object", "embed", "base"}
    names = {name for _, attributes in found.tags for name, _ in attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src", "action"})
    assert [value for _, attributes in found.tags for name, value in attributes if name == "href"] == ["data:,"]


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    text = page(load())
    (style,) = re.findall("<style>(.*?)</style>", text, re.S)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', text)
    assert policy.split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{digest}'", "img-src data:", "base-uri 'none'", "form-action 'none'"
    ]  # fmt: skip
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_elses_text_is_markup(text: str) -> None:
    hostile = page(attacked(text))
    hostile.encode()
    harmless = "backfill x" if text.startswith("backfill ") else "x"
    assert Read(hostile).tags == Read(page(attacked(harmless))).tags


def test_a_report_of_nothing_is_a_whole_page() -> None:
    found = Read(page(bare(minutes=[{"minute": "?", "count": 0}])))
    assert found.open == []
    assert "0 a minute over 1 minute" in "".join(found.texts)


def test_it_is_small_enough_for_a_mail() -> None:
    assert len(page(load())) < 20_000
