"""Imports go one way (CONTRIBUTING.md shows the order), and importing the package loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import motion_widgets

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(motion_widgets.__file__).parent
NAME = "motion_widgets"

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


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return module.partition(".")[0]


def is_typing_only(node: ast.AST) -> bool:
    test = node.test if isinstance(node, ast.If) else None
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def imports(node: ast.AST, *, package: str) -> Iterator[tuple[str, int]]:
    """Return what a module imports of this package when it runs, as (module, line)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_typing_only(child):
            for other in child.orelse:
                yield from imports(ast.Module([other], []), package=package)
        elif isinstance(child, ast.Import):
            ours = [one.name for one in child.names if f"{one.name}.".startswith(f"{NAME}.")]
            yield from ((name.removeprefix(NAME).lstrip("."), child.lineno) for name in ours)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                parts = package.split(".") if package else []
                base = ".".join([NAME, *parts[: len(parts) - child.level + 1], base]).rstrip(".")
            names = [one.name for one in child.names] if base == NAME else [base.removeprefix(f"{NAME}.")]
            if f"{base}.".startswith(f"{NAME}."):
                yield from ((name, child.lineno) for name in names)
        else:
            yield from imports(child, package=package)


def of(path: Path) -> list[tuple[str, int]]:
    package = module_of(path if path.name == "__init__.py" else path.parent / "__init__.py")
    return list(imports(ast.parse(path.read_text("utf-8")), package=package))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: module_of(path) or NAME)
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(module_of(path))
    if not room:
        assert {name for name, _ in of(path)} == {"core.lazy", "core.version"}, "its names load at first use"
        return
    for module, line in of(path):
        target = room_of(module)
        where = f"{path.relative_to(PACKAGE)}:{line} imports {module}"
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
        assert {room_of(module) for module, _ in of(path)} <= {"sandbox"}, path


def test_no_view_reaches_into_the_core() -> None:
    for path in MODULES:
        if room_of(module_of(path)) not in ("widgets", "cli", "workspace", "jobs", "sandbox"):
            names = {
                alias.name.partition(".")[0]
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Import)
                for alias in node.names
            } | {
                (node.module or "").partition(".")[0]
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
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


def test_every_public_name_has_a_home() -> None:
    assert sorted(motion_widgets.__all__, key=str.lower) == sorted(motion_widgets._HOMES, key=str.lower)
    for home in set(motion_widgets._HOMES.values()):
        path = PACKAGE / home.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), home
    assert set(motion_widgets.__all__) <= set(dir(motion_widgets))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(motion_widgets, "no_such_name")  # noqa: B009


def test_the_walk_sees_late_and_relative_imports_and_skips_typing_ones() -> None:
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from motion_widgets.a import x\nelse:\n"
        "    import motion_widgets.b\ndef f():\n    from motion_widgets import c\n    from .. import d\n"
        "    from ..e.f import g\n    import httpx\n"
    )
    assert [name for name, _ in imports(ast.parse(text), package="jobs")] == ["b", "c", "d", "e.f"]
