"""The files that a row, a pack or a sidecar may name: in the workspace's folders, and what their name says.

Rows come from elsewhere too, and so may whole folders. A name alone opens nothing: a link on the way leads
nowhere, and a file whose content is another than its ending says is taken for none.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from motion_widgets.core.hashing import sha256_of
from motion_widgets.log.names import is_safe_path
from motion_widgets.media.probe.sniff import fits_ending

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["free_place", "stored_file", "stored_input"]


def stored_file(root: Path, name: object) -> Path | None:
    """Return the file of a workspace that a name means. None: there is none, or it may not be named.

    Parameters
    ----------
    root
        The workspace's folder.
    name
        Relative to it, as a row says.
    """
    path = _place(root, name)
    with contextlib.suppress(OSError):  # what cannot be read is not here
        if path is not None and path.is_file() and fits_ending(path, path.name):
            return path
    return None


def free_place(root: Path, name: str) -> Path | None:
    """Return where a new file of this name belongs, its folder made. None: it is taken, or may not be named.

    Raises OSError where the folder cannot be made.
    """
    path = _place(root, name)
    if path is None or path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _place(root: Path, name: object) -> Path | None:
    """Return the path of a name. None: it may not be named, or there is a link on the way."""
    if not isinstance(name, str) or not is_safe_path(name):
        return None
    path = root / name
    inside = path.parents[: name.count("/") - 1]  # the folder itself may be a link of the user's own
    return None if any(one.is_symlink() for one in (path, *inside)) else path


def stored_input(root: Path, name: object, sha: object) -> Path | None:
    """Return the copy of an input, known by its content. None: it is not here, or has changed."""
    path = stored_file(root, name)
    with contextlib.suppress(OSError):  # what cannot be read is not here
        if path is not None and path.is_relative_to(root / "inputs") and sha256_of(path) == sha:
            return path
    return None
