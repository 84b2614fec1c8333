"""Which folder a command works in, where none is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.cli.terminal import tell_error
from motion_widgets.core.errors import LogError
from motion_widgets.core.hidden import variable
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    import argparse

__all__ = ["WORKSPACE", "folder_of", "no_log"]

WORKSPACE = "workspace"
"""The folder that ``demo`` and the notebooks make."""
_LOG = "log.sqlite"
_MOST = 5
"""Places that are named."""


def folder_of(options: argparse.Namespace) -> Path:
    """Return the folder that is named; where none is, this one, or ``workspace/`` if only that has a log."""
    from motion_widgets.workspace.folder import FOLDER
    from motion_widgets.workspace.workspace import LOG

    named = options.folder or variable(FOLDER)
    elsewhere = named or variable(LOG)
    here = Path(named or ".").expanduser().absolute()
    below = here / WORKSPACE
    if elsewhere or (here / _LOG).exists() or not (below / _LOG).is_file():
        return here
    tell_error(say("cli_folder_below", name=WORKSPACE))
    options.folder = WORKSPACE  # said once, and what else asks gets the same
    return below


def no_log(folder: Path) -> LogError:
    """Return the error that there is no log in a folder, with the places near by that have one."""
    around = [*folder.glob(f"*/{_LOG}"), *folder.parent.glob(f"*/{_LOG}"), *folder.parent.glob(_LOG)]
    places = list(dict.fromkeys(str(one.parent) for one in around))[:_MOST]
    if places:
        return LogError.of("cli_no_log_but", name=folder, places=", ".join(places))
    return LogError.of("cli_no_log", name=folder)
