"""Which statements of the ledger each of our roles sends, read out of the code that sends them."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LEDGER: Final = ROOT / "backfill" / "ledger"
# Modules of the ledger that a command of a reader has not, and what else in a command is not for readers.
CHANGING: Final = {"operations", "planning", "idempotency", "purging"}
CHANGES: Final = {("workers", "ask_to_stop"), ("limits", "release")}

PACKAGES: Final = {"backfill.ledger.views"}
# Of a server, what works on records in a process of its own.
WORKING: Final = ("visit.py", "working.py")

# A module of the ledger, or a package of it as a whole, and a function or class in it.
Place = tuple[str, str]
Graph = dict[Place, tuple[set[str], set[Place]]]


def statements() -> dict[str, set[str]]:
    """The names of statements by role: what its programs call, and what that calls."""
    commands = list((ROOT / "backfill" / "commands").rglob("*.py"))
    looking = [file for file in commands if not CHANGING & {module for module, _ in _called(file)}]
    web = set((ROOT / "web").rglob("*.py"))
    working = {ROOT / "web" / name for name in WORKING}
    programs = {
        "backfill_worker": [*(ROOT / "workers").rglob("*.py"), *working],
        "backfill_operator": [*(ROOT / "producers").rglob("*.py"), *commands, *(web - working)],
        "backfill_reader": looking,
        "backfill_server": [*web],
        "backfill_owner": commands,
    }
    graph: Graph = {}
    for at, (read, named) in _functions():
        before = graph.get(at, (set(), set()))
        graph[at] = before[0] | read, before[1] | named
    return {
        role: _reached(
            graph,
            {
                place
                for file in files
                for place in _called(file)
                # Of these two only what is about tokens: a server has the rest as a reader or an operator, and what
                # else an owner does is no program's.
                if (place[0] == "tokens") is (role in ("backfill_server", "backfill_owner"))
            }
            - (CHANGES if role == "backfill_reader" else set()),
        )
        for role, files in programs.items()
    }


def _reached(graph: Graph, first: Iterable[Place]) -> set[str]:
    waiting, seen, found = [*first], set[Place](), set[str]()
    while waiting:
        place = waiting.pop()
        if place in graph and place not in seen:
            seen.add(place)
            found |= graph[place][0]
            waiting += graph[place][1]
    return found


def _functions() -> Iterator[tuple[Place, tuple[set[str], set[Place]]]]:
    """Of each function of the ledger the statements it reads and the functions it names."""
    for file in LEDGER.rglob("*.py"):
        module = ast.parse(file.read_text())
        place = file.stem if file.parent == LEDGER else file.parent.name
        known = _imported(module)
        own = {
            node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        known |= {name: (place, name) for name in own}
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                texts = {
                    one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
                yield (
                    (place, node.name),
                    ({text for text in texts if text.startswith("ledger/")}, set(_named(node, known))),
                )


def _called(file: Path) -> set[Place]:
    module = ast.parse(file.read_text())
    return set(_named(module, _imported(module)))


def _imported(module: ast.Module) -> dict[str, Place]:
    """What a name stands for: a module of the ledger, with an empty name, or something out of one."""
    found: dict[str, Place] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "backfill.ledger":
            found |= {one.asname or one.name: (one.name, "") for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            package = str(node.module).rpartition(".")[2]
            found |= {one.asname or one.name: (package, "") for one in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backfill.ledger."):
            source = str(node.module).split(".")[2]
            found |= {one.asname or one.name: (source, one.name) for one in node.names}
    return found


def _named(tree: ast.AST, known: dict[str, Place]) -> Iterator[Place]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in known and known[node.id][1]:
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            module, inner = known[node.value.id]
            if not inner:
                yield module, node.attr
