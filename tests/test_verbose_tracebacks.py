"""`%xmode Verbose` in a real IPython: no frame shows a key or a database's password, whatever raises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import motion_widgets as mw
from motion_widgets.endpoint.api_key import Secret

KEY = "sk-Pl4ntedQ7xZ2vN9mK5tR8wB3cY6h"
BROKEN = "sk-Pl4nted Q7xZ2vN9mK5tR8wB3cY6h"
PASSWORD = "hunt3rTw0Pa55w0rd"
SERVER = f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:9/log?connect_timeout=2"
IN_QUERY = f"postgresql+psycopg://127.0.0.1:9/log?connect_timeout=2&password={PASSWORD}"
CALLS = {
    "a malformed key": "mw.Workspace('ws', 'apimart', key=key)",
    "a folder that cannot be": "mw.Workspace('/proc/nowhere', 'apimart', key=key)",
    "a wrong endpoint": "mw.Workspace('ws', 'nonsense', key=key)",
    "no https": "mw.Workspace('ws', 'http://203.0.113.1', key=key)",
    "switch": "mw.Workspace('ws').switch('apimart', key=key)",
    "switch to nowhere": "mw.Workspace('ws').switch('nonsense', key=key)",
    "first contact with a sandbox": "first_contact('ws', 'sandbox', max_cost=1, key=key)",
    "first contact": "first_contact('ws', 'http://127.0.0.1:9', max_cost=1, key=key)",
    "balance": "mw.Workspace('ws', 'http://127.0.0.1:9', key=key).balance()",
    "reconcile": "reconcile(mw.Workspace('ws', 'http://127.0.0.1:9', key=key), since='never')",
    "find_key": "find_key('https://h', key=key)",
    "no server": "mw.Workspace('ws', log=server, key=key)",
    "no server, by the environment": "mw.Workspace('ws', key=key)",
    "no server, by Log": "Log(server)",
    "log check": "(lambda options: options.run(options))(main._parser().parse_args(['log', 'check']))",
    "log": "main._log(main._parser().parse_args(['log']))",
    "check-live": "main._check_live(main._parser().parse_args(['check-live', '--folder', '/proc/nowhere']))",
}
# Frames show source lines, and so any word that stands in one, such as `next`.
ENDED = "-- the cell ended --"
HEAD = """
import os
import motion_widgets as mw
from motion_widgets.audit.first_contact import first_contact
from motion_widgets.audit.reconcile import reconcile
from motion_widgets.cli import main
from motion_widgets.endpoint.api_key import find_key
from motion_widgets.log.store import Log
def told(name): return os.environ[name]
%xmode Verbose
"""


def run_cells(cells: list[str], folder: Path, **environment: str) -> str:
    """Run cells in an IPython of its own; return all that it printed."""
    script = folder / "cells.ipy"
    # A cell's own globals are the person's: those are looked up where no frame shows them.
    lines = [HEAD, *(f"get_ipython().run_cell({one!r})\nprint({ENDED!r})" for one in cells)]
    script.write_text("\n".join(lines), "utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("APIMART", "MOTION_"))}
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", str(script)]
    ended = subprocess.run(
        command, env={**clean, "IPYTHONDIR": str(folder / "ipython"), **environment}, cwd=folder,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.stdout.splitlines().count(ENDED) == len(cells), ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("key", "log"),
    [
        (KEY, SERVER), (BROKEN, SERVER), (KEY, IN_QUERY), (BROKEN, f"postgresql://me:{PASSWORD}"),
        (KEY, f"nodriver://me:{PASSWORD}@h/l"),
    ],
)  # fmt: skip
def test_no_frame_shows_a_key_or_a_password(key: str, log: str, tmp_path: Path) -> None:
    """The names `key` and `server` become calls, so that a cell itself shows neither."""
    cells = [
        call.replace("=key", "=told('TOLD_KEY')").replace("server", "told('TOLD_LOG')")
        for name, call in CALLS.items()
        if log == SERVER or "log" in name or "server" in name
    ]
    environment = {"TOLD_KEY": key, "TOLD_LOG": log, "MOTION_WIDGETS_LOG": log}
    if log == SERVER and key == KEY:
        environment.pop("MOTION_WIDGETS_LOG")  # the folder's own log, so that calls come further
    told = run_cells(cells, tmp_path, **environment)
    assert told.count("Error") >= len(cells)
    assert "__init__" in told
    assert "Q7xZ2vN9" not in told
    assert PASSWORD not in told
    assert Secret(KEY).conceal(told) == told


def test_the_test_sees_what_a_frame_shows(tmp_path: Path) -> None:
    told = run_cells(["def f(key): 1/0", "f(told('TOLD_KEY'))"], tmp_path, TOLD_KEY=KEY)
    assert KEY in told


def test_only_one_module_names_the_environment() -> None:
    """IPython shows the value of `os.environ`, key and all, for each frame whose lines mention it."""
    package = Path(mw.__file__).parent
    code = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    found = [name for name, text in code.items() if re.search(r"\b(environ\b(?!`)|getenv)", text)]
    # `visitor` takes the secrets out of it.
    assert sorted(found) == ["core/hidden.py", "core/visitor.py"]
