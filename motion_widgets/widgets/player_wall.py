"""A wall of clips with one clock: results side by side, frame by frame.

The page fetches the clips itself, from the Jupyter server's `/files/` or Voilà's `/voila/files/`. Only where
neither has one does it ask the kernel, which reads it through the callable it was given.
This module draws; it knows no log and no rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import traitlets as t

from motion_widgets.widgets.page_widget import PageWidget, read_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PlayerWall", "WallCell"]


class WallCell(TypedDict):
    """One place on the wall. Every text may be anything: the page never reads it as HTML.

    `path` is relative to the Jupyter server's root, with `/`; ``""`` where there is nothing to play,
    and then `state` (a word) and `message` (a sentence) say why. `poster` is a picture shown until
    the first frame is there: a path like `path`, or a ``data:image/…`` link. `sound` says whether the
    clip has any; without it the page finds out.
    """

    row: str
    column: str
    label: NotRequired[str]
    caption: NotRequired[str]
    path: NotRequired[str]
    state: NotRequired[str]
    message: NotRequired[str]
    poster: NotRequired[str]
    sound: NotRequired[bool]


class PlayerWall(PageWidget, scripts=("player", "player_clock", "player_wall")):
    """Clips in a labelled grid, played, stepped and scrubbed by one clock.

    Parameters
    ----------
    cells, traits
        The traits below.
    read
        Return a clip's bytes by its `path`, or None where it has none, for hosts whose files the page
        cannot reach. It is called only with a `path` of the current cells, on a thread of the wall's
        own. None: such a clip is marked as not shown.
    """

    cells: t.List[Any] = t.List(t.Dict()).tag(sync=True)
    """What is shown, as `WallCell` dicts. A new list touches only the cells that changed; the others
    play on."""

    rows: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """Names of the rows, top to bottom. Rows that only `cells` name come after them."""

    columns: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """Names of the columns, left to right; the first may hold the reference clip. Columns that only
    `cells` name come after them."""

    fps = t.Float(24.0).tag(sync=True)
    """Frames per second of one step back or forward, and of what counts as in step (half a frame)."""

    length = t.Float(0.0).tag(sync=True)
    """Length of the clock (s); 0: the longest clip's own."""

    autoplay = t.Bool(default_value=False).tag(sync=True)
    """Start playing, silently, once there are clips; never where the reader asked for reduced motion."""

    def __init__(
        self,
        cells: Sequence[WallCell] = (),
        *,
        read: Callable[[str], bytes | None] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(cells=[dict(cell) for cell in cells], **traits)
        self._read = read

    @t.validate("fps")
    def _usable_fps(self, proposal: Mapping[str, Any]) -> float:
        # A clip whose rate is unknown says 0; a step still has to have a length.
        value = float(proposal["value"])
        return value if 0 < value < float("inf") else 24.0

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        path, request = content.get("path"), content.get("id")
        if content.get("type") == "bytes" and isinstance(path, str) and isinstance(request, str):
            self._submit(self._answer, path, request)

    def _answer(self, path: str, request: str) -> None:
        # The page is not trusted with paths: it gets what the kernel put on the wall, and no more.
        shown = path and path in {cell.get("path") for cell in self.cells}
        data = read_or_none(self._read, path) if shown else None
        self._send_bytes({"type": "bytes", "id": request, "path": path}, data)
