"""What a notebook shows of a value at the end of a cell: a card of facts, a table, a player.

It takes JupyterLab's colours where it finds them and the browser's elsewhere, so it reads in light and dark.
Everything put in is escaped here; whoever has something to show says which facts.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from motion_widgets.core.html import PLAIN, escape, isolate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["HEAD", "LINE", "PAGE", "address_of", "card", "player", "table"]

LINE = "border-bottom:1px solid var(--jp-border-color2,GrayText)"
PAGE = "color:var(--jp-ui-font-color1,CanvasText);overflow-x:auto"
HEAD = f"text-align:left;padding:2px 8px;{LINE}"
_CELL = f"text-align:left;padding:2px 8px;max-width:32em;overflow-wrap:anywhere;{LINE}"
_SIDE = 320
"""Greatest height of a picture, in px."""


def card(title: object, facts: Mapping[str, object] | None = None, *parts: str) -> str:
    """Return a title, the facts that are set, by name, and parts that are HTML already."""
    shown = {name: fact for name, fact in (facts or {}).items() if fact not in (None, "")}
    rows = "".join(
        f'<tr><th scope="row" style="{HEAD}">{escape(name)}</th><td style="{_CELL}">{isolate(fact)}</td></tr>'
        for name, fact in shown.items()
    )
    listed = f'<table style="border-collapse:collapse">{rows}</table>' if rows else ""
    return f'<div class="{PLAIN}" style="{PAGE}"><b>{isolate(title)}</b>{"".join(parts)}{listed}</div>'


def table(heads: Sequence[object], rows: Iterable[Sequence[object]], *, named: int = 0) -> str:
    """Return a table; the first `named` cells of a row are its names."""
    top = "".join(f'<th scope="col" style="{HEAD}">{isolate(one)}</th>' for one in heads)
    body = "".join(
        "<tr>"
        + "".join(f'<th scope="row" style="{HEAD}">{isolate(one)}</th>' for one in row[:named])
        + "".join(f'<td style="{_CELL}">{isolate(one)}</td>' for one in row[named:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table style="border-collapse:collapse"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    )


def address_of(path: str | Path) -> str | None:
    """Return where a notebook's page finds a local file, relative to the notebook; None: it cannot.

    What is not an absolute path, such as a link, is no local file. The kernel works in the notebook's folder.
    Jupyter serves what lies below and is not hidden.
    """
    try:
        parts = Path(path).relative_to(Path.cwd()).parts
    except (OSError, ValueError):  # it is elsewhere, or this folder is gone
        return None
    return None if any(part.startswith(".") for part in parts) else quote("/".join(parts))


def player(path: str | Path, label: str, *, still: bytes = b"", image: bool = False) -> str:
    """Return a player of a local clip, or a picture, by its address.

    Parameters
    ----------
    label
        What it is called for those who do not see it.
    still
        A JPEG that is shown where there is no address; ``b""``: nothing is.
    image
        It is a picture itself.
    """
    address, style = address_of(path), f"display:block;max-height:{_SIDE}px;max-width:100%"
    named = f'style="{style}" aria-label="{escape(label)}"'
    if address is not None and not image:
        return f'<video {named} src="{escape(address)}" controls loop muted preload="metadata"></video>'
    if address is None and still:
        address = f"data:image/jpeg;base64,{base64.b64encode(still).decode()}"
    return f'<img {named} alt="{escape(label)}" src="{escape(address)}">' if address is not None else ""
