"""Figures read from source text: lengths, kinds of lines, functions, classes, duplicates, fields."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RUN = 6
"""Lines of a duplicate block at least."""


def kinds_of_lines(text: str) -> Counter[str]:
    """Count the lines of a module by what stands on them: code, docstring, comment or nothing."""
    kinds = ["blank"] * (text.count("\n") + (not text.endswith("\n")))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if kinds[token.start[0] - 1] == "blank":
                kinds[token.start[0] - 1] = "comment"
        elif token.string.strip():
            kinds[token.start[0] - 1 : token.end[0]] = ["code"] * (token.end[0] - token.start[0] + 1)
    for first, last in _docstrings(parse(text)):
        kinds[first - 1 : last] = ["docstring"] * (last - first + 1)
    return Counter(kinds)


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """Return the first and last line of each text that stands alone: docstrings, also of attributes."""
    for node in ast.walk(tree):
        value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.lineno, value.end_lineno or value.lineno


def functions_of(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, int]]:
    """Return every function with its lines, decorators left out."""
    for node in ast.iter_child_nodes(tree):
        name = f"{inside}.{node.name}".lstrip(".") if hasattr(node, "name") else inside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, (node.end_lineno or node.lineno) - node.lineno + 1
        yield from functions_of(node, str(name))


def classes_of(trees: Iterable[ast.AST]) -> list[tuple[str, int, int]]:
    """Return every class with its own methods, and with those of bases of ours added."""
    found = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def own(node: ast.ClassDef) -> set[str]:
        return {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    def whole(name: str) -> set[str]:
        node = found[name]
        bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id != name]
        return own(node).union(*(whole(base) for base in bases if base in found))

    return [(name, len(own(node)), len(whole(name))) for name, node in found.items()]


def duplicate_blocks(texts: dict[str, str]) -> list[tuple[int, str, int, str, int]]:
    """Return runs of alike lines that stand in two places: (lines, module, line, other module, line).

    Blank lines, comments and imports do not count; a longer run is one block.
    """
    lines = {name: list(_bare(text)) for name, text in texts.items()}
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, bare in lines.items():
        for at in range(len(bare) - RUN + 1):
            places[tuple(text for _, text in bare[at : at + RUN])].append((name, at))
    pairs = {(found[0], other) for found in places.values() for other in found[1:] if found[0] != other}
    blocks = []
    for (name, at), (other, there) in sorted(pairs):
        if ((name, at - 1), (other, there - 1)) in pairs:
            continue  # the middle of a longer run
        more = 0
        while ((name, at + more + 1), (other, there + more + 1)) in pairs:
            more += 1
        blocks.append((RUN + more, name, lines[name][at][0], other, lines[other][there][0]))
    return blocks


def _bare(text: str) -> Iterator[tuple[int, str]]:
    imported = {
        line
        for node in ast.walk(parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare and not bare.startswith("#") and number not in imported:
            yield number, bare


def files_with_field(root: Path, field: str, ends: Iterable[str] = (".py", ".js")) -> list[Path]:
    """Return the source files in which a wire field is spelled out."""
    word = re.compile(rf"\b{field}\b")
    files = [path for end in ends for path in root.rglob(f"*{end}")]
    return sorted(path for path in files if word.search(path.read_text("utf-8")))
