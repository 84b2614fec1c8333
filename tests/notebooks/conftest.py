"""Jupyter with a planted key, at this interpreter's kernel."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.notebooks._counter import PLANTED, Counter, counting

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def counter() -> Iterator[Counter]:
    """Count what reaches the endpoint."""
    with counting() as counter:
        yield counter


@pytest.fixture
def planted(
    counter: Counter, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Counter:
    """Plant a live key, and point Jupyter at folders of its own and at this interpreter's kernel."""
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "IPYTHON", "JPY_", "MOTION_WIDGETS", "XDG_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        monkeypatch.setenv(f"JUPYTER_{name}", str(home / name.lower()))
    monkeypatch.setenv("JUPYTER_PATH", str(home / "first"))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("APIMART_API_KEY", PLANTED)
    monkeypatch.setenv("APIMART_BASE_URL", counter.url)
    kernel = home / "first" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    return counter
