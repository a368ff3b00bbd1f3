"""Prints figures and machine facts as text. Pure."""

from collections.abc import Sequence

from benchmarks.figures import Figure

HEADINGS = ("section", "measured", "median", "runs", "target", "")
TO_THE_RIGHT = (2, 3)


def table(figures: Sequence[Figure]) -> str:
    """One line a figure, columns aligned, a rule between sections, the notes below."""
    rows = [HEADINGS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines, section = [], ""
    for row in rows:
        if row[0] != section:
            lines += ["  ".join("-" * width for width in widths).rstrip()] if section else []
            section = row[0]
        cells = (
            cell.rjust(width) if column in TO_THE_RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    notes = dict.fromkeys(f"{figure.section}: {figure.note}" for figure in figures if figure.note)
    return "\n".join([*lines, *([""] if notes else []), *notes])


def facts(machine: dict[str, str]) -> str:
    """One line a fact."""
    width = max(len(name) for name in machine)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in machine.items())
