"""A page of rows with everything that a person does to them. This room draws; it knows no log and no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RowGrid"]

_CODES = (
    "log_all_shown", "log_choose", "log_stars_of", "log_usable_of", "log_usable_none", "log_usable_yes",
    "log_usable_no", "log_edit", "log_edit_of", "log_note", "log_tags", "log_save", "log_cancel",
    "log_filters", "log_filters_count", "log_filter_all", "log_filter_deleted", "log_filter_clear",
    "log_chosen", "log_chosen_none", "log_compare", "log_load", "log_delete", "log_restore", "log_unchoose",
    "log_search", "log_search_hint", "log_stars_none", "log_stars_least",
    "newer", "older", "tab_log", "column_stars", "column_usable", "column_said", "filter_stars",
    "filter_usable",
)  # fmt: skip


class RowGrid(PageWidget, scripts=("grid_row", "row_grid"), codes=_CODES):
    """Rows as a table with filters, sorting, marks and actions.

    Parameters
    ----------
    on_message
        Called with what the page asks for: ``{"type": "mark" | "act", …}``. It must not block.
    """

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

    def __init__(self, *, on_message: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._handle = on_message

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        self._handle(content)
