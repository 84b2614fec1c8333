"""The base of the widgets that scripts of `static/` draw: the joined script, its sentences, one thread.

Nothing is built and nothing fetched: the files are joined and packed when their class is made, and travel to
the page in the widget's own state, which is saved with a notebook. `static/unpack.js` unpacks them there.
"""

from __future__ import annotations

import base64
import re
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from motion_widgets.core.logging import going_on, report
from motion_widgets.core.messages import template
from motion_widgets.widgets.edge import Edge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PageWidget", "codes_in", "read_or_none", "style"]

_STATIC = Path(__file__).parent / "static"
_SPARE = re.compile(r'("[^"]*")|/\*[\s\S]*?\*/\s*|(?<=[{};,>:])\s+|\s+(?=[{};,>!\s])|;(?=\s*\})')
"""Comments, and blanks that nothing hangs on, but for those in a text."""


@cache
def style(name: str) -> str:
    """Return a style sheet of `static/` without comments and without the blanks that say nothing."""
    return _SPARE.sub(r"\1", _read(f"{name}.css"))


@cache
def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _packed(script: str) -> str:
    """Return a script that unpacks this one in the page, and calls it."""
    packed = base64.b64encode(zlib.compress(script.encode(), 9)).decode()
    return _read("unpack.js").replace("PACKED", packed)


def codes_in(script: str) -> set[str]:
    """Return the codes of the sentences that a script names: ``words.save``."""
    return set(re.findall(r"\bwords(?:\(\))?\.([a-z][a-z_]*)\b", script))


def read_or_none(read: Callable[[str], bytes | None] | None, name: str) -> bytes | None:
    """Return what a caller's reader has for a name; None: there is no reader, or it failed."""
    try:
        return read(name) if read is not None else None
    except Exception as error:  # noqa: BLE001 - whatever it raises, the page goes without the picture or clip
        report(error, "reading for the page")
        return None


class PageWidget(anywidget.AnyWidget):
    """A widget that scripts draw, and that answers their messages.

    A subclass names its scripts, the last of which has a stylesheet of the same name:
    ``class RowGrid(PageWidget, scripts=("grid_row", "row_grid"))``.
    """

    script = ""
    """What draws it: its scripts, joined."""

    _words = t.Dict().tag(sync=True)
    """The sentences that the scripts name, by code; the page puts the values in."""

    _trouble = t.Unicode().tag(sync=True)
    """What went wrong in the kernel; the page shows it in the widget's own line. ``""``: nothing did."""

    def __init_subclass__(cls, *, scripts: Sequence[str] = (), **options: Any) -> None:
        if scripts:  # not the class that traitlets makes of one, to add traits to an object
            cls.script = "".join(_read(f"{one}.js") for one in ("shared", *scripts))
            cls._esm, cls._css = _packed(cls.script), style(scripts[-1])
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        self._lock = threading.RLock()
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        self.edge = Edge(type(self).__name__, self._show_trouble)
        """Where errors of its callbacks end."""
        # Not a shared layout: once it is drawn, the page hears no more of another one that anywidget gets.
        super().__init__(_words=self._spoken(), **traits)
        self.on_msg(self.edge.guard(self._on_message))

    def _spoken(self) -> dict[str, str]:
        """Return the sentences that the scripts name, in the language that is spoken now."""
        return {code: template(code) for code in codes_in(self.script)}

    def _show_trouble(self, text: str) -> None:
        if not self._closed:
            self._trouble = text

    def _on_message(self, _widget: object, content: object, buffers: object) -> None:
        if isinstance(content, dict):
            self._receive(content, list(buffers) if isinstance(buffers, list | tuple) else [])

    def _receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Handle a message of the page, which may hold anything; it must not block."""

    def _send_bytes(self, message: dict[str, Any], data: bytes | None) -> None:
        """Answer with bytes, or with ``ok: false`` where there are none."""
        if not self._closed:
            self.send({**message, "ok": data is not None}, buffers=[] if data is None else [data])

    def _send_file(
        self, request: str, path: str, read: Callable[[str], bytes | None] | None, *, shown: object
    ) -> None:
        """Answer a `Bytes` of the page, which is not trusted with paths: it gets what is `shown`, no more."""
        self._send_bytes({"type": "bytes", "id": request}, read_or_none(read, path) if shown else None)

    def _submit(self, work: Callable[..., None], *args: Any) -> None:
        """Run something on the widget's own thread, in order, unless the widget is closed by then."""

        def run() -> None:
            if not self._closed:
                self.edge.run(partial(work, *args))

        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix=type(self).__name__)
            self._thread.submit(run)

    def _clean_up(self) -> None:
        """Remove what a closed widget would leave behind; called on its thread, if it has one."""

    def close(self) -> None:
        """Take the widget from the page and end its thread."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            with going_on("cleaning up"):  # a thread takes nothing any more while the interpreter ends
                thread.submit(self.edge.run, self._clean_up)
            thread.shutdown(wait=False)
        super().close()
