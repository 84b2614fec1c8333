"""The request as code: shown in several languages, and read back from pasted JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets._html import esc
from motion_widgets.widgets.base import button, control, flow, html, put
from motion_widgets.widgets.snippets import KINDS, snippet

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel

__all__ = ["CodeCard"]


class CodeCard(w.VBox):
    """Shows a request as code, and takes one as JSON.

    Parameters
    ----------
    host
        The form: its workspace and line.
    get, load
        Read the request as it stands, and put one into the form.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], MotionRequest], load: Callable[[MotionRequest], None]
    ) -> None:
        super().__init__()
        self.add_class("mw-card")
        self._host, self._get, self._load = host, get, load
        self.kind = control(w.Dropdown, say("form_code"), options=list(KINDS))
        self.kind.observe(lambda _: self.draw(), "value")
        self._code = html()
        self.paste = control(w.Textarea, say("form_paste"), placeholder='{"model": …}', rows=2)
        self.take = button(say("form_paste_button"), self._pasted)
        self.children = (self.kind, self._code, self.paste, flow(self.take))

    def draw(self) -> None:
        """Show the request as it stands."""
        text = snippet(self.kind.value, self._get(), self._host.ws)
        put(self._code, "value", f'<pre class="mw-json" tabindex="0">{esc(text)}</pre>')

    def _pasted(self) -> None:
        try:
            self._load(MotionRequest.from_wire(json.loads(self.paste.value)))
        except RequestError as error:
            self._host.tell(str(error), bad=True)
        except (ValueError, RecursionError) as error:
            self._host.tell(say("paste_wrong", why=str(error)), bad=True)
        else:
            self._host.tell(say("paste_done"))
            self.paste.value = ""
