"""A page of rows with everything that a person does to them. This room draws; it knows no log and no rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from motion_widgets.core.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RowGrid"]

_STATIC = Path(__file__).parent / "static"
_SAID = (
    "all_shown", "choose", "stars_of", "usable_of", "usable_none", "usable_yes", "usable_no", "edit",
    "edit_of", "note", "tags", "save", "cancel", "filters", "filters_count", "filter_all", "filter_deleted",
    "filter_clear", "chosen", "chosen_none", "compare", "load", "delete", "restore", "unchoose", "search",
    "search_hint", "stars_none", "stars_least",
)  # fmt: skip
# Templates: the page fills them in.
_WORDS = {
    **{name: MESSAGES[f"log_{name}"] for name in _SAID},
    **{name: MESSAGES[name] for name in ("newer", "older", "tab_log")},
    **{name: MESSAGES[name] for name in ("column_stars", "column_usable", "column_said")},
    **{name: MESSAGES[name] for name in ("filter_stars", "filter_usable")},
}


class RowGrid(anywidget.AnyWidget):
    """Rows as a table with filters, sorting, marks and actions.

    Parameters
    ----------
    on_message
        Called with what the page asks for: ``{"type": "mark" | "act", …}``. It must not block.
    """

    _esm = _STATIC / "row_grid.js"
    _css = _STATIC / "row_grid.css"

    view: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What is shown: ``columns``, ``rows``, ``facets``, ``first``, ``total``, ``said``, ``same``. Texts may
    be anything: the page never reads them as HTML."""

    ask: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What the page asks for: ``search``, ``values``, ``tag``, ``stars``, ``usable``, ``deleted``, ``sort``,
    ``down`` and ``first``. It comes from the page, so it may be anything."""

    chosen: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """The ids that are ticked, on whatever page they are."""

    actions: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """``rerun`` (the button's words, ``ready``, ``why``), and whether there are ``compare`` and ``load``."""

    _words = t.Dict(_WORDS).tag(sync=True)

    def __init__(self, *, on_message: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self.on_msg(lambda _, content, __: on_message(content) if isinstance(content, dict) else None)
