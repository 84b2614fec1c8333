"""The report of a study: one page that opens without a network, with everything from outside escaped."""

from __future__ import annotations

import base64
import platform
from dataclasses import fields
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import escape, isolate
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.core.version import __version__
from motion_widgets.log.columns import FIDELITY
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.rows import ComparisonRow
from motion_widgets.log.states import NO_RESULT
from motion_widgets.media.preview import filmstrip
from motion_widgets.study import conclude, plots, tables
from motion_widgets.study.fidelity.difference import COMPARED, differences
from motion_widgets.study.fidelity.frame import framed, kept
from motion_widgets.study.next_step import advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from motion_widgets.log.rows import JobRow
    from motion_widgets.study.host import StudyHost
    from motion_widgets.study.material import Material
    from motion_widgets.study.results import Result

__all__ = ["page"]

_STILLS, _HEIGHT = 60, 160
"""Results that are shown, and the height of their stills in px."""
_RATINGS = 2000
"""Ratings that are listed; all are in the log."""
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:CanvasText;
 background:Canvas;overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:13px}
th,td{padding:3px 9px;text-align:left;max-width:28em;border-bottom:1px solid GrayText;
 overflow-wrap:break-word}
th{white-space:nowrap}
.wide{overflow-x:auto}
figure{margin:.4em;display:inline-block;vertical-align:top;max-width:100%}
figcaption{font-size:13px;max-width:40em}
img,svg{max-width:100%;height:auto}
.sandbox{border:3px dashed;padding:.5em 1em;font-weight:700}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(it: Material, study_id: str, host: StudyHost, folder: Path, montage: Path | None = None) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    study_id
        Its id, for the title.
    host
        Has the results' files, and what was measured of them.
    folder
        Where the report will be: clips in or below it are linked, so both can be moved together.
    montage
        A clip of results side by side, which is linked as well. None: there is none.
    """
    title = escape(say("report_title", id=study_id))
    parts = [f"<h1>{title}</h1>"]
    if it.sandbox:
        parts.append(f'<p class="sandbox">{escape(say("report_sandbox"))}</p>')
    parts += [
        _section("report_question", _question(it)),
        *_answers(it),
        *(drawing(it).svg() for drawing in (plots.preference, plots.cost, plots.waiting)),
        _section("report_costs", _frame(tables.costs(it))),
        _section("report_preferences", _frame(tables.preference(it))),
        *_motion(it, host),
        _section(
            "report_wall",
            _beside(montage, folder.absolute()) + _wall(it, host.result_of, folder.absolute()),
        ),
        _section("report_failures", _failures(it.rows)),
        _section("report_ratings", _table(_names(), _ratings(it.ratings))),
        _section("report_dictionary", _table(("column", ""), _dictionary())),
        _section("report_files", _files(it)),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _section(code: str, body: str) -> str:
    return f"<h2>{escape(say(code))}</h2>{body}"


def _question(it: Material) -> str:
    asked = it.question
    if asked is None:
        return f"<p>{escape(say('study_no_question'))}</p>"
    said = say(
        "report_plan", at=_time(asked.created), who=asked.created_by, axis=asked.axis, a=asked.a, b=asked.b,
        criterion=asked.criterion, planned=asked.planned,
    )  # fmt: skip
    return f"<p>{isolate(said)}</p>"


def _answers(it: Material) -> list[str]:
    """Return the answer, what is next, and what was rated of other axes."""
    made, asked = [], it.question
    if asked is not None:
        made.append(_section("report_answer", conclude.answer(it, asked)._repr_html_()))
        made.append(_section("report_next", f"<p>{isolate(advice(it)).replace(chr(10), '<br>')}</p>"))
    others = [
        conclude.information(it, axis, *values)
        for axis, values in it.axes.items()
        if len(values) == 2 and (asked is None or axis != asked.axis)
    ]
    rated = "".join(one._repr_html_() for one in others if one.ratings)
    return [*made, _section("report_information", rated)] if rated else made


def _motion(it: Material, host: StudyHost) -> list[str]:
    """Return how the results follow their clips, where that was measured; nothing is measured for it."""
    found = kept(it, host)
    if not found:
        return []
    apart = differences(it, host)
    meanings = [(one.name, f"{one.meaning} ({one.unit})") for one in FIDELITY if one.name in COMPARED]
    parts = [plots.motion(it, framed(it, found)).svg()]
    if len(apart):
        parts += [
            f"<p>{escape(say('report_measures'))}</p>",
            _frame(apart),
            _table(("measure", ""), meanings),
        ]
    return [_section("report_motion", "".join(parts))]


def _beside(montage: Path | None, folder: Path) -> str:
    """Return a link to a clip of results side by side; its name alone where a link would lead nowhere."""
    if montage is None:
        return ""
    return f"<p>{escape(say('report_montage'))}{_clip(montage, folder) or f' {isolate(montage.name)}'}</p>"


def _wall(it: Material, file_of: Callable[[JobRow], Path | None], folder: Path) -> str:
    """Return stills of the results, each with a link to its clip, by image, clip and prompt."""
    axes = list(it.axes)
    shown = sorted(it.results[:_STILLS], key=lambda one: one.block())
    parts = []
    for _, among in groupby(shown, key=lambda one: one.block()):
        several = list(among)
        row = several[0].row
        names = (row.image_name, row.clip_name, row.prompt)
        parts.append(f"<h3>{isolate(' · '.join(one for one in names if one))}</h3>")
        parts += [_still(one, axes, file_of, folder) for one in several]
    if len(it.results) > len(shown):
        parts.append(f"<p>{escape(say('report_more', count=len(it.results) - len(shown)))}</p>")
    return "".join(parts) or _none()


def _still(one: Result, axes: Sequence[str], file_of: Callable[[JobRow], Path | None], folder: Path) -> str:
    said = f"{one.setting(axes)} \u00b7 {one.id}"
    if one.bill is not None:
        said += f" \u00b7 {format_usd(to_usd(one.bill))}"
    path, strip, why = None, b"", say("report_no_still")
    try:
        path = file_of(one.row)
        strip = filmstrip(path, frames=4, height=_HEIGHT) if path is not None else b""
    except MotionError as error:  # it is broken, or slow to read; the report says the rest
        why = str(error)
    if path is None or not strip:
        return f"<figure><figcaption>{isolate(said)} ({isolate(why)})</figcaption></figure>"
    link = f"data:image/jpeg;base64,{base64.b64encode(strip).decode()}"
    said_and_clip = isolate(said) + _clip(path, folder)
    return f'<figure><img alt="{escape(said)}" src="{link}"><figcaption>{said_and_clip}</figcaption></figure>'


def _clip(path: Path, folder: Path) -> str:
    """Return a link to a clip beside the report. Empty: it is elsewhere, or not there any more."""
    path = path.absolute()
    if not path.is_relative_to(folder) or not path.is_file():
        return ""
    link = quote(f"./{path.relative_to(folder).as_posix()}")
    return f' <a href="{escape(link)}">{escape(say("report_clip"))} {isolate(path.name)}</a>'


def _failures(rows: Sequence[JobRow]) -> str:
    failed = [(row.id, row.state, row.error_message) for row in rows if row.state in NO_RESULT]
    if not failed:
        return f"<p>{escape(say('report_no_failures'))}</p>"
    return _table(("id", "state", "error_message"), failed)


def _names() -> list[str]:
    return [one.name for one in fields(ComparisonRow)]


def _ratings(rows: Sequence[ComparisonRow]) -> list[tuple[Any, ...]]:
    """Return the last ratings as they are stored, times in words."""
    names = _names()
    return [
        tuple(_time(row.created) if name == "created" else getattr(row, name) for name in names)
        for row in rows[-_RATINGS:]
    ]


def _dictionary() -> list[tuple[str, str]]:
    return [(name, say(f"rating_{name}")) for name in _names()]


def _files(it: Material) -> str:
    """Return versions, and by which content everything can be known again."""
    import numpy as np
    import pandas as pd

    said = say(
        "report_versions", toolkit=__version__, python=platform.python_version(), numpy=np.__version__,
        pandas=pd.__version__, schema=SCHEMA, at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )  # fmt: skip
    names = ("id", "key", "image_sha", "clip_sha", "result_sha", "toolkit_version", "prices_date")
    lines = [[getattr(row, name) for name in names] for row in it.rows]
    return f"<p>{escape(said)}</p>{_table(names, lines)}"


def _frame(frame: Any) -> str:
    """Return a frame of figures as a table, to four digits."""
    lines = frame.itertuples(index=False, name=None)
    return _table(list(frame.columns), lines) if len(frame) else _none()


def _table(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    top = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(one)}</td>' for one in line)}</tr>" for line in lines)
    if not body:
        return _none()
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0">{table}</div>'


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "\u2013"
    return escape(f"{value:.4g}") if isinstance(value, float) else isolate(value)


def _none() -> str:
    return f"<p>{escape(say('report_empty'))}</p>"


def _time(micro: int) -> str:
    return f"{datetime.fromtimestamp(micro / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
