"""The sweep board: choose axes, see each cell's price and reason before anything is spent, run, watch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.errors import MotionError
from motion_widgets.request import MotionRequest
from motion_widgets.rules import MODELS
from motion_widgets.sweep import Run, Sweep
from motion_widgets.texts import say
from motion_widgets.widgets._base import (
    DEBOUNCE,
    SETTLE,
    Panel,
    button,
    control,
    flow,
    html,
    line,
    live_line,
    note,
    put,
    scrolled,
    show,
    table,
)
from motion_widgets.widgets._html import esc, user
from motion_widgets.widgets.purse import Purse
from motion_widgets.widgets.words import billed, state_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.log.store import Row
    from motion_widgets.sweep import Cell, Plan
    from motion_widgets.workspace import Workspace

__all__ = ["SweepBoard"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("std", "pro"),
    "character_orientation": ("image", "video"),
    "model": MODELS,
    "keep_original_sound": ("yes", "no"),
}
_DEFAULT = ("mode", "character_orientation")
SHOWN = 500
"""Cells drawn as rows; the plan's frame has them all."""
_LISTED = ("image_url", "video_url", "prompt")


class SweepBoard(Panel):
    """Plans and runs a sweep around one request.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    request
        What all cells share. None: set it later with `load`.
    on_run
        Called with the run once it began, on a background thread.
    """

    def __init__(
        self,
        ws: Workspace | None = None,
        *,
        request: MotionRequest | None = None,
        on_run: Callable[[Run], None] | None = None,
        watch: bool = True,
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_run = on_run
        self._request = request or MotionRequest(model=MODELS[0])
        self._plan: Plan | None = None
        self._run: Run | None = None
        self._starting = False
        self._rested = False
        self.axes: dict[str, dict[str, w.Checkbox]] = {
            field: {value: self._box(value, checked=field in _DEFAULT) for value in values}
            for field, values in _CHOICES.items()
        }
        self.lists = {field: control(w.Textarea, say(f"axis_more_{field}"), rows=2) for field in _LISTED}
        for one in self.lists.values():
            one.observe(self._replan, "value")
        groups = [
            w.VBox([html(f"<b>{esc(field)}</b>"), flow(*boxes.values())])
            for field, boxes in self.axes.items()
        ]
        self.budget = control(w.Text, say("board_budget"), placeholder=say("board_budget_hint"))
        self.budget.observe(lambda _: self._draw_button(), "value")
        self._shared, self._matrix, self._said = html(), html(), live_line()
        self._money, self._clusters = live_line(), live_line()
        self.start = button("", self._start, cls="mw-primary mw-run")
        self.retry = button(say("board_retry"), self._retry)
        show(self.retry, visible=False)
        axes = w.VBox([*groups, *self.lists.values()])
        axes.add_class("mw-stack")
        side = w.VBox([self._said, self._money, self.budget, self.notice, flow(self.start, self.retry)])
        side.add_class("mw-card")
        columns = w.Box([axes, side])
        columns.add_class("mw-columns")
        body = w.VBox([self._shared, columns, self._clusters, self._matrix])
        body.add_class("mw-body")
        self.fill(body)
        self._replan()
        self.watch()

    def _box(self, value: str, *, checked: bool) -> w.Checkbox:
        box = w.Checkbox(description=value, value=checked, indent=False, layout=w.Layout(width="auto"))
        box.observe(self._replan, "value")
        return box

    def load(self, req: MotionRequest) -> None:
        """Take over the request that all cells share."""
        if req != self._request:
            self._request = req
            self._replan()

    @property
    def run(self) -> Run | None:
        """The run that is shown. None: none was begun."""
        return self._run

    def sweep(self) -> Sweep:
        """The sweep as the board stands; an axis with nothing ticked keeps the request's own value."""
        axes: dict[str, Any] = {}
        for field, boxes in self.axes.items():
            chosen = [value for value, box in boxes.items() if box.value]
            if chosen:
                axes[field] = chosen
        for field, text in self.lists.items():
            more = [one.strip() for one in text.value.splitlines() if one.strip()]
            if more:
                own = getattr(self._request, field)
                axes[field] = [*([own] if own else []), *more]
        return Sweep(self._request, **(axes or {"mode": [self._request.mode]}))

    # Planning, off the keystroke path.

    def _replan(self, _: object = None) -> None:
        """Plan anew because the axes or the request changed; the run that was shown no longer fits."""
        with self.lock:
            self._plan = None
            self._run = None
            self._rested = False
            self._draw_button()
            show(self.retry, visible=False)
        self._plan_again()

    def _plan_again(self) -> None:
        def work() -> Callable[[], None]:
            plan = self.sweep().plan(self.ws)

            def take() -> None:
                self._plan = plan
                self._draw()
                self._look_for_money()

            return take

        self.later("plan", work, delay=DEBOUNCE)

    def _bound(self) -> float | None:
        """Read the budget in USD. None: none was given. NaN: it is no amount."""
        text = self.budget.value.strip().removeprefix("$")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            return math.nan
        return value if value >= 0 else math.nan

    def _draw_button(self) -> None:
        plan, bound = self._plan, self._bound()
        ready = plan is not None and not self._starting and (bound is None or not math.isnan(bound))
        cells = [cell for cell in plan.cells if cell.status == "new"] if plan is not None else []
        label = say("board_planning")
        if plan is not None:
            high = f"${plan.cost.high:.2f}"
            code = ("board_run_live" if self.ws.live else "board_run_sandbox") if cells else "board_attach"
            label = say(code, count=len(cells), price=high)
            ready = ready and any(cell.status not in ("invalid", "double") for cell in plan.cells)
        put(self.start, "description", say("submitting") if self._starting else label)
        put(self.start, "tooltip", label)
        put(self.start, "disabled", not ready)
        (self.start.add_class if self.ws.live else self.start.remove_class)("mw-live")
        if bound is not None and math.isnan(bound):
            self.tell(say("bound_wrong", found=self.budget.value), bad=True)

    # Running.

    def _start(self) -> None:
        with self.lock:
            plan, bound = self._plan, self._bound()
            if plan is None or self._starting or (bound is not None and math.isnan(bound)):
                return
            self._starting = True
            self._draw_button()
        named = plan.cost.high  # the click is on a button that names this price

        def work() -> Callable[[], None]:
            failed, run = "", None
            if self._plan is not plan or self._bound() != bound:  # the click overtook a change
                failed = say("changed_after_click")
            else:
                try:
                    run = plan.run(budget=bound if bound is not None else named)
                except MotionError as error:
                    failed = str(error)

            def done() -> None:
                self._starting = False
                self._run = run or self._run
                self._rested = False
                self._plan_again()
                self.tell(failed or say("board_started", id=run.id if run else ""), bad=bool(failed))
                self._draw()
                if run is not None and self._on_run is not None:
                    self._on_run(run)

            return done

        self.later("run", work, delay=SETTLE)

    def _retry(self) -> None:
        run = self._run
        if run is not None:
            self.later("retry", lambda: run.retry("failed"))

    # Drawing.

    def refresh(self) -> None:
        """Draw the cells as the log has them now."""
        with self.lock:
            if self._run is not None and not self._rested and self._run.resting:
                self._rested = True
                self._plan_again()
            self._draw()
        self._look_for_money()

    def _look_for_money(self) -> None:
        Purse.of(self.ws).show(self, self._draw_money, delay=DEBOUNCE)

    def _draw_money(self) -> None:
        """Show the balance beside what the new cells may cost."""
        price = self._plan.cost.high if self._plan is not None else None
        put(self._money, "value", line(Purse.of(self.ws).beside(self.ws, price)))

    def _draw(self) -> None:
        plan = self._plan
        self._draw_button()
        if plan is None:
            return
        rows = {row["key"]: row for row in self._run.rows()} if self._run is not None else {}
        if self._run is not None:
            done = sum(row["state"] == "collected" for row in rows.values())
            stuck = any(
                row["state"] in ("failed", "rejected", "cancelled", "planned") for row in rows.values()
            )
            show(self.retry, stuck and self._run.resting)
            limit, used = self._run.budget
            said = say(
                "board_done",
                done=done,
                all=len(rows),
                used=used,
                limit=f"${limit:.2f}" if limit is not None else "\u2013",
            )
        else:
            invalid = sum(cell.status == "invalid" for cell in plan.cells)
            said = say("board_planned", cells=len(plan.cells), price=str(plan.cost))
            if invalid:
                said += " " + say("board_invalid", count=invalid)
        put(self._said, "value", line(esc(said)))
        found = self._run.clusters() if self._run is not None else []
        put(
            self._clusters,
            "value",
            line("".join(note(str(one), say("clusters_head"), kind="warning") for one in found)),
        )
        self._draw_money()
        put(self._matrix, "value", _matrix(plan.cells, list(plan.sweep.axes), rows))


def _matrix(cells: list[Cell], axes: list[str], rows: dict[str, Row]) -> str:
    """Give the plan as a table: two axes cross, with one axis or more than two each cell is a row."""
    if len(axes) == 2:
        first, second = axes
        heads = list(dict.fromkeys(cell.labels[second] for cell in cells))
        body = ""
        for name in dict.fromkeys(cell.labels[first] for cell in cells):
            own = {cell.labels[second]: cell for cell in cells if cell.labels[first] == name}
            tds = "".join(f"<td>{_cell(own[head], rows) if head in own else ''}</td>" for head in heads)
            body += f'<tr><th scope="row">{user(name)}</th>{tds}</tr>'
        head = "".join(f'<th scope="col">{user(one)}</th>' for one in heads)
        corner = f"{esc(first)} \u2193 \u00b7 {esc(second)} \u2192"
        return _framed(f"<th>{corner}</th>{head}", body)
    head = "".join(f'<th scope="col">{esc(axis)}</th>' for axis in axes)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{user(cell.labels[axis])}</td>" for axis in axes)
        + f"<td>{_cell(cell, rows)}</td></tr>"
        for cell in cells[:SHOWN]
    )
    last = f'<th scope="col">{esc(say("board_cell"))}</th>'
    more = f"<p>{esc(say('board_more', shown=SHOWN, count=len(cells)))}</p>" if len(cells) > SHOWN else ""
    return _framed(head + last, body) + more


def _framed(head: str, body: str) -> str:
    return scrolled(table(head, body, cls="mw-matrix"), say("board_cells"))


def _cell(cell: Cell, rows: dict[str, Row]) -> str:
    row = rows.get(cell.key)
    if row is not None and cell.status not in ("invalid", "double"):
        trouble = f'<div class="mw-small">{user(row["error_message"])}</div>' if row["error_message"] else ""
        return f"<b>{esc(state_words(row))}</b><br>{esc(billed(row))}{trouble}"
    price = esc(str(cell.estimate)) if cell.estimate is not None else "\u2013"
    reason = f'<div class="mw-small">{user(cell.reason)}</div>' if cell.reason else ""
    return (
        f"<b>{esc(say('cell_' + cell.status + '_word'))}</b> {price if cell.status == 'new' else ''}{reason}"
    )
