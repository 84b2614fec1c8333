"""A frame of the log as a page: costs with bars, states in words.

It takes JupyterLab's colours where it finds them and the browser's elsewhere, so it reads in light and dark;
everything that a colour or a bar says stands there as text too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.html import PLAIN, escape, isolate
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.log.columns import COLUMNS, MONEY, NUMBERS, TIME
from motion_widgets.log.states import mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["FrameTable", "page"]

ROWS = 200
"""Jobs on a page."""
_WORD = 24
"""Characters up to which a text stays on one line; a longer one gets at least so wide a column."""
_HASH = 12
"""Characters of a hash that tell two of them apart; the whole is in the cell's title."""

_HASHES = ("key", "image_sha", "clip_sha")
_LINE = "border-bottom:1px solid var(--jp-border-color2,GrayText)"
_PAGE = "color:var(--jp-ui-font-color1,CanvasText);overflow-x:auto"
_HEAD = f"text-align:left;padding:2px 8px;{_LINE}"
_LEFT = f"text-align:left;padding:2px 8px;white-space:nowrap;{_LINE}"
_LONG = f"text-align:left;padding:2px 8px;min-width:{{}}ch;max-width:32em;overflow-wrap:anywhere;{_LINE}"
_RIGHT = f"text-align:right;padding:2px 8px;white-space:nowrap;font-variant-numeric:tabular-nums;{_LINE}"
_BAR = "display:block;height:3px;margin-left:auto;background:var(--jp-brand-color1,Highlight);width:{:.0f}%"


class FrameTable:
    """A frame as a notebook shows it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __repr__(self) -> str:
        return repr(self.frame)

    def _repr_html_(self) -> str:
        return page(self.frame)


def page(frame: pd.DataFrame, same: Mapping[str, Any] | None = None) -> str:
    """Return HTML of a frame's first `ROWS` jobs, below a list of what is the `same` in all of them."""
    count, some = len(frame), frame.head(ROWS)
    said = (
        say("shown_some", shown=len(some), count=count) if count > ROWS else say("shown_count", count=count)
    )
    most = {name: frame[name].max() for name in frame.columns if COLUMNS[name] == MONEY}
    heads = "".join(f'<th scope="col" style="{_HEAD}">{escape(name)}</th>' for name in frame.columns)
    columns = [[_cell(name, value, most.get(name)) for value in some[name]] for name in some.columns]
    rows = "".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    return (
        f'<div class="{PLAIN}" style="{_PAGE}">{_same(same, count) if same else ""}'
        f'<table style="border-collapse:collapse"><caption style="text-align:left">{escape(said)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _same(same: Mapping[str, Any], count: int) -> str:
    facts = "; ".join(f"{escape(name)} <b>{isolate(_words(name, value))}</b>" for name, value in same.items())
    return f"<p style='overflow-wrap:anywhere'>{escape(say('shown_same', count=count))}: {facts}</p>"


def _cell(name: str, value: Any, most: Any) -> str:
    words = _words(name, value)
    title = ""
    if name in _HASHES and len(words) > _HASH + 4:
        title, words = f' title="{escape(words)}"', f"{words[:_HASH]}\u2026"
    style = _RIGHT if COLUMNS[name] in (*NUMBERS, TIME) else _LEFT
    if style == _LEFT and len(words) > _WORD:
        style = _LONG.format(_WORD)
    bar = ""
    if most is not None and words and most > 0:
        width = 100 * min(max(float(value) / float(most), 0.0), 1.0)
        bar = f'<span aria-hidden="true" style="{_BAR.format(width)}"></span>'
    said = isolate(words) if words else f'<span aria-label="{escape(say("shown_unset"))}">\u2013</span>'
    return f'<td style="{style}"{title}>{said}{bar}</td>'


def _words(name: str, value: Any) -> str:
    """Return a value as a person reads it; ``""``: it is not set."""
    import pandas as pd

    if pd.isna(value):
        return ""
    kind = COLUMNS[name]
    if name == "state":
        return f"{mark(value)} {say(f'state_{value}')}"
    if kind == MONEY:
        return format_usd(value)
    if kind == TIME:
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,g}" if isinstance(value, float) else str(value)
