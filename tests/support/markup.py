"""Markdown as whoever renders it reads it, and what no text of others may become in it."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

FOREIGN: Final = {
    *("html_inline", "html_block", "link_open", "image", "fence", "code_block", "blockquote_open", "hr"),
}


def read(text: str) -> list[Token]:
    """The blocks of the text, each with what stands in it."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def flat(tokens: list[Token]) -> list[Token]:
    """All of them, and all within."""
    return [one for token in tokens for one in (token, *flat(token.children or []))]
