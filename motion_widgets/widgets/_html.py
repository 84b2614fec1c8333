"""Where the widgets take escaping from; it is `markup`'s."""

from __future__ import annotations

from motion_widgets.core.html import esc, user

__all__ = ["esc", "user"]
