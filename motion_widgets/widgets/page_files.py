"""How the page gets files of a workspace: by an address of the server it came from, or from the kernel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.widgets.server_root import server_root

if TYPE_CHECKING:
    from motion_widgets.log.rows import JobRow
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.player_wall import WallCell
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["PageFiles", "PlayerFiles", "page_path"]


class PageFiles:
    """The files of a workspace's folder that its players may show.

    Parameters
    ----------
    ws
        The workspace.
    """

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._samples: set[str] = set()

    def path(self, name: str) -> str | None:
        """Return by which `path` a `WallCell` names a file of the folder. None: there is no such file."""
        found = stored_file(self._ws.folder, name)
        return None if found is None else page_path(found)

    def sample(self, file: Path) -> str:
        """Return by which `path` a `WallCell` names a sample, which every page may show."""
        path = page_path(file)
        self._samples.add(path)
        return path

    def read(self, path: str) -> bytes | None:
        """Return a clip for a page that cannot reach it; None: it is not a file of this workspace."""
        whole = Path(path) if Path(path).is_absolute() else server_root() / path
        if path in self._samples:
            return whole.read_bytes()
        if not whole.is_relative_to(self._ws.folder):
            return None
        found = stored_file(self._ws.folder, whole.relative_to(self._ws.folder).as_posix())
        return None if found is None else found.read_bytes()


class PlayerFiles(PageFiles):
    """The files that a panel's players show; what lies at the shared path alone is fetched first."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel.ws)
        self._panel = panel
        self._wanted: list[JobRow] = []
        self._lacking: dict[str, str] = {}
        """Jobs whose files were asked for at the shared path, and why they are not there either."""

    def place(self, cell: WallCell, row: JobRow, name: str) -> WallCell:
        """Put a file of a job into a cell, or the words for one that is not in the folder."""
        path = self.path(name) if name else None
        if path is not None:
            cell["path"] = path
        elif self._ws.shared is None:
            cell["state"], cell["message"] = say("wall_lost"), say("wall_lost_why", name=name or "\u2013")
        else:
            if row.id not in self._lacking:
                self._lacking[row.id] = ""
                self._wanted.append(row)
            cell["message"] = why = self._lacking[row.id]
            cell["state"] = say("shared_absent") if why else say("shared_fetching", place=self._ws.shared)
        return cell

    def fetch(self) -> None:
        """Fetch, off the callbacks, what was placed and is not here; then the panel is drawn."""
        rows, self._wanted = self._wanted, []
        if rows:
            self._panel.later(f"fetch {rows[0].id}", partial(self._fetch, rows))

    def _fetch(self, rows: list[JobRow]) -> None:
        for row in rows:
            try:
                self._ws.team.fetch_inputs(row)
                self._ws.result_of(row)
            except LogError as error:
                self._lacking[row.id] = str(error)
            self._panel.redraw()

    def look_again(self) -> None:
        """Ask again for what did not come."""
        self._lacking.clear()


def page_path(file: Path) -> str:
    """Return by which `path` a `WallCell` names a file."""
    root = server_root()  # the page reaches what lies below it; only the kernel reads other paths
    served = file.is_relative_to(root) and not in_visitor_mode()
    return (file.relative_to(root) if served else file).as_posix()
