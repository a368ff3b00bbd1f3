"""What people see on a terminal that can be drawn on: tables, bars, a screen; the one module that knows rich.

rich would read markup, such as [red] or [link=…], in any text it is given as one: here it is given none. Imported when
something is drawn, as it takes its time.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from backfill.door import MOST
from backfill.texts import counted, one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text

    Row = list[Segment]

FEWEST_ROWS: Final = 4  # of a part that is cut off: less tells nothing


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
    from rich.panel import Panel

    return Panel(below(*parts), title=text(title), subtitle=text(subtitle))


def share(done: int, total: int) -> "RenderableType":
    """A bar that stands still."""
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=max(total, 1), completed=done)


class Fitted:
    """Parts below each other, drawn for as many columns as there are, and in ASCII where there is no more than that.

    Each has a rank. On a screen that has not the lines for all, briefer ones are drawn, of which those of the lowest
    ranks are seen; how many lines are left out is said below.
    """

    def __init__(self, draw: "Callable[[int, bool, bool], Iterable[tuple[int, RenderableType]]]") -> None:
        self._draw = draw  # of a width, whether in ASCII, and whether briefly
        self.is_whole = True  # however many lines that are

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.segment import Segment
        from rich.text import Text

        width, is_ascii = options.max_width, options.ascii_only
        whole = list(self._draw(width, is_ascii, False))
        if self.is_whole:
            yield from (drawn for _, drawn in whole)
            return
        free = options.update(height=None)
        rows = [console.render_lines(drawn, free, pad=False) for _, drawn in whole]
        number, most = sum(map(len, rows)), options.size.height
        if number > most:
            brief = list(self._draw(width, is_ascii, True))
            rows = _most_important(
                [(rank, console.render_lines(drawn, free, pad=False)) for rank, drawn in brief], most
            )
        for row in (row for part in rows for row in part):
            yield from row
            yield Segment.line()
        if left := number - sum(map(len, rows)):
            dots = "..." if is_ascii else "…"
            said = f"{dots} {counted(left, 'more line')}; a taller window shows them"
            yield Text(said, "dim", no_wrap=True, overflow="crop")


def _most_important(parts: "Sequence[tuple[int, list[Row]]]", most: int) -> "list[list[Row]]":
    """Of each part, in their order, the rows that there is room for, and for a line below them."""
    room = most - 1
    kept: list[list[Row]] = [[] for _ in parts]
    for place in sorted(range(len(parts)), key=lambda one: parts[one][0]):
        rank, rows = parts[place]
        if len(rows) <= room or not rank or room >= FEWEST_ROWS:
            kept[place] = rows[: max(0, room)]
            room -= len(kept[place])
    return kept


class Screen:
    """One place that is drawn again and again; what is fitted is whole when it ends."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, screen=False)
        self._fitted: Fitted | None = None

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._fitted is not None:
            self._fitted.is_whole = True
        self._live.stop()

    def draw(self, drawn: "RenderableType") -> None:
        if isinstance(drawn, Fitted):
            drawn.is_whole = False
            self._fitted = drawn
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
