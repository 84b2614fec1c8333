"""The folder that a workspace opens: the one that is named, or a visitor's own, which ends with them.

A folder may come from anybody. Links in it that lead elsewhere are followed only where this user chose
something for the folder (`settings.chosen`); otherwise files of the user's could be read or written there.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.hidden import variable
from motion_widgets.core.visitor import confine, in_visitor_mode, is_shared_page
from motion_widgets.log.names import FOLDERS
from motion_widgets.workspace.settings import chosen
from motion_widgets.workspace.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXAMPLE", "FOLDER", "open_folder"]

EXAMPLE = "MOTION_WIDGETS_EXAMPLE"
"""Names a packed workspace in the environment, with a copy of which each visitor begins."""
FOLDER = "MOTION_WIDGETS_FOLDER"
_FOLDERS = ("blind", *FOLDERS, "samples", "sandbox")
_FILES = ("log.sqlite", "workspace.", "published.", "prices.")
"""How the names of a workspace's own files begin."""


def open_folder(folder: str | Path | None, *, visitor: bool | None, elsewhere: bool) -> Path:
    """Return the folder of a workspace; in visitor mode one inside the kernel's own temporary folder.

    Parameters
    ----------
    folder
        As it was named. None: ``MOTION_WIDGETS_FOLDER``, else the working directory. Of a visitor's, only the
        name is used.
    visitor
        Whether strangers drive this kernel. None: if it is Voilà's.
    elsewhere
        Whether an address of the log or a shared path was given.

    Raises
    ------
    RequestError
        A visitor's log or files would be kept where others see them.
    LogError
        The example cannot be unpacked, there is no room for temporary files, or a link in a folder that is
        not this user's leads out of it.
    """
    if not (in_visitor_mode() or (is_shared_page() if visitor is None else visitor)):
        found = path_of(folder or variable(FOLDER) or ".", LogError).absolute()
        for link, target in () if chosen(found) else _links_out(found):
            raise LogError.of("folder_link", name=link, target=target)
        return found
    example = variable(EXAMPLE)
    try:
        held = confine()
    except OSError as error:
        raise LogError.of("visitor_no_room", reason=error.strerror or str(error)) from error
    if elsewhere:
        raise RequestError.of("visitor_elsewhere")
    own = held.folder / (Path(folder or "").name or "workspace")
    if not own.exists() and example:
        unpack(Path(example), own)
    return own


def _links_out(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the links in what a workspace reads and writes that lead out of its folder, and where to."""
    inside = Path(os.path.realpath(folder))  # the folder itself may be a link of the user's own
    ours = (folder / name for name in _FOLDERS)
    below = (Path(at, name) for top in ours for at, some, more in os.walk(top) for name in (*some, *more))
    for one in chain(folder.glob("*"), below):
        if one.is_symlink() and _is_ours(one.relative_to(folder).parts[0]):
            target = Path(os.path.realpath(one))
            if not target.is_relative_to(inside):
                yield one, target


def _is_ours(name: str) -> bool:
    return name in _FOLDERS or name.startswith(_FILES)
