"""Nothing that Windows lacks is used unasked: functions, modules, signals, paths, and names of files.

Which names a system has is read off the type stubs that mypy brings, so no list of them is kept here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import mypy
import pytest

import motion_widgets as mw
from tests.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).parents[1]
SOURCES = sorted(Path(mw.__file__).parent.rglob("*.py"))
STUBS = Path(mypy.__file__).parent / "typeshed" / "stdlib"
ASKS = re.compile(r"os\.name|sys\.platform|hasattr\(|ImportError|AttributeError")
"""How code asks which system it is on, or whether something is there."""
LOOKED_AT = {
    "/dev/fd", "/proc/mounts", "/sys/class/power_supply", "/usr/share/fonts", "/usr/local/share/fonts",
}  # fmt: skip
"""Places of Linux that are read where they are; elsewhere something else decides."""


def statements(body: list[ast.stmt], system: str) -> Iterator[ast.stmt]:
    """Yield a stub's statements that hold on a system, with Python 3.11."""
    python = SimpleNamespace(platform=system, version_info=(3, 11))
    for one in body:
        if isinstance(one, ast.If):
            holds = eval(compile(ast.Expression(one.test), "stub", "eval"), {"sys": python})
            yield from statements(one.body if holds else one.orelse, system)
        else:
            yield one


@cache
def names(module: str, system: str, *, imported: bool = True) -> frozenset[str]:
    """Return the names that a module of Python's own has on a system, those included that it imports."""
    found: set[str] = set()
    for stub in (STUBS / f"{module}.pyi", STUBS / module / "__init__.pyi"):
        for one in statements(parse(stub.read_text("utf-8")).body, system) if stub.is_file() else ():
            match one:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found.add(name)
                case ast.Assign(targets=targets):
                    found |= {target.id for target in targets if isinstance(target, ast.Name)}
                case ast.ImportFrom(names=aliases) if imported:
                    found |= {alias.asname or alias.name for alias in aliases}
    return frozenset(found)


def lacking(module: str) -> frozenset[str]:
    """Return what a module has on Linux and lacks on Windows."""
    return names(module, "linux") - names(module, "win32")


def uses(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield each use of something that Windows lacks: where, and its name."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in lacking(module):
                yield node, f"{module}.{name}"
            case ast.ImportFrom(module=str(module), names=aliases):
                for alias in aliases:
                    if alias.name in lacking(module):
                        yield node, f"{module}.{alias.name}"
            case ast.Import(names=aliases):
                for alias in aliases:
                    there, here = (names(alias.name, system, imported=False) for system in ("win32", "linux"))
                    if here and not there:
                        yield node, alias.name


def unasked(text: str) -> list[str]:
    """Return what a source uses that Windows lacks, without asking first."""
    tree = parse(text)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for use, name in uses(tree):
        node, asked = use, False
        while node in above and not asked:
            child, node = node, above[node]
            if isinstance(node, ast.If | ast.IfExp | ast.BoolOp | ast.Try | ast.With):
                head: list[Any] = [getattr(node, "test", None), *getattr(node, "values", ())]
                head += [one.context_expr for one in getattr(node, "items", ())]
                head += [one.type for one in getattr(node, "handlers", ())]
                asked = any(ASKS.search(ast.unparse(one)) for one in head if one is not None)
            for earlier in (
                getattr(node, "body", ()) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ()
            ):
                if earlier is child:
                    break
                leaves = isinstance(earlier, ast.If) and isinstance(earlier.body[-1], ast.Raise | ast.Return)
                asked = asked or (leaves and ASKS.search(ast.unparse(earlier.test)) is not None)
        if not asked:
            found.append(f"{getattr(use, 'lineno', 0)}: {name}")
    return found


def paths(text: str) -> set[str]:
    """Return the literal paths of a source that only a POSIX system has; prose is none."""
    literals = (node.value for node in ast.walk(parse(text)) if isinstance(node, ast.Constant))
    start = re.compile(r"/(tmp|proc|sys|dev|bin|usr|etc|var|home|root|opt)(/[\w./-]*)?")
    return {one for one in literals if isinstance(one, str) and start.fullmatch(one)}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("os.fork()", ["1: os.fork"]),
        ("os.kill(1, signal.SIGKILL)", ["1: signal.SIGKILL"]),
        ("import fcntl", ["1: fcntl"]),
        ("import pwd", ["1: pwd"]),
        ("from signal import SIGHUP", ["1: signal.SIGHUP"]),
        ("socket.AF_UNIX", ["1: socket.AF_UNIX"]),
        ("time.tzset()", ["1: time.tzset"]),
        ("os.replace(a, b); os.kill(1, signal.SIGTERM)", []),
        ("hasattr(os, 'geteuid') and os.geteuid() == 0", []),
        ("if os.name == 'posix':\n    os.execv(a, b); os.fork()", []),
        ("def f():\n    if os.name != 'posix':\n        raise E\n    with x:\n        os.killpg(1, 2)", []),
        ("def f():\n    if ready:\n        return\n    os.killpg(1, 2)", ["4: os.killpg"]),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("with suppress(ImportError):\n    import fcntl", []),
    ],
)  # fmt: skip
def test_what_counts_as_asking(code: str, found: list[str]) -> None:
    assert unasked(code) == found


def test_nothing_that_windows_lacks_is_used_unasked() -> None:
    found = {str(path.relative_to(REPO)): unasked(path.read_text("utf-8")) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_path_of_one_system_is_taken_for_granted() -> None:
    found = {path.name: paths(path.read_text("utf-8")) - LOOKED_AT for path in SOURCES}
    # The command of a user runs in a shell, where there is one; `unasked` sees that it is asked for.
    assert {name: left for name, left in found.items() if left} == {"shell_command.py": {"/bin/sh"}}


def unfit(path: str) -> bool:
    """Return whether Windows refuses a path, or makes another one of it."""
    device = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
    parts = path.split("/")
    return any(re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part) or device.match(part) for part in parts)


def test_files_of_the_repository_have_names_that_every_system_takes() -> None:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=REPO,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    assert listed
    assert [path for path in listed if unfit(path)] == []
    assert len({path.casefold() for path in listed}) == len(listed)


def test_files_of_a_workspace_have_names_that_every_system_takes(tmp_path: Path) -> None:
    with mw.Workspace(tmp_path, endpoint="sandbox", speed=200) as ws:
        samples = ws.samples()
        req = mw.MotionRequest(
            model="kling-v2-6-motion-control",
            image_url=samples.image,
            video_url=samples.clip_6s,
            prompt='a: "b" <c>?',
        )
        ws.submit(req, max_cost=0.50).wait()
    made = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert any(path.endswith(".mp4") and "results" in path for path in made)
    assert [path for path in made if unfit(path)] == []
    assert len({path.casefold() for path in made}) == len(made)
    assert max(map(len, made)) < 120  # of the 260 characters that Windows takes by default


@pytest.mark.parametrize(
    ("path", "wrong"), [("a/con.txt", True), ("a:b", True), ("a./b", True), ("console/a.b", False)]
)
def test_what_windows_refuses(path: str, wrong: bool) -> None:
    assert unfit(path) is wrong


def test_the_stubs_say_what_this_system_has() -> None:
    # If mypy moved its stubs, the tests above would find nothing and pass.
    assert {"fork", "killpg", "geteuid"} <= lacking("os")
    assert "getpid" not in lacking("os")
    assert sys.platform != "linux" or "fork" in names("os", "linux")
