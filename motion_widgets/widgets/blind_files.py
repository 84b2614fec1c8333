"""Clips under names that say nothing, for as long as they are compared blind."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING

from motion_widgets.widgets.page_files import PageFiles

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["BlindFiles"]


class BlindFiles:
    """Puts clips side by side under random names in the workspace's ``blind/``, where the page finds them.

    Only the latest ones are there; the originals are where they were.
    """

    def __init__(self, ws: Workspace) -> None:
        self._folder = ws.folder / "blind"
        self._files = PageFiles(ws)
        self._laid: list[Path] = []

    def lay_out(self, **clips: Path | None) -> dict[str, str]:
        """Return by which path the page names each clip from now on; those before are removed."""
        self.close()
        self._folder.mkdir(exist_ok=True)
        return {name: self._lay(clip) for name, clip in clips.items() if clip is not None}

    def _lay(self, clip: Path) -> str:
        laid = self._folder / f"{secrets.token_hex(8)}{clip.suffix}"
        self._laid.append(laid)  # first, so that half a copy goes as well
        try:
            os.link(clip, laid)
        except OSError:  # another file system, or one without links
            shutil.copyfile(clip, laid)
        return self._files.sample(laid)

    def read(self, path: str) -> bytes | None:
        """Return a clip's bytes for a page that cannot reach it."""
        return self._files.read(path)

    def close(self) -> None:
        """Remove what is laid out."""
        for laid in self._laid:
            laid.unlink(missing_ok=True)
        self._laid.clear()
