"""No error is swallowed without a reason: whoever catches broadly, or catches and forgets, says why."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

import motion_widgets
from tests.syntax import parse

PACKAGE = Path(motion_widgets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
BROAD = {"Exception", "BaseException"}
OURS = "MotionError"
_NOQA = re.compile(r"^noqa: [A-Z0-9, ]+(- )?")


def names_of(node: ast.expr | None) -> set[str]:
    """Return the names of the classes that an except clause catches."""
    if node is None:
        return BROAD
    if isinstance(node, ast.Tuple):
        return {name for one in node.elts for name in names_of(one)}
    return {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")}


def is_silencer(node: ast.AST) -> bool:
    """Return whether a node is a `suppress`, a broad except clause, or one that forgets an error of ours."""
    if isinstance(node, ast.Call):
        return "suppress" in (getattr(node.func, "attr", ""), getattr(node.func, "id", ""))
    if isinstance(node, ast.ExceptHandler):
        caught = names_of(node.type)
        raises = isinstance(node.body[0], ast.Raise)
        return bool(caught & BROAD) or (OURS in caught and node.name is None and not raises)
    return False


def unexplained(source: str) -> list[int]:
    """Return the lines of silencers without a comment on their line or on the one above."""
    comments = {
        token.start[0]: _NOQA.sub("", token.string.lstrip("# ")).strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = [node for node in ast.walk(parse(source)) if is_silencer(node)]
    lines: list[int] = [node.lineno for node in found]  # type: ignore[attr-defined]
    return sorted(line for line in lines if not (comments.get(line) or comments.get(line - 1)))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_whoever_silences_an_error_says_why(path: Path) -> None:
    assert unexplained(path.read_text("utf-8")) == []


def test_a_silencer_without_a_reason_is_found() -> None:
    source = """
try: a()
except Exception:  # noqa: BLE001
    pass
try: a()
except (OSError, MotionError):
    pass
try: a()
except MotionError as error:
    show(error)
with contextlib.suppress(OSError):  # a leftover does no harm
    a()
with suppress(OSError):
    a()
try: a()
# It was sent.
except:
    pass
"""
    assert unexplained(source) == [3, 6, 13]
