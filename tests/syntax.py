"""Python's own parser, for tests and figures that look into the source."""

from __future__ import annotations

import ast

__all__ = ["parse"]

ATTEMPTS = 5


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a module.

    CPython 3.11 counts the depth of a tree that it builds for all threads together, and takes another one's
    parse at the same moment (a module that pytest rewrites at its import) for a mistake of its own.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return ast.parse(text)
        except SystemError:  # "AST constructor recursion depth mismatch"
            continue
    return ast.parse(text)
