"""The log as a table: what is the same everywhere is said once, the rest in pages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from sqlalchemy import or_

from motion_widgets.log.states import State
from motion_widgets.log.tables import jobs
from motion_widgets.texts import say
from motion_widgets.widgets._base import (
    DEBOUNCE,
    Panel,
    button,
    control,
    flow,
    html,
    line,
    live_line,
    put,
    scrolled,
    show,
    table,
)
from motion_widgets.widgets._html import esc, user
from motion_widgets.widgets.words import billed, state_words, usd, waited

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.store import Row
    from motion_widgets.workspace import Workspace

__all__ = ["LogTable"]

PAGE = 25
"""Rows drawn at once; they are paged in the database."""

_SETTINGS = (
    "model",
    "character_orientation",
    "mode",
    "image_name",
    "clip_name",
    "prompt",
    "keep_original_sound",
    "sandbox",
)
"""Columns that are said once above the table while all rows shown agree on them."""
_EXPORTS = ("csv", "parquet", "json")
_SEARCHED = ("id", "prompt", "image_name", "clip_name", "error_message", "task_id")


class LogTable(Panel):
    """Shows the experiment log, newest first, with search, paging and export.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    """

    def __init__(self, ws: Workspace | None = None, *, watch: bool = True) -> None:
        super().__init__(ws, watch=watch)
        self._first = 0
        self.search = control(w.Text, say("log_search"), placeholder=say("log_search_hint"))
        states = [(say("log_all_states"), ""), *[(say(f"state_{state}"), state.value) for state in State]]
        self.state = control(w.Dropdown, say("log_state"), options=states)
        for one in (self.search, self.state):
            one.observe(self._again, "value")
        self._same, self._table, self._pages = html(), html(), live_line()
        self._newer = button(say("newer"), lambda: self._turn(-PAGE))
        self._older = button(say("older"), lambda: self._turn(PAGE))
        exports = [button(say("log_export", kind=kind), partial(self._export, kind)) for kind in _EXPORTS]
        filters = w.Box([self.search, self.state])
        filters.add_class("mw-columns")
        filters.layout.padding = "0"
        body = w.VBox(
            [
                filters,
                self._same,
                self._table,
                flow(self._newer, self._older, self._pages),
                flow(*exports),
                self.notice,
            ]
        )
        body.add_class("mw-body")
        self.fill(body)
        self.refresh()
        self.watch()

    def _where(self) -> list[Any]:
        where: list[Any] = []
        text = self.search.value.strip()
        if text:
            where.append(or_(*[jobs.c[name].icontains(text, autoescape=True) for name in _SEARCHED]))
        if self.state.value:
            where.append(jobs.c.state == self.state.value)
        return where

    def refresh(self) -> None:
        """Draw the page that is open."""
        where = self._where()
        rows = self.ws.log_store.rows(*where, limit=PAGE, offset=self._first, newest=True)
        total = self.ws.log_store.count(*where)
        with self.lock:
            same = {
                name: rows[0][name]
                for name in _SETTINGS
                if len(rows) > 1 and len({str(row[name]) for row in rows}) == 1
            }
            told = ", ".join(
                f"{esc(_head(name))} {user(_value(name, value))}"
                for name, value in same.items()
                if _value(name, value)
            )
            put(
                self._same,
                "value",
                f'<span class="mw-muted">{esc(say("log_same"))} {told}.</span>' if told else "",
            )
            put(self._table, "value", _table(rows, [name for name in _SETTINGS if name not in same]))
            said = (
                say("log_page", first=self._first + 1, last=self._first + len(rows), total=total)
                if rows
                else say("log_empty")
            )
            put(self._pages, "value", line(esc(said)))
            show(self._newer, self._first > 0)
            show(self._older, self._first + len(rows) < total)

    def _again(self, _: object) -> None:
        self._first = 0
        self.later("page", self._drawn, delay=DEBOUNCE)

    def _turn(self, by: int) -> None:
        self._first = max(self._first + by, 0)
        self.later("page", self._drawn)

    def _drawn(self) -> None:
        self.refresh()

    def _export(self, kind: str) -> None:
        def work() -> Callable[[], None]:
            path = self.ws.folder / f"log.{'jsonl' if kind == 'json' else kind}"
            getattr(self.ws.log, f"to_{kind}")(path)
            return lambda: self.tell(say("log_exported", path=str(path)))

        self.later("export", work)


def _head(name: str) -> str:
    return say(f"column_{name}")


def _value(name: str, value: object) -> str:
    if name == "sandbox":
        return say("yes") if value else say("no")
    if name == "model":
        return str(value or "").removeprefix("kling-").removesuffix("-motion-control")
    return "" if value is None else str(value)


def _table(rows: list[Row], settings: list[str]) -> str:
    settings = [name for name in settings if any(_value(name, row[name]) for row in rows)]
    noted = any(row["error_message"] for row in rows)
    heads = [(say("column_state"), False), *[(_head(name), False) for name in settings]]
    heads += [(say(f"column_{name}"), True) for name in ("estimate", "billed", "wait")]
    heads += [(say("column_id"), False), *([(say("column_note"), False)] if noted else [])]
    head = "".join(
        f'<th scope="col"{" class=mw-number" if number else ""}>{esc(text)}</th>' for text, number in heads
    )
    body = ""
    for row in rows:
        low, high = usd(row["estimate_low"]), usd(row["estimate_high"])
        numbers = (high if low == high else f"{low}\u2013{high}", billed(row), waited(row))
        tds = [
            f'<td class="mw-whole">{esc(state_words(row))}</td>',
            *[f"<td>{user(_value(name, row[name]))}</td>" for name in settings],
        ]
        tds += [f'<td class="mw-number">{esc(text)}</td>' for text in numbers]
        tds.append(f'<td class="mw-small mw-whole">{esc(row["id"])}</td>')
        tds += [f'<td class="mw-small">{user(row["error_message"] or "")}</td>'] if noted else []
        body += f"<tr>{''.join(tds)}</tr>"
    return scrolled(table(head, body, cls="mw-log"), say("tab_log"))
