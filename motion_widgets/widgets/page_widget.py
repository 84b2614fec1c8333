"""The base of the widgets that scripts of `static/` draw: the joined script, its sentences, one thread.

Nothing is built and nothing fetched: the files are joined when their class is made, and travel to the page
in the widget's own state. That state is saved with a notebook, so comments and indentation stay here.
"""

from __future__ import annotations

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from motion_widgets.core.messages import template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PageWidget", "codes_in", "compact", "read_or_none"]

_STATIC = Path(__file__).parent / "static"


def compact(name: str) -> str:
    """Return a file of `static/` without indentation and without the comments that fill whole lines."""
    kept, in_comment = [], False
    for line in map(str.strip, (_STATIC / name).read_text("utf-8").splitlines()):
        in_comment |= line.startswith("/*")
        if line and not in_comment and not line.startswith("//"):
            kept.append(line)
        in_comment &= "*/" not in line
    return "\n".join(kept) + "\n"


def codes_in(script: str) -> set[str]:
    """Return the codes of the sentences that a script names: ``words.log_save``."""
    return set(re.findall(r"\bwords(?:\(\))?\.([a-z][a-z_]*)\b", script))


def read_or_none(read: Callable[[str], bytes | None] | None, name: str) -> bytes | None:
    """Return what a caller's reader has for a name; None: there is no reader, or it failed."""
    try:
        return read(name) if read is not None else None
    except Exception:  # noqa: BLE001 - whatever a reader raises, the page goes without the picture or clip
        return None


class PageWidget(anywidget.AnyWidget):
    """A widget that scripts draw, and that answers their messages.

    A subclass names its scripts, the last of which has a stylesheet of the same name:
    ``class RowGrid(PageWidget, scripts=("grid_row", "row_grid"))``.
    """

    _words = t.Dict().tag(sync=True)
    """The sentences that the scripts name, by code; the page puts the values in."""

    def __init_subclass__(cls, *, scripts: Sequence[str] = (), **options: Any) -> None:
        if scripts:  # not the class that traitlets makes of one, to add traits to an object
            cls._esm = "".join(compact(f"{one}.js") for one in ("shared", *scripts))
            cls._css = compact(f"{scripts[-1]}.css")
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        self._lock = threading.RLock()
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        words = {code: template(code) for code in codes_in(str(self._esm))}
        # A layout of its own: once it is drawn, the page hears no more of anywidget's other layouts.
        super().__init__(_words=words, **traits)
        self.on_msg(self._on_message)

    def _on_message(self, _widget: object, content: object, buffers: object) -> None:
        if isinstance(content, dict):
            self._receive(content, list(buffers) if isinstance(buffers, list | tuple) else [])

    def _receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Handle a message of the page, which may hold anything; it must not block."""

    def _send_bytes(self, message: dict[str, Any], data: bytes | None) -> None:
        """Answer with bytes, or with ``ok: false`` where there are none."""
        if not self._closed:
            self.send({**message, "ok": data is not None}, buffers=[] if data is None else [data])

    def _submit(self, work: Callable[..., None], *args: Any) -> None:
        """Run something on the widget's own thread, in order, unless the widget is closed by then."""

        def run() -> None:
            if not self._closed:
                work(*args)

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
            with contextlib.suppress(RuntimeError):  # the interpreter ends
                thread.submit(self._clean_up)
            thread.shutdown(wait=False)
        super().close()
