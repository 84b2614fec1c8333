"""Imports go one way (CONTRIBUTING.md shows the order), and importing the package loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import motion_widgets
from tests.metrics.imports import (
    NAME,
    ORDER,
    Import,
    all_circles,
    graph_of,
    imports,
    is_typing_only,
    module_of,
    room_of,
)
from tests.syntax import parse

PACKAGE = Path(motion_widgets.__file__).parent
GRAPH = graph_of(PACKAGE)

RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
NEIGHBOURS = {("cli", "widgets"), ("cli", "audit")}
"""Pairs of one rank of which the first may import the second."""

LAZY_UPWARDS = {("workspace", "sandbox"), ("widgets", "sandbox"), ("cli", "sandbox")}
"""Who may start a sandbox; nobody else knows it."""
HEAVY = (
    "fsspec",
    "moviepy",
    "pandas",
    "sqlalchemy",
    "httpx",
    "ipywidgets",
    "anywidget",
    "numpy",
    "PIL",
    "starlette",
    "uvicorn",
    "imageio_ffmpeg",
    "pyarrow",
    "IPython",
    "matplotlib",
    "keyring",
)
MODULES = sorted(PACKAGE.rglob("*.py"))

# What is still to be mended. Each list is exact: a test fails when something joins it, and when something has
# left it and still stands here.
IN_CIRCLES: set[str] = set()
"""Modules that import each other in a circle, type-only imports counted."""
STUBS: set[str] = set()
"""Modules with a class that declares, for the type checker alone, what another class gives it."""
LONG: set[str] = set()
"""Modules of more than `LENGTH` lines."""
SHORT_INTRODUCTIONS: set[str] = set()
"""Packages whose docstring is a single line."""
LENGTH = 400


def of(path: Path) -> list[Import]:
    """Return the imports of a module that run."""
    return [one for one in GRAPH[module_of(path, PACKAGE)] if not one.typing_only]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: module_of(path, PACKAGE) or NAME)
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(module_of(path, PACKAGE))
    if not room:
        assert {one.target for one in of(path)} == {"core.lazy", "core.version"}, (
            "its names load at first use"
        )
        return
    for one in of(path):
        target = room_of(one.target)
        where = f"{path.relative_to(PACKAGE)}:{one.line} imports {one.target}"
        if target in ("", "__version__", room):
            continue
        if "sandbox" in (room, target):
            assert (room, target) in LAZY_UPWARDS, where
            continue
        assert room in RANK, f"{room} has no place in the order"
        assert target in RANK, where
        allowed = RANK[target] < RANK[room] or (room, target) in NEIGHBOURS
        assert allowed, where


def test_the_sandbox_knows_nothing_of_the_client() -> None:
    for path in (PACKAGE / "sandbox").rglob("*.py"):
        assert {room_of(one.target) for one in of(path)} <= {"sandbox"}, path


def test_no_view_reaches_into_the_core() -> None:
    for path in MODULES:
        if room_of(module_of(path, PACKAGE)) not in ("widgets", "cli", "workspace", "jobs", "sandbox"):
            names = {
                alias.name.partition(".")[0]
                for node in ast.walk(parse(path.read_text("utf-8")))
                if isinstance(node, ast.Import)
                for alias in node.names
            } | {
                (node.module or "").partition(".")[0]
                for node in ast.walk(parse(path.read_text("utf-8")))
                if isinstance(node, ast.ImportFrom) and not node.level
            }
            assert not names & {"ipywidgets", "anywidget", "traitlets"}, path


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import motion_widgets",
        "import motion_widgets as mw; dir(mw), mw.__version__",
        """
from motion_widgets import MotionRequest, check, estimate, LIMITS, PRICES, Clip, MotionError
req = MotionRequest(model='kling-v3-motion-control', image_url='https://h/a', video_url='https://h/b')
check(req), estimate(req), req.key
        """,
        "from motion_widgets import OutcomeUnknown, EndpointError",
    ],
)
def test_the_core_loads_nothing_heavy(code: str) -> None:
    assert not loaded(code) & set(HEAVY)


def exactly(found: set[str], listed: set[str], what: str) -> None:
    """Fail unless what is found is what is listed."""
    assert not found - listed, f"{what}: {sorted(found - listed)}"
    assert not listed - found, f"mended, so take it off the list: {sorted(listed - found)}"


def test_no_circle_of_imports() -> None:
    exactly({one for circle in all_circles(PACKAGE) for one in circle}, IN_CIRCLES, "imports in a circle")


def test_no_class_is_split_over_files() -> None:
    stubs = set()
    for path in MODULES:
        for node in ast.walk(parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert "mixin" not in node.name.lower(), f"{path.relative_to(PACKAGE)}: {node.name}"
                if any(is_typing_only(child) for child in node.body):
                    stubs.add(module_of(path, PACKAGE))
    exactly(stubs, STUBS, "a class declares for the type checker what another class has")


def test_a_module_is_short() -> None:
    lengths = {module_of(path, PACKAGE): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    long = {
        name for name, lines in lengths.items() if lines > LENGTH and not name.startswith("core.messages")
    }
    exactly(long, LONG, f"more than {LENGTH} lines")


def test_every_package_introduces_itself() -> None:
    short = set()
    for path in PACKAGE.rglob("__init__.py"):
        docstring = ast.get_docstring(parse(path.read_text("utf-8"))) or ""
        if docstring.count("\n") < 1:
            short.add(module_of(path, PACKAGE))
    exactly(short, SHORT_INTRODUCTIONS, "no docstring of two lines or more")


def test_every_public_name_has_a_home() -> None:
    assert sorted(motion_widgets.__all__, key=str.lower) == sorted(motion_widgets._HOMES, key=str.lower)
    for home in set(motion_widgets._HOMES.values()):
        path = PACKAGE / home.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), home
    assert set(motion_widgets.__all__) <= set(dir(motion_widgets))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(motion_widgets, "no_such_name")  # noqa: B009


def test_the_walk_tells_late_relative_and_typing_imports_apart() -> None:
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from motion_widgets.a import x\nelse:\n"
        "    import motion_widgets.b\ndef f():\n    from motion_widgets import c\n    from .. import d\n"
        "    from ..e.f import g\n    from ..e import h\n    import httpx\n"
    )
    found = list(imports(parse(text), package="jobs", known={"e.h"}))
    assert [one.target for one in found] == ["a", "b", "c", "d", "e.f", "e.h"]
    assert [one.typing_only for one in found] == [True, *[False] * 5]
    assert [one.late for one in found] == [False, False, True, True, True, True]


def test_what_the_tests_import_is_there() -> None:
    """Benchmarks and other programs that the gate does not run as well, wherever in them it is imported."""
    wanted = {
        (one.module, alias.name): path.name
        for path in sorted((PACKAGE.parent / "tests").rglob("*.py"))
        for one in ast.walk(parse(path.read_text("utf-8")))
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("motion_widgets")
        for alias in one.names
    }
    gone = [(path, *name) for name, path in wanted.items() if not _is_there(*name)]
    assert gone == []
    assert not _is_there("motion_widgets.media.probe", "hub")


def _is_there(module: str, name: str) -> bool:
    """Return whether a module has a name, or a package a module of it."""
    here = import_module(module)
    return hasattr(here, name) or (hasattr(here, "__path__") and find_spec(f"{module}.{name}") is not None)
