"""The modules of the tree as a test of its structure reads them."""

import ast
import gc
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("backfill", "producers", "workers", "services", "web")
BESIDE = ("producers", "workers", "services", "examples", "web")  # folders that `backfill` has links to


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] in BESIDE:
        parts = ("backfill", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True)
class Module:
    """What a test of the structure asks of a file: its tree is not kept, or the collector would walk it ever after.

    Strings, calls and relative imports come with their lines.
    """

    imports: tuple[str, ...]
    strings: tuple[tuple[int, str], ...]
    calls: tuple[tuple[int, str], ...]
    attributes: frozenset[str]
    relative: tuple[int, ...]


@cache
def read(path: Path) -> Module:
    gc.disable()  # it would go through all nodes again and again while there come more
    try:
        return _read(ast.parse(path.read_text()))
    finally:
        gc.enable()


def _read(tree: ast.Module) -> Module:
    nodes = list(ast.walk(tree))
    unread = {
        id(below)
        for node in nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for below in ast.walk(statement)
    }
    imports: list[str] = []
    for node in nodes:
        if id(node) in unread:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports += (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            imports += (alias.name for alias in node.names)
    return Module(
        tuple(imports),
        tuple((n.lineno, n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)),
        tuple((n.lineno, ast.unparse(n.func)) for n in nodes if isinstance(n, ast.Call)),
        frozenset(
            f"{n.value.id}.{n.attr}" for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
        ),
        tuple(n.lineno for n in nodes if isinstance(n, ast.ImportFrom) and n.level),
    )


def imports(path: Path) -> tuple[str, ...]:
    """Full names of what a module imports from our own packages; not what only type checkers read."""
    return read(path).imports
