"""A page of the log's rows: how rows become what the page draws, and what the page asks for in return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.log.annotations import STARS
from motion_widgets.log.paging import FACETS, SORTS, PageQuery
from motion_widgets.request.fields import FIELDS
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.row_text import billed, state_words, usd, waited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.log.annotations import Annotation
    from motion_widgets.log.paging import Page
    from motion_widgets.log.rows import JobRow

__all__ = ["RowGrid", "asked", "value_words", "view_of"]


class RowGrid(PageWidget, scripts=("grid_row", "row_grid")):
    """Rows as a table with filters, sorting, marks and actions.

    Parameters
    ----------
    on_message
        Called with a message of the page: ``{"type": "mark" | "act", …}``. It must not block.
    """

    view: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What is shown: ``columns``, ``rows``, ``facets``, ``first``, ``total``, ``said``, ``same``. Texts may
    be anything: the page never reads them as HTML."""

    ask: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """What the page asks for: ``search``, ``values``, ``tag``, ``stars``, ``usable``, ``deleted``, ``sort``,
    ``down`` and ``first``. It comes from the page, so it may be anything."""

    chosen: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    """The ids that are ticked, on whatever page they are."""

    actions: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """``rerun`` (the button's words, ``ready``, ``why``), and whether there are ``compare`` and ``load``."""

    def __init__(self, *, on_message: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._handle = on_message

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        self._handle(content)


_FIRST = ("model", "character_orientation", "mode", "image_url", "video_url", "prompt")
"""Wire fields in the order of their columns; further ones follow."""
_NAMED = {"image_url": "image_name", "video_url": "clip_name"}
"""Wire fields that are shown by the name of their file."""
_SETTINGS = (
    *(
        _NAMED.get(field.name, field.name)
        for field in sorted(FIELDS, key=lambda one: [*_FIRST, one.name].index(one.name))
        if field.kind in ("choice", "media") or field.free_text
    ),
    "sandbox",
    "created_by",
)
"""Columns that are named once above the table while all rows shown agree on them."""
_SEARCH = 500
"""Characters of a search; a database takes far longer ones for an attack."""


def asked(told: Mapping[str, Any]) -> tuple[PageQuery, int]:
    """Return what the page asks for, and from which row on; what makes no sense is left out."""
    values = told.get("values")
    kept = {
        name: value
        for name, value in (values.items() if isinstance(values, dict) else ())
        if name in FACETS and (value is None or isinstance(value, str))
    }
    stars, usable, sort = told.get("stars"), told.get("usable"), told.get("sort")
    first = told.get("first")
    ask = PageQuery(
        search=str(told.get("search") or "").replace("\0", "")[:_SEARCH],
        values=kept,
        tag=str(told.get("tag") or ""),
        stars=stars if isinstance(stars, int) and 1 <= stars <= STARS else 0,
        usable=usable if isinstance(usable, bool) else None,
        deleted=told.get("deleted") is True,
        sort=sort if isinstance(sort, str) and sort in SORTS else "created",
        down=told.get("down", True) is not False,
    )
    return ask, first if isinstance(first, int) and 0 < first < 2**53 else 0


def value_words(name: str, value: object) -> str:
    """Return a column's value as text; ``""`` if it has none."""
    if name == "sandbox":
        return say("yes") if value else say("no")
    if name == "state":
        return say(f"state_{value}")
    if name == "model":
        return str(value or "").removeprefix("kling-").removesuffix("-motion-control")
    return "" if value is None else str(value)


def view_of(found: Page, mine: Mapping[str, Annotation]) -> dict[str, Any]:
    """Return the columns and rows as the page draws them, and what is the same in all of them."""
    rows = found.rows
    alike = {name: len({str(getattr(row, name)) for row in rows}) == 1 for name in _SETTINGS}
    same = [name for name in _SETTINGS if len(rows) > 1 and alike[name]]
    if len({row.created_by for row in rows}) < 2:  # who, is of interest where there are several
        same = [*same, "created_by"]
    told = [
        f"{say(f'column_{name}')} {said}"
        for name in same
        if name != "created_by" and (said := value_words(name, getattr(rows[0], name)))
    ]
    shown = [
        name
        for name in _SETTINGS
        if name not in same and any(value_words(name, getattr(row, name)) for row in rows)
    ]
    wrong = any(row.error_message for row in rows)
    columns = [_column("state"), *[_column(name) for name in shown]]
    columns += [_column(name, number=True) for name in ("estimate", "billed", "wait")]
    columns += [_column("id", sort="created", behind=True)]
    columns += [_column("error", sort="", behind=True)] if wrong else []
    return {
        "columns": columns,
        "rows": [_row(row, shown, found.annotations[row.id], mine[row.id], wrong=wrong) for row in rows],
        "total": found.total,
        "same": f"{say('log_same')} {', '.join(told)}." if told else "",
    }


def _column(
    name: str, *, number: bool = False, sort: str | None = None, behind: bool = False
) -> dict[str, Any]:
    """Describe a column; `behind`: it comes after ratings and notes, which have to be in sight."""
    return {
        "text": say(f"column_{name}"),
        "number": number,
        "sort": name if sort is None else sort,
        "name": name,
        "behind": behind,
    }


def _row(
    row: JobRow, shown: Sequence[str], said: Annotation, mine: Annotation, *, wrong: bool
) -> dict[str, Any]:
    low, high = usd(row.estimate_low), usd(row.estimate_high)
    cells = [state_words(row), *[value_words(name, getattr(row, name)) for name in shown]]
    cells += [high if low == high else f"{low}\u2013{high}", billed(row), waited(row), row.id]
    mean = said.stars
    return {
        "id": row.id,
        "state": row.state,
        "cells": [*cells, *([row.error_message or ""] if wrong else [])],
        "stars": int(mine.stars or 0),
        "mean": say("log_stars_mean", mean=mean) if mean is not None and mean != mine.stars else "",
        "usable": mine.usable,
        "note": said.note,
        "tags": list(said.tags),
    }
