"""The request as code to take along: exact JSON, curl, Python."""

from __future__ import annotations

import json
import pprint
import shlex
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say
from motion_widgets.request.request import MotionRequest, media_kind, media_source

if TYPE_CHECKING:
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["KINDS", "snippet"]

KINDS = ("JSON", "curl", "Python")


def snippet(kind: str, req: MotionRequest, ws: Workspace) -> str:
    """Return a request as text of a kind of `KINDS`; a key is only ever named, never shown."""
    if kind == "Python":
        return _python(req, ws)
    wire: dict[str, Any] = dict(req.to_wire())
    for name in ("image_url", "video_url"):
        if media_kind(wire.get(name)) == "path":
            wire[name] = say("link_at_submit", name=str(media_source(wire[name])))
    text = json.dumps(wire, ensure_ascii=False, indent=1, default=str)
    if kind == "JSON":
        return text
    base = ws.base_url or "http://127.0.0.1:PORT"
    token = "$APIMART_API_KEY" if ws.live else "$SANDBOX_TOKEN"
    return (
        f"curl -X POST {base}/v1/videos/generations \\\n"
        f'  -H "Authorization: Bearer {token}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f'  -H "Idempotency-Key: $(uuidgen)" \\\n'
        f"  -d {shlex.quote(text)}"
    )


def _python(req: MotionRequest, ws: Workspace) -> str:
    fields = {
        name: getattr(req, name)
        for name in MotionRequest.__dataclass_fields__
        if getattr(req, name) not in (None, "")
    }
    lines = "".join(f"    {name}={pprint.pformat(value)},\n" for name, value in fields.items())
    return (
        "import motion_widgets as mw\n\n"
        f"ws = mw.Workspace({str(ws.folder)!r}, endpoint={ws.endpoint!r})\n"
        f"req = mw.MotionRequest(\n{lines})\n"
        "job = ws.submit(req, max_cost=ws.estimate(req).high)\njob.wait()\njob.result"
    )
