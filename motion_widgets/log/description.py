"""A frame of the log as people see it: what varies, what all its jobs share, and as an HTML table.

The table takes JupyterLab's colours where it finds them and the browser's elsewhere, so it reads in light and
dark; everything that a colour or a bar says stands there as text too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.core.html import PLAIN, escape, isolate
from motion_widgets.core.html_repr import HEAD, LINE, PAGE
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_price, format_usd
from motion_widgets.log.columns import KINDS, MONEY, NUMBERS, TIME, head
from motion_widgets.log.states import mark
from motion_widgets.request.fields import FIELD

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["Description", "FrameTable", "describe", "page"]

_IDS = ("id", "task_id", "sweep_id", "account", "key", "image_sha", "clip_sha")
_WIDTH, _CELL, _ROWS = 100, 24, 60
"""Signs of a line and of a cell, and rows, that are printed."""


class Description(NamedTuple):
    """A frame, with the columns that are the same in all rows listed apart."""

    same: dict[str, Any]
    """Columns whose value all jobs share; columns that no job has set are left out."""
    frame: pd.DataFrame
    """The jobs with what varies: what was asked for first, ``id`` and other ids last."""

    def __repr__(self) -> str:
        facts = "; ".join(f"{name} {value}" for name, value in self.same.items())
        line = f"{say('shown_same', count=len(self.frame))}: {facts}"
        table = self.frame.rename(columns=head)
        for name in map(str, self.frame):
            if KINDS[name] == TIME:
                table[head(name)] = self.frame[name].dt.strftime("%Y-%m-%d %H:%M:%S")
        text = table.to_string(index=False, line_width=_WIDTH, max_colwidth=_CELL, max_rows=_ROWS)
        short = line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}\u2026"
        return f"{short}\n\n{text}" if facts else text

    def _repr_html_(self) -> str:
        return page(self.frame, same=self.same)


def describe(frame: pd.DataFrame) -> Description:
    """Separate the columns in which all jobs agree from those that vary."""
    same: dict[str, Any] = {}
    varies: list[str] = []
    for name in map(str, frame.columns):
        column = frame[name]
        unset = column.isna()
        if name == "id" or (not unset.all() and (unset.any() or (column != column.iloc[0]).any())):
            varies.append(name)
        elif len(column) and not unset.all():
            same[name] = column.iloc[0]
    ordered = sorted(varies, key=_place)
    return Description(same, frame[ordered])


def _place(name: str) -> int:
    """Return where a column that varies stands: what was asked for, what became of it, then ids."""
    return 0 if name in (*FIELD, "image_name", "clip_name") else 2 if name in _IDS else 1


ROWS = 200
"""Jobs shown."""
_WORD = 24
"""Characters up to which a text stays on one line; a longer one gets at least so wide a column."""
_HASH = 12
"""Characters of a hash that tell two of them apart; the whole is in the cell's title."""

_ROUNDED = {"estimate_low": format_left, "estimate_high": format_price}
_HASHES = ("key", "image_sha", "clip_sha")
_LEFT = f"text-align:left;padding:2px 8px;white-space:nowrap;{LINE}"
_LONG = f"text-align:left;padding:2px 8px;min-width:{{}}ch;max-width:32em;overflow-wrap:anywhere;{LINE}"
_RIGHT = f"text-align:right;padding:2px 8px;white-space:nowrap;font-variant-numeric:tabular-nums;{LINE}"
_BAR = "display:block;height:3px;margin-left:auto;background:var(--jp-brand-color1,Highlight);width:{:.0f}%"


class FrameTable:
    """A frame that notebooks show as an HTML table."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __repr__(self) -> str:
        return repr(self.frame)

    def _repr_html_(self) -> str:
        return page(self.frame)


def page(frame: pd.DataFrame, same: Mapping[str, Any] | None = None) -> str:
    """Return the first `ROWS` jobs of a frame as HTML, below a list of the values that are the `same`."""
    count, some = len(frame), frame.head(ROWS)
    said = (
        say("shown_some", shown=len(some), count=count) if count > ROWS else say("shown_count", count=count)
    )
    most = {name: frame[name].max() for name in frame.columns if KINDS[name] == MONEY}
    heads = "".join(f'<th scope="col" style="{HEAD}">{escape(head(name))}</th>' for name in frame.columns)
    columns = [[_cell(name, value, most.get(name)) for value in some[name]] for name in some.columns]
    rows = "".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    return (
        f'<div class="{PLAIN}" style="{PAGE}">{_same(same, count) if same else ""}'
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
    style = _RIGHT if KINDS[name] in (*NUMBERS, TIME) else _LEFT
    if style == _LEFT and len(words) > _WORD:
        style = _LONG.format(_WORD)
    bar = ""
    if most is not None and words and most > 0:
        width = 100 * min(max(float(value) / float(most), 0.0), 1.0)
        bar = f'<span aria-hidden="true" style="{_BAR.format(width)}"></span>'
    said = isolate(words) if words else f'<span aria-label="{escape(say("shown_unset"))}">\u2013</span>'
    return f'<td style="{style}"{title}>{said}{bar}</td>'


def _words(name: str, value: Any) -> str:
    """Return a value in words; ``""``: it is not set."""
    import pandas as pd

    if pd.isna(value):
        return ""
    kind = KINDS[name]
    if name == "sandbox":
        return say("shown_sandbox" if value else "shown_live")
    if name == "state":
        return f"{mark(value)} {say(f'state_{value}')}"
    if kind == MONEY:
        return _ROUNDED.get(name, format_usd)(value)
    if kind == TIME:
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,g}" if isinstance(value, float) else str(value)
