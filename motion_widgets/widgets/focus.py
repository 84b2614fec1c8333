"""The keyboard's place: where the focus goes after an action, and that it is never lost to the page.

One widget without a look of its own serves all panels of a kernel. Its script moves the focus where a panel
asks (`Panel.focus`), and to the nearest control where the one that had it was hidden, disabled or removed.
As it stands in every panel, it marks the panel's language too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import traitlets as t

from motion_widgets.core.messages import language
from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    import ipywidgets as w

__all__ = ["Focus"]


class Focus(PageWidget, scripts=("focus",)):
    """Moves the keyboard's focus in the page."""

    _lang = t.Unicode().tag(sync=True)
    """The language of the sentences, as HTML names it."""

    def __init__(self) -> None:
        super().__init__(_lang=language())
        self.add_class("mw-focus")

    def translate(self) -> None:
        """Take the sentences of the language that is spoken now."""
        self._words, self._lang = self._spoken(), language()

    def move(self, widget: w.DOMWidget) -> None:
        """Move the focus to a widget, as soon as it is drawn; see `Panel.focus`."""
        name = f"mw-at-{widget.model_id[:12]}"
        widget.add_class(name)
        self.send({"to": name})
