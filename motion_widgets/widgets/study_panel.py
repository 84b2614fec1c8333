"""The tab of studies: which run, its question, blind ratings, the answer, costs and what to do next."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.study import Study
from motion_widgets.study.fidelity.difference import differences
from motion_widgets.sweep import Run
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_value, axis_word
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.rating_view import RatingView

if TYPE_CHECKING:
    import pandas as pd

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["StudyPanel"]

RUNS = 50
"""Runs to choose from."""


class StudyPanel(Panel):
    """Studies the results of a run: people rate pairs blind, and the answer stands below with its n.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    run
        The run, or its id, to begin with. None: the newest one.

    Examples
    --------
    >>> panel = StudyPanel(ws)
    """

    def __init__(
        self, ws: Workspace | None = None, *, run: Run | str | None = None, watch: bool = True
    ) -> None:
        super().__init__(ws, watch=watch)
        self._first = run.id if isinstance(run, Run) else run
        self.view: RatingView | None = None
        """The ratings of the chosen run. None: there is none yet, or nobody looked at this tab."""
        self.choice = ui.control(w.Dropdown, say("study_run"))
        self._wanted = watch
        self.choice.observe(self.edge.guard(self._chosen), "value")
        self._none = ui.html(ui.note(say("study_no_runs")))
        self._answer = ui.html(cls="mw-study-answer")
        self._place = ui.Column()
        self.fill(ui.Column(self.choice, self.notice, self._none, self._place, self._answer, cls="mw-body"))
        self.refresh()
        self.watch()

    def _chosen(self, _: object) -> None:
        if self._wanted:
            self.look()

    def look(self) -> None:
        """Show the ratings of the chosen run, unless they are shown; a tab calls it when it is opened."""
        self._wanted = True
        chosen = self.choice.value
        if not chosen or (self.view is not None and self.view.study.id == chosen):
            return
        self.later("study", lambda: Study(self.ws, Run(self.ws, chosen)), self._take)

    def _take(self, study: Study) -> None:
        if study.id != self.choice.value:  # another one was chosen while it was read
            return
        if self.view is not None:
            self.view.close()
        self.view = RatingView(study, watch=False)
        self._place.children = (self.view,)
        self.later("answer", self.redraw)  # nobody looks at the log for a panel inside another one

    def refresh(self) -> None:
        """Draw the runs, the ratings that are stored, and what can be said by now."""
        value = self.choice.value or self._first
        names = self.ws.log_store.sweeps.names(RUNS, also=value or "")
        options = [(name, run_id) for run_id, name in names.items()]
        with self.lock:
            if list(self.choice.options) != options:
                value = self.choice.value or self._first or (options[0][1] if options else None)
                self.choice.options = options
                if value in names:
                    self.choice.value = value
            ui.show(self._none, not options)
            ui.show(self.choice, options)
            view = self.view
        if view is not None and view.study.question is not None:
            view.redraw()
            said = self._said(view.study)
            ui.assign(self._answer, "value", said)
        else:
            ui.assign(self._answer, "value", "")

    def _said(self, study: Study) -> str:
        if not study.progress().stored:
            return ""  # who rates has to be blind to this as well
        costs = study.costs()
        costs["excluded"] = [say("yes" if one else "no") for one in costs["excluded"]]
        table = _figures(costs, per_second=4).rename(columns=lambda name: say(f"study_cost_{name}"))
        answer, advice = study.answer()._repr_html_(), ui.note(study.next_step())
        return (
            f"<h3>{escape(say('study_known'))}</h3>{answer}{advice}"
            f"<h3>{escape(say('study_costs'))}</h3>{_table(table, say('study_costs'))}{self._motion(study)}"
        )

    def _motion(self, study: Study) -> str:
        """Return how the measured results follow their clips; nothing where none was measured."""
        apart = differences(study.material(), self.ws)
        if not len(apart):
            return ""
        note = ui.note(say("study_motion_note"))
        lines = _figures(apart)
        for name in ("a", "b"):
            lines[name] = [axis_value(*one) for one in zip(apart["axis"], lines[name], strict=True)]
        lines["axis"] = [axis_word(one) for one in apart["axis"]]
        lines["by"] = [say(f"study_measure_{one}") for one in apart["by"]]
        table = lines.rename(columns=lambda name: say(f"study_motion_{name}"))
        return f"<h3>{escape(say('study_motion'))}</h3>{note}{_table(table, say('study_motion'))}"

    def close(self) -> None:
        """Take the panel from the page; what was rated is stored."""
        if self.view is not None:
            self.view.close()
        super().close()


def _figures(frame: pd.DataFrame, **digits: int) -> pd.DataFrame:
    """Return a frame with its figures in words, to two digits where `digits` has no other number of them."""
    return frame.assign(
        **{name: frame[name].map(partial(_figure, digits=digits.get(name, 2))) for name in frame.columns}
    )


def _figure(value: Any, digits: int) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isfinite(value):
        return f"{value:.{digits}f}"
    return "\u2013" if math.isnan(value) else "\u221e"


def _table(frame: pd.DataFrame, name: str) -> str:
    """Return a frame as a table that can be scrolled, by the keyboard as well."""
    table = frame.to_html(border=0, classes=["mw-table"], index=False)
    return f'<div class="mw-scroll" role="region" tabindex="0" aria-label="{escape(name)}">{table}</div>'
