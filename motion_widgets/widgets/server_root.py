"""The folder that the page can fetch files from: the root of the Jupyter server or of Voilà."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from motion_widgets.core.hidden import variable

__all__ = ["server_root"]

_START = Path.cwd()  # taken at import: a later os.chdir says nothing about the notebook's place


def server_root() -> Path:
    """Return the folder that the Jupyter server or Voilà serves, as far as the kernel can tell.

    A Jupyter server (Lab, Notebook 7) writes its root into a file of its own, named by its process, which
    started this kernel. Voilà, and servers before 2.0, start a kernel in its notebook's folder and say where
    the notebook lies below their root. Where nothing tells, it is the working directory, and the page may
    have to ask the kernel for the bytes.
    """
    request = urlsplit(variable("VOILA_REQUEST_URL")).path
    if "/voila/render/" in request:
        return _above(unquote(request.split("/voila/render/", 1)[1]))
    root = _of_server(variable("JPY_PARENT_PID") or str(os.getppid()))
    if root is not None and _START.is_relative_to(root):
        return root
    return _above(variable("JPY_SESSION_NAME"))


def _above(notebook: str) -> Path:
    """Return the folder below which a notebook has this path; an absolute one does not tell."""
    told = PurePosixPath(notebook.replace("\\", "/"))
    folders = () if told.is_absolute() else told.parts[:-1]
    if folders and _START.parts[-len(folders) :] == folders:
        return Path(*_START.parts[: -len(folders)])
    return _START


@lru_cache
def _of_server(pid: str) -> Path | None:
    """Return the root of the Jupyter server of a process. None: it is none, or does not say."""
    try:
        # Nothing else of the file is kept: the server's token stands in it.
        return Path(
            json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json").read_bytes())["root_dir"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no server of this machine: VS Code, a remote kernel, a script
