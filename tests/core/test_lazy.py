"""Names that a package loads at first use."""

from __future__ import annotations

import ast
from pathlib import Path

import motion_widgets
from tests.syntax import parse

PACKAGE = Path(motion_widgets.__file__).parent


def test_no_lazy_export_bears_the_name_of_a_module_beside_it() -> None:
    """Python binds a loaded submodule to its package, so it would take the export's place."""
    clashes = []
    for init in PACKAGE.rglob("__init__.py"):
        modules = {path.stem for path in init.parent.iterdir()}
        for node in ast.walk(parse(init.read_text("utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                clashes += [
                    f"{init.parent.name}.{name}" for name in modules & set(ast.literal_eval(node.value))
                ]
    assert clashes == []
