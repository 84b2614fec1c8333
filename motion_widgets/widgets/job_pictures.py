"""Small pictures of jobs: a frame of the result, or else the image that was sent."""

from __future__ import annotations

import contextlib
import io
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from motion_widgets.core.errors import MotionError
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.log.states import State
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.widgets.media_preview import data_link

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["JobPictures", "job_picture"]

HEIGHT = 92
"""px."""
MOST_BYTES = 6000
"""Of a picture."""
KEPT = 200
"""Pictures of a workspace that are kept."""
_PICTURES: WeakKeyDictionary[Workspace, JobPictures] = WeakKeyDictionary()


class JobPictures:
    """The small pictures of a workspace's jobs; all its panels share them. Making one takes some 0.2 s."""

    def __init__(self) -> None:
        self._links: OrderedDict[str, str] = OrderedDict()
        """``data:`` links by the file's path in the folder; ``""``: it has no picture."""

    @classmethod
    def of(cls, ws: Workspace) -> JobPictures:
        """Return those of a workspace."""
        return _PICTURES.setdefault(ws, cls())

    def get(self, row: JobRow) -> str:
        """Return the picture of a job as a ``data:`` link. ``""``: none was made (yet)."""
        return self._links.get(_shown(row), "") or self._links.get(row.image_path or "", "")

    def lacks(self, rows: Iterable[JobRow]) -> bool:
        """Return whether a picture of these jobs may still be made."""
        return any(_shown(row) and _shown(row) not in self._links for row in rows)

    def make(self, ws: Workspace, rows: Iterable[JobRow]) -> None:
        """Make the pictures that these jobs lack. Blocks."""
        for row in rows:
            name = _shown(row)
            if not name or name in self._links:
                continue
            whole = job_picture(ws, name, HEIGHT * 2)
            self._links[name] = "" if whole is None else data_link(_small(whole))
            while len(self._links) > KEPT:
                self._links.popitem(last=False)


def _shown(row: JobRow) -> str:
    """Return the file whose picture stands for a job."""
    result = row.result_path if row.state == State.COLLECTED else None
    return result or row.image_path or ""


def job_picture(ws: Workspace, path: str | None, height: int) -> bytes | None:
    """Return a small picture of a job's image, clip or result that lies in the workspace; None: it does not.

    Parameters
    ----------
    path
        As the log names it.
    height
        px.
    """
    found = stored_file(ws.folder, path) if path else None
    if found is None:
        return None
    with contextlib.suppress(MotionError, OSError):  # damaged: the job goes without
        is_clip = found.suffix.lower() in (".mp4", ".mov")
        return filmstrip(found, frames=1, height=height) if is_clip else thumbnail(found, height)
    return None


def _small(picture: bytes) -> bytes:
    """Return a picture as a JPEG of `MOST_BYTES` at most."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((HEIGHT * 2, HEIGHT))
    data = b""
    for quality in (80, 60, 40, 20):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        data = out.getvalue()
        if len(data) <= MOST_BYTES:
            break
    return data
