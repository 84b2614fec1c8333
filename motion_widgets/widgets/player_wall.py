"""A wall of clips with one clock: results side by side, frame by frame.

The page fetches the clips itself, from the Jupyter server's `/files/` or Voilà's `/voila/files/`. Only where
neither has one does it ask the kernel, which reads it through the callable it was given.
This module draws; it knows no log and no rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import traitlets as t

from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PlayerWall", "WallCell"]


class WallCell(TypedDict):
    """One place on the wall. Every text may be anything: the page never reads it as HTML.

    `path` is relative to the Jupyter server's root, with `/`; ``""`` where there is nothing to play,
    and then `state` (a word) and `message` (a sentence) say why, and `progress` (%) how far it is.
    `poster` is a picture, as a ``data:image/…`` link, shown until the first frame is there. A cell with the
    `id` of a job takes stars: `stars` of 5, 0 while it has none.
    """

    row: str
    column: str
    label: NotRequired[str]
    caption: NotRequired[str]
    path: NotRequired[str]
    state: NotRequired[str]
    message: NotRequired[str]
    progress: NotRequired[int]
    poster: NotRequired[str]
    id: NotRequired[str]
    stars: NotRequired[int]


class PlayerWall(PageWidget, scripts=("children", "player", "player_clock", "result_row", "player_wall")):
    """Clips in a labelled grid, played, stepped and scrubbed by one clock.

    Parameters
    ----------
    cells, traits
        The traits below.
    read
        Return a clip's bytes by its `path`, or None where it has none, for hosts whose files the page
        cannot reach. It is called only with a `path` of the current cells, on a thread of the wall's
        own. None: such a clip is marked as not shown.
    on_said
        Called with a job's id, what a person said of it (``"stars"``, ``"usable"`` or ``"note"``) and the
        value, of any kind. It must not block.
    """

    view = t.Enum(["wall", "stage", "sample"], "wall").tag(sync=True)
    """A labelled grid; one clip and its result large, compared in a `mode`; or one clip that only plays."""

    mode = t.Enum(["side", "result", "wipe"], "side").tag(sync=True)
    """How a stage compares: side by side, the last cell alone, or the last one behind a divider."""

    heading = t.Unicode().tag(sync=True)
    """What stands above a stage."""

    note = t.Unicode().tag(sync=True)
    """What stands beside its heading."""

    result = t.Dict().tag(sync=True)
    """What is said of a stage's result: `id`, `name` of the saved file, `stars`, `usable` and `note`. Empty:
    there is none."""

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

    autoplay = t.Bool(default_value=False).tag(sync=True)
    """Start playing, silently, once there are clips; never where the reader asked for reduced motion."""

    def __init__(
        self,
        cells: Sequence[WallCell] = (),
        *,
        read: Callable[[str], bytes | None] | None = None,
        on_said: Callable[[str, str, object], None] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(cells=[dict(cell) for cell in cells], **traits)
        self._read, self._on_said = read, on_said

    @t.validate("fps")
    def _usable_fps(self, proposal: Mapping[str, Any]) -> float:
        # A clip whose rate is unknown says 0; a step still has to have a length.
        value = float(proposal["value"])
        return value if 0 < value < float("inf") else 24.0

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        path, request = content.get("path"), content.get("id")
        if content.get("type") == "said" and self._on_said is not None:
            self._on_said(str(request), str(content.get("what")), content.get("value"))
        if content.get("type") == "bytes" and isinstance(path, str) and isinstance(request, str):
            self._submit(self._answer, path, request)

    def _answer(self, path: str, request: str) -> None:
        shown = path and path in {cell.get("path") for cell in self.cells}
        self._send_file(request, path, self._read, shown=shown)
