"""The tabs of the Studio: a row of titles, one of which is chosen, for the panels beside them."""

from __future__ import annotations

from typing import Any

import traitlets as t

from motion_widgets.widgets.page_widget import PageWidget

__all__ = ["TabBar"]


class TabBar(PageWidget, scripts=("tab_bar",)):
    """A tab for each panel of class ``mw-tab-panel`` around it, in their order; one tab stop, arrows move.

    The page shows the panel of the chosen tab and hides the others, also while the kernel is busy.
    """

    titles: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """What the tabs say."""

    badges: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """A few words behind each title that ask for attention; ``""``: none."""

    label = t.Unicode().tag(sync=True)
    """What the tabs are about, for a screen reader."""

    selected_index = t.Int(0).tag(sync=True)
    """Which tab is chosen."""

    page_language = t.Unicode().tag(sync=True)
    """The browser's language, two letters. The page may send anything."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.add_class("mw-tab-bar")

    @t.validate("selected_index")
    def _in_range(self, proposal: t.Bunch) -> int:
        """Keep to the tabs that exist, whatever a page sends."""
        return max(0, min(int(proposal["value"]), len(self.titles) - 1))
