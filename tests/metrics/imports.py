"""The imports of a package, read from its source: who imports whom, in which circles, and a picture of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from tests.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

NAME = "motion_widgets"


class Import(NamedTuple):
    """One import of a module of ours."""

    target: str
    """Dotted, without the package's name; ``""`` is the package itself."""
    line: int
    typing_only: bool
    """It stands under ``if TYPE_CHECKING``."""
    late: bool
    """It stands inside a function, so it runs when that is called."""


def modules_of(package: Path) -> dict[str, Path]:
    """Return every module of a package by its dotted name; ``""`` is the package itself."""
    return {module_of(path, package): path for path in sorted(package.rglob("*.py"))}


def module_of(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return module.partition(".")[0]


def is_typing_only(node: ast.AST) -> bool:
    test = node.test if isinstance(node, ast.If) else None
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def imports(
    node: ast.AST, *, package: str, known: Iterable[str] = (), typing_only: bool = False, late: bool = False
) -> Iterator[Import]:
    """Return what a syntax tree imports of this package.

    Parameters
    ----------
    node
        The tree.
    package
        The dotted name of the package that relative imports start from.
    known
        All modules; ``from a import b`` is then an import of ``a.b`` where that is a module.
    typing_only, late
        Whether the tree stands under ``if TYPE_CHECKING``, or in a function.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_typing_only(child):
            bodies = ((child.body, True), (child.orelse, typing_only))
            for body, only in bodies:
                tree = ast.Module(body, [])
                yield from imports(tree, package=package, known=known, typing_only=only, late=late)
        elif isinstance(child, ast.Import):
            for one in child.names:
                if f"{one.name}.".startswith(f"{NAME}."):
                    yield Import(one.name.removeprefix(NAME).lstrip("."), child.lineno, typing_only, late)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                parts = package.split(".") if package else []
                base = ".".join([NAME, *parts[: len(parts) - child.level + 1], base]).rstrip(".")
            if not f"{base}.".startswith(f"{NAME}."):
                continue
            inner = base.removeprefix(NAME).lstrip(".")
            found = {_submodule(inner, one.name, known) for one in child.names}
            yield from (Import(name, child.lineno, typing_only, late) for name in sorted(found))
        else:
            inside = late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(child, package=package, known=known, typing_only=typing_only, late=inside)


def _submodule(base: str, name: str, known: Iterable[str]) -> str:
    inner = f"{base}.{name}".lstrip(".")
    return inner if not base or inner in known else base


def graph_of(package: Path) -> dict[str, list[Import]]:
    """Return the imports of every module."""
    modules = modules_of(package)
    graph = {}
    for module, path in modules.items():
        start = module if path.name == "__init__.py" else module.rpartition(".")[0]
        found = imports(parse(path.read_text("utf-8")), package=start, known=modules)
        graph[module] = [one for one in found if one.target in modules and one.target != module]
    return graph


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, each sorted, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in graph.get(module, ()):
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            at = stack.index(module)
            group, stack[at:] = sorted(stack[at:]), []
            if len(group) > 1:
                groups.append(group)

    for module in graph:
        if module not in index:
            visit(module)
    return sorted(groups)


def runtime_circles(package: Path) -> list[list[str]]:
    """Return the circles of imports that run, those inside functions among them."""
    graph = graph_of(package)
    return circles({one: [i.target for i in found if not i.typing_only] for one, found in graph.items()})


def all_circles(package: Path) -> list[list[str]]:
    """Return the circles of all imports, type-only ones among them."""
    return circles({one: [i.target for i in found] for one, found in graph_of(package).items()})


ORDER: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("request",),
    ("media",),
    ("endpoint", "log"),
    ("publishing", "jobs"),
    ("sweep", "study"),
    ("workspace",),
    ("widgets", "audit", "cli"),
    ("__main__",),
)
"""The rooms from the bottom up; a room imports from lower rows only."""


def picture(package: Path) -> str:
    """Return which rooms import which as a table: a row per room from the bottom up, a mark per import.

    Type-only imports are left out. All marks stand left of the diagonal when imports go one way.
    """
    marks: dict[str, set[str]] = {}
    for module, found in graph_of(package).items():
        targets = {room_of(one.target) for one in found if not one.typing_only}
        marks.setdefault(room_of(module), set()).update(targets - {room_of(module), ""})
    rows = [room for rank in ORDER for room in rank if marks.get(room) is not None and room != "__main__"]
    rows += sorted(room for room in marks if room not in ("", "__main__", *rows))
    columns = [room for room in rows if any(room in targets for targets in marks.values())]
    lines = ["| imports | " + " | ".join(columns) + " |", "|---|" + ":-:|" * len(columns)]
    for room in rows:
        cells = ["●" if column in marks[room] else "·" if column == room else "" for column in columns]
        lines.append(f"| **{room}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)
