"""The request as code: JSON, curl or Python to copy, and pasted JSON read back into the form."""

from __future__ import annotations

import dataclasses
import json
import pprint
import shlex
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.media_source import media_kind, media_source
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.fold import Fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["KINDS", "CodeCard", "snippet"]

KINDS = ("JSON", "curl", "Python")
_MOST = 100_000
"""Characters of a pasted request."""


class CodeCard(Fold):
    """Shows a request as code, and takes one as JSON.

    `get` returns the current request; `load` puts one into the form.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], MotionRequest], load: Callable[[MotionRequest], None]
    ) -> None:
        self._host, self._get, self._load = host, get, load
        self.kind = ui.control(w.Dropdown, say("form_code"), options=list(KINDS))
        self.kind.observe(host.edge.guard(lambda _: self.draw()), "value")
        self._code = ui.html()
        self.paste = ui.control(w.Textarea, say("form_paste"), placeholder='{"model": …}', rows=2)
        self.take = ui.button(host.edge, say("form_paste_button"), self._pasted)
        body = (self.kind, self._code, self.paste, ui.flow(self.take))
        super().__init__(host.edge, say("form_show_code"), *body, on_turn=self.draw)

    def draw(self) -> None:
        """Show the current request, if somebody looks."""
        if not self.is_open:
            return
        text = snippet(self.kind.value, self._get(), self._host.ws)
        ui.assign(self._code, "value", f'<pre class="mw-json" tabindex="0">{escape(text)}</pre>')

    def _pasted(self) -> None:
        try:
            text = ui.require_typed(self.paste.value, say("form_paste"), most=_MOST)
            self._load(MotionRequest.from_wire(json.loads(text)))
        except RequestError as error:
            self._host.announce(str(error), bad=True)
        except (ValueError, RecursionError) as error:
            self._host.announce(say("paste_wrong", why=str(error)), bad=True)
        else:
            self._host.announce(say("paste_done"))
            self.paste.value = ""


def snippet(kind: str, req: MotionRequest, ws: Workspace) -> str:
    """Return a request as text of a kind of `KINDS`; a key is only ever named, never shown."""
    if kind == "Python":
        return _python(req, ws)
    wire: dict[str, Any] = dict(req.to_wire())
    for field in FIELDS:
        if field.kind == "media" and media_kind(wire.get(field.name)) == "path":
            wire[field.name] = say("link_at_submit", name=str(media_source(wire[field.name])))
    text = json.dumps(wire, ensure_ascii=False, indent=1, default=str)
    if kind == "JSON":
        return text
    base = ws.connection.target.base_url or "http://127.0.0.1:PORT"
    token = "$APIMART_API_KEY" if ws.live else "$SANDBOX_TOKEN"
    return (
        f"curl -X POST {base}/v1/videos/generations \\\n"
        f'  -H "Authorization: Bearer {token}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f'  -H "Idempotency-Key: $(uuidgen)" \\\n'
        f"  -d {shlex.quote(text)}"
    )


def _python(req: MotionRequest, ws: Workspace) -> str:
    values = {field.name: getattr(req, field.name) for field in dataclasses.fields(MotionRequest)}
    set_ones = {name: value for name, value in values.items() if value not in (None, "")}
    lines = "".join(f"    {name}={pprint.pformat(value)},\n" for name, value in set_ones.items())
    folder = ws.folder.name if in_visitor_mode() else str(ws.folder)
    return (
        "import motion_widgets as mw\n\n"
        f"ws = mw.Workspace({folder!r}, endpoint={ws.endpoint!r})\n"
        f"req = mw.MotionRequest(\n{lines})\n"
        "job = ws.submit(req, max_cost=ws.estimate(req).high)\njob.wait()\njob.result"
    )
