"""What people see on a terminal that can be drawn on: tables, bars, a screen; the one module that knows rich.

rich would read markup, such as [red] or [link=…], in any text it is given as one: here it is given none. Imported when
something is drawn, as it takes its time.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from backfill.door import MOST
from backfill.texts import one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text


def text(*lines: object) -> "Text":
    """Lines of ours, each with whatever is in it."""
    from rich.text import Text

    return Text("\n".join(one_line(one, MOST) for one in lines))


def phrase(*parts: tuple[object, str]) -> "Text":
    """Texts behind each other on one line, each in its style."""
    from rich.text import Text

    return Text.assemble(*((one_line(part, MOST), style) for part, style in parts))


def width() -> int:
    """How many characters a line of the terminal has."""
    from rich.console import Console

    return Console().width


def cells(text: str) -> int:
    """How many of them the text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, expand: bool = False) -> "Table":
    """A table of the width that it needs, whose first column, which can be copied, is whole; or of all there is."""
    from rich.table import Table

    made = Table(expand=expand)
    for number, column in enumerate(columns):
        made.add_column(text(column), no_wrap=number == 0 and not expand, overflow="fold")
    for fields in rows:
        made.add_row(*map(text, fields))
    return made


def columns(rows: Iterable[Sequence["RenderableType"]], indent: int = 0) -> "RenderableType":
    """Rows without lines between them; what is too long for its column goes on below, in it."""
    from rich.padding import Padding
    from rich.table import Table

    made = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    for row in rows:
        made.add_row(*row)
    for column in made.columns:
        column.overflow = "fold"
    return Padding(made, (0, 0, 0, indent))


def below(*parts: "RenderableType") -> "RenderableType":
    """The parts below each other."""
    from rich.console import Group

    return Group(*parts)


def show(drawn: "RenderableType") -> None:
    """Draw it once, below what is there."""
    from rich.console import Console

    Console().print(drawn)


def panel(title: object, subtitle: object, *parts: "RenderableType") -> "RenderableType":
    """The parts below each other in a frame."""
    from rich.console import Group
    from rich.panel import Panel

    return Panel(Group(*parts), title=text(title), subtitle=text(subtitle))


def share(done: int, total: int) -> "RenderableType":
    """A bar that stands still."""
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=max(total, 1), completed=done)


class Fitted:
    """What is drawn for as many columns as there are, and in ASCII where the terminal has no more than that."""

    def __init__(self, draw: "Callable[[int, bool], RenderableType]") -> None:
        self._draw = draw

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        del console
        yield self._draw(options.max_width, options.ascii_only)


class Screen:
    """One place that is drawn again and again."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, screen=False)

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def draw(self, drawn: "RenderableType") -> None:
        self._live.update(drawn, refresh=True)


class Bar:
    """A bar that moves, with a text before and one behind it; those may name fields of `update`."""

    def __init__(self, before: str, behind: str, *, has_clock: bool = False, stays: bool = True, **fields: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        clock = [TimeRemainingColumn()] if has_clock else []
        texts = [TextColumn(one, markup=False) for one in (before, behind)]
        self._progress = Progress(texts[0], BarColumn(), texts[1], *clock, transient=not stays)
        self._task = self._progress.add_task("", **_safe(fields))
        self._progress.start()

    def update(self, **fields: Any) -> None:
        self._progress.update(self._task, **_safe(fields))

    def end(self) -> None:
        """What is printed next gets lines of its own."""
        self._progress.stop()


def _safe(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: one_line(value) if isinstance(value, str) else value for name, value in fields.items()}
