"""A page of the log's rows: how rows become what the page draws, and what the page asks for in return."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.core.moments import since_words
from motion_widgets.log.annotations import STARS
from motion_widgets.log.billing import UNREFUNDED
from motion_widgets.log.paging import FACETS, SORTS, PageQuery
from motion_widgets.request.fields import FIELD, FIELDS
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.pictures import PictureFeed
from motion_widgets.widgets.row_text import (
    billed,
    dotted,
    estimated,
    retried_line,
    short_model,
    state_words,
    waited,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.log.annotations import Annotation
    from motion_widgets.log.paging import Page
    from motion_widgets.log.rows import JobRow

__all__ = [
    "DAYS",
    "USUAL",
    "RowGrid",
    "asked",
    "column_words",
    "columns_of",
    "part_words",
    "value_words",
    "view_of",
]


class RowGrid(PageWidget, scripts=("children", "pictures", "grid_row", "row_grid")):
    """Rows as a table with filters, sorting, marks and actions.

    Parameters
    ----------
    on_message
        Called with a message of the page: ``{"type": "mark" | "act" | …}``. It must not block.
    picture
        Return a small picture by its name, such as ``"in job-…"`` or ``"out job-…"``, or None.
    """

    view: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What is shown: ``columns``, ``rows``, ``groups``, ``filters``, ``facets``, ``views``, ``first``,
    ``total``, ``said``, ``same``. Texts may be anything: the page never reads them as HTML."""

    ask: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What the page asks for: ``search``, ``values`` by filter, ``group``, ``columns``, ``sort``, ``down``
    and ``first``. It comes from the page, so it may be anything."""

    chosen: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """The ids that are ticked, on whatever page they are."""

    actions: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """``rerun`` (the button's words, ``ready``, ``why``), what else is offered of a row (``again``), and
    whether there are ``load`` and ``board``."""

    def __init__(
        self, *, on_message: Callable[[dict[str, Any]], None],
        picture: Callable[[str], bytes | None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._handle = on_message
        self.pictures = PictureFeed(self._submit, self._send_bytes, make=picture, known=self._shown)

    def _shown(self) -> set[str]:
        rows = self.view.get("rows", ())
        return {f"{kind} {row['id']}" for row in rows for kind in row["pictures"]}

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        if content.get("type") == "pictures":
            self.pictures.want(content.get("names"))
        else:
            self._handle(content)


_FIRST = ("model", "mode", "character_orientation", "image_url", "video_url")
"""Wire fields in the order in which they are named; further ones follow."""
_NAMED = {"image_url": "image_name", "video_url": "clip_name"}
"""Wire fields that are shown by the name of their file."""
_SETTINGS = (
    *(
        _NAMED.get(field.name, field.name)
        for field in sorted(FIELDS, key=lambda one: [*_FIRST, one.name].index(one.name))
        if field.kind in ("choice", "media")
    ),
    "sandbox",
)
"""Settings that are named once above the table while all rows shown agree on them."""
_COLUMNS = {
    "pictures": "", "state": "state", "settings": "", "prompt": "prompt", "when": "created",
    "billed": "billed",
    "stars": "stars", "said": "", "usable": "", "estimate": "estimate", "wait": "wait",
    "created_by": "created_by",
    "id": "created", "error": "",
}  # fmt: skip
"""What each column is sorted by; ``""``: it cannot be."""
_NUMBERS = ("billed", "estimate", "wait")
USUAL = ("pictures", "state", "settings", "prompt", "when", "billed", "stars", "said")
"""Columns that are shown unless a person chose others; notes and tags where there are any."""
DAYS = (1, 7, 30)
"""Days that the filter by time offers: from today's midnight on, and from some days before it."""
_SEARCH = 500
"""Characters of a search; a database takes far longer ones for an attack."""


def asked(told: Mapping[str, Any]) -> tuple[PageQuery, int]:
    """Return what the page asks for, and from which row on; what makes no sense is left out.

    Raises
    ------
    RequestError
        The search is too long.
    """
    given = told.get("values")
    values = given if isinstance(given, dict) else {}
    kept = {
        name: None if value is None else ui.typed(value)
        for name, value in values.items()
        if name in FACETS and (value is None or isinstance(value, str))
    }
    stars, usable, sort, days = (
        values.get("stars"),
        values.get("usable"),
        told.get("sort"),
        values.get("since"),
    )
    first = told.get("first")
    ask = PageQuery(
        search=ui.require_typed(told.get("search") or "", say("log_search"), most=_SEARCH).replace("\0", ""),
        values=kept,
        tag=ui.typed(values.get("tag") or ""),
        stars=stars if type(stars) is int and 1 <= stars <= STARS else 0,
        usable=usable if isinstance(usable, bool) else None,
        since=_midnight(days) if type(days) is int and days in DAYS else 0,
        deleted=values.get("deleted") is True,
        sort=sort if isinstance(sort, str) and sort in SORTS else "created",
        down=told.get("down", True) is not False,
        by_run=_by_run(told),
    )
    return ask, first if isinstance(first, int) and 0 < first < 2**53 else 0


def _by_run(told: Mapping[str, Any]) -> bool:
    return bool(told.get("group", "run") == "run")


def _midnight(days: int) -> int:
    """Return the midnight before so many days, today's among them (unix microseconds)."""
    today = datetime.now(UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=days - 1)).timestamp() * 1e6)


_ENDING = re.compile(r"(?<=.)\.\w{1,5}(?=( \(\d+\))?$)")
"""A file's ending; behind it may stand which of several files of one name it is."""


def value_words(name: str, value: object) -> str:
    """Return a setting's value in a person's words; ``""`` if it has none."""
    if name == "sandbox":
        return say("yes") if value else say("no")
    if name == "state":
        return say(f"state_{value}")
    if name == "model":
        return short_model(value)
    if name == "character_orientation" and value in ("image", "video"):
        return say(f"faces_{value}")
    if name in ("image_name", "clip_name"):
        return _ENDING.sub("", str(value or ""))
    return "" if value is None else str(value)


def column_words(name: str) -> str:
    """Return the head of a column; a setting is called as it is where it is an axis."""
    field = {named: wire for wire, named in _NAMED.items()}.get(name, name)
    return say(f"axis_{field}" if field in FIELD and name in _SETTINGS else f"column_{name}")


def columns_of(told: Mapping[str, Any], *, noted: bool, several: bool = False) -> list[str]:
    """Return the columns that the page asks for, or the usual ones.

    `noted`: there are notes or tags; `several`: the jobs are of several people.
    """
    wanted = told.get("columns")
    if isinstance(wanted, list):
        return [name for name in _COLUMNS if name in wanted] or ["state"]
    usual = (*USUAL, "created_by") if several else USUAL
    return [name for name in usual if name != "said" or noted]


def view_of(
    found: Page, mine: Mapping[str, Annotation], told: Mapping[str, Any], *, retried: Mapping[str, str]
) -> dict[str, Any]:
    """Return the columns and rows as the page draws them, and what is the same in all of them.

    Parameters
    ----------
    mine
        What this person said of the rows.
    told
        What the page asks for: which columns, and whether by run.
    retried
        By failure the later attempt that succeeded.
    """
    rows = found.rows
    alike = {name: len({str(getattr(row, name)) for row in rows}) == 1 for name in _SETTINGS}
    same = [name for name in _SETTINGS if len(rows) > 1 and alike[name]]
    said = [
        f"{column_words(name)} {value}"
        for name in same
        if (value := value_words(name, getattr(rows[0], name)))
    ]
    differ = [name for name in _SETTINGS if name not in same and (name != "sandbox" or len(rows) > 1)]
    noted = any(one.note or one.tags for one in found.annotations.values())
    shown = columns_of(told, noted=noted, several=len({row.created_by for row in rows}) > 1)
    by_run = _by_run(told)
    drawn = [
        _row(row, differ, found.annotations[row.id], mine[row.id], retried.get(row.id, ""), by_run=by_run)
        for row in rows
    ]
    groups = list(dict.fromkeys(row["group"] for row in drawn))
    return {
        "columns": [_column(name) for name in shown],
        "offered": [{"name": name, "text": column_words(name), "shown": name in shown} for name in _COLUMNS],
        "rows": sorted(drawn, key=lambda row: groups.index(row["group"])),
        "total": found.total,
        "same": f"{say('log_same')} {', '.join(said)}." if said else "",
    }


def part_words(before: int, here: int, whole: int) -> str:
    """Return which rows of a run are on a page; ``""``: all are.

    `before` of them stand on earlier pages, `here` on this one.
    """
    if here == whole:
        return ""
    last = before + here
    return say("log_part_more" if last < whole else "log_part", first=before + 1, last=last, all=whole)


def _column(name: str) -> dict[str, Any]:
    return {
        "text": column_words(name), "number": name in _NUMBERS, "sort": _COLUMNS[name], "name": name,
    }  # fmt: skip


def _row(
    row: JobRow, differ: Sequence[str], said: Annotation, mine: Annotation, retried: str, *, by_run: bool
) -> dict[str, Any]:
    mean = said.stars
    back = row.state in UNREFUNDED and row.cost == 0
    state = f"{state_words(row)} {say('refunded')}" if back else state_words(row)
    usable = "" if said.usable is None else say("log_usable_yes" if said.usable else "log_usable_no")
    cells = {
        "state": retried_line(row, retried) if retried else state,
        "settings": dotted(*[value_words(name, getattr(row, name)) for name in differ]),
        "prompt": row.prompt or "", "when": since_words(row.created), "billed": billed(row), "usable": usable,
        "estimate": estimated(row), "wait": waited(row), "created_by": row.created_by or "", "id": row.id,
        "error": row.error_message or "",
    }  # fmt: skip
    when = f"{datetime.fromtimestamp(row.created / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"
    settings = [(name, value_words(name, getattr(row, name))) for name in _SETTINGS]
    more = [(name, cells[name]) for name in ("prompt", "error", "estimate", "wait", "created_by", "id")]
    whole = [[column_words(name), text] for name, text in [*more, *settings] if text]
    return {
        "id": row.id,
        "group": (row.sweep_id or "") if by_run else "\0",
        "state": row.state,
        "past": bool(retried),
        "why": row.error_message or "",
        "pictures": [kind for kind, path in (("in", row.image_path), ("out", row.result_path)) if path],
        "cells": cells,
        "titles": {"when": when, "state": row.error_message or cells["state"]},
        "whole": [[say("column_when"), when], *whole],
        "stars": int(mine.stars or 0),
        "mean": say("log_stars_mean", mean=mean) if mean is not None and mean != mine.stars else "",
        "usable": mine.usable,
        "note": said.note,
        "tags": list(said.tags),
    }
