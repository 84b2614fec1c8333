"""A plan: every cell with its request, whether it is valid, why not, and what it costs, before it is run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from motion_widgets.core.arguments import require_workspace
from motion_widgets.core.errors import RequestError
from motion_widgets.core.html_repr import card, table
from motion_widgets.core.messages import say
from motion_widgets.core.money import total
from motion_widgets.log.names import new_id
from motion_widgets.request.findings import show
from motion_widgets.request.price import Estimate, bound_micro, sum_of
from motion_widgets.sweep.cells import appraised
from motion_widgets.sweep.design import Design
from motion_widgets.sweep.run import Run
from motion_widgets.sweep.trim_offer import offer_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import pandas as pd

    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.host import SweepHost
    from motion_widgets.sweep.trim_offer import Offer

__all__ = ["Plan"]

SHOWN = 60
"""Cells that a notebook shows of a plan."""
STATUSES = ("new", "done", "running", "unknown", "invalid", "double")


class Plan:
    """What a sweep would do, and cost, before it does it.

    Attributes
    ----------
    cells
        In the order of the axes; their `order` says in which they run.
    gives_up
        What a fraction of a larger plan can no longer tell, in sentences. Empty: this is no fraction.

    Examples
    --------
    >>> plan = mw.Sweep(req, mode=["std", "pro"]).plan(ws)
    >>> [cell.status for cell in plan.cells]
    ['new', 'new']
    """

    def __init__(
        self,
        sweep: Design,
        ws: SweepHost,
        *,
        cells: Sequence[Cell] | None = None,
        gives_up: Sequence[str] = (),
    ) -> None:
        if not isinstance(sweep, Design):
            raise RequestError.of("not_a_sweep", found=type(sweep).__name__)
        self.sweep = sweep
        self._ws = require_workspace(ws)
        self.cells: list[Cell] = appraised(sweep, ws) if cells is None else list(cells)
        self.gives_up = tuple(gives_up)

    @property
    def cost(self) -> Estimate:
        """What the new cells will cost together.

        >>> print(mw.Sweep(req, mode=["std", "pro"]).plan(ws).cost)
        $0.90
        """
        return self._sum([cell for cell in self.cells if cell.status == "new"])

    def _sum(self, cells: Sequence[Cell]) -> Estimate:
        costs = [cell.estimate for cell in cells if cell.estimate is not None]
        return sum_of(costs, self._ws.prices)

    # As a table, as a file.

    def frame(self) -> pd.DataFrame:
        """Return one row per cell, by its number: the axes, status, reason, estimate (USD), job_id.

        With repeats or a shuffled order there are ``repeat`` and ``order`` too. Drop rows, change values, and
        give it to `edited`.

        >>> mw.Sweep(req, mode=["std", "pro"]).plan(ws).frame()["mode"].tolist()
        ['std', 'pro']
        """
        from motion_widgets.sweep.table import planned_frame

        return planned_frame(self.sweep.axes, self.cells)

    def edited(self, frame: pd.DataFrame) -> Plan:
        """Return a new plan by an edited `frame`, checked and priced again.

        Rows may be dropped, added and changed; a column that is a wire field is an axis. A cell keeps its
        number; a row without one of its own gets the next. A medium that was not touched is still the same
        file; another name is read as a path or a link.

        Raises
        ------
        RequestError
            No row or no axis is left, or a name means several files.
        """
        from motion_widgets.sweep.table import cells_of

        return Plan(Design.listed(self.sweep.request, cells_of(frame, self.sweep, self.cells)), self._ws)

    @classmethod
    def of_frame(cls, ws: SweepHost, req: MotionRequest, frame: pd.DataFrame) -> Plan:
        """Plan a cell per row of a frame; a column that is a wire field is an axis, others do not matter."""
        from motion_widgets.sweep.table import cells_of

        return cls(Design.listed(req, cells_of(frame)), ws)

    def save(self, path: str | Path) -> Path:
        """Write the plan as TOML, to be edited, kept, and run from the terminal; the key is not in it.

        Raises
        ------
        RequestError
            A value that no text can stand for, or a path that takes no file.
        """
        from motion_widgets.sweep.plan_file import save

        return save(self.sweep, path)

    @classmethod
    def load(cls, path: str | Path, ws: SweepHost) -> Plan:
        """Read a plan from TOML; everything is measured, checked and priced again.

        Raises
        ------
        RequestError
            It cannot be read, or is no plan.
        """
        from motion_widgets.sweep.plan_file import load

        return cls(load(path), ws)

    # What to do about money and length.

    def for_budget(self, budget: float, *, seed: int = 0) -> Plan:
        """Return what a budget buys: a balanced fraction of this plan that keeps main effects estimable.

        What is already there or under way costs nothing and stays. `gives_up` says what the fraction can no
        longer tell. A budget that holds the whole plan gives the plan itself.

        Parameters
        ----------
        budget
            USD, held against the upper ends of the estimates.
        seed
            The same seed gives the same fraction.

        Raises
        ------
        BudgetError
            No fraction that keeps main effects fits; it names the least budget that does.

        Examples
        --------
        >>> plan = mw.Sweep(req, mode=["std", "pro"], character_orientation=["image", "video"]).plan(ws)
        >>> print(plan.cost)
        $1.79
        >>> print(plan.for_budget(1.50).cost)
        $1.44
        """
        from motion_widgets.sweep.fractional_design import fraction_of

        limit = bound_micro(budget)
        new = [cell.estimate for cell in self.cells if cell.status == "new" and cell.estimate]
        paid = total(one.high_micro for one in new)
        if paid <= limit:
            return self
        chosen, gives_up = fraction_of(self.cells, self.sweep.axes, limit, seed)
        places = {
            at: place for place, at in enumerate(sorted(chosen, key=lambda at: self.cells[at].order), 1)
        }
        kept = [replace(self.cells[at], order=places[at]) for at in chosen]
        rows = [dict(one.values, repeat=one.repeat, order=one.order, number=one.number) for one in kept]
        return Plan(Design.listed(self.sweep.request, rows), self._ws, cells=kept, gives_up=gives_up)

    def beyond(self, keys: Collection[str]) -> Plan | None:
        """Return the new cells whose content is none of `keys`, such as those of a run. None: there are none.

        Give it to `run` with ``into=``, and the run grows by them.
        """
        cells = [cell for cell in self.cells if cell.status == "new" and cell.key not in keys]
        if not cells:
            return None
        rows = [dict(cell.values, repeat=cell.repeat, order=cell.order, number=cell.number) for cell in cells]
        return Plan(Design.listed(self.sweep.request, rows), self._ws, cells=cells)

    @property
    def offer(self) -> Offer[Plan] | None:
        """A trim of clips that are too long for some cells only. None: there are none.

        Cells of orientation "image" take 10 s; where those of "video" keep a longer clip, orientation is
        confounded with the clip, unless all cells take the same trimmed one.
        """
        return offer_of(self.sweep, self.cells, lambda design: Plan(design, self._ws))

    def run(
        self, budget: float | None = None, *, new: bool = False, stop_after: tuple[int, float] | None = None,
        into: Run | None = None,
    ) -> Run:  # fmt: skip
        """Run the valid cells; cells already run are attached to, not paid for again.

        Parameters
        ----------
        budget
            USD that the whole run may cost; it stops before this, not after. Required on a live endpoint.
        new
            Pay for a further repeat of every cell.
        stop_after
            (n, share): where n cells of an axis value have ended and at least this share of them failed,
            while the axis's other values fare better, its cells still planned are not sent. None: all are.
        into
            A run to which the cells are added: its budget pays for them too, and stays what it is unless
            another `budget` is given. None: they are a run of their own.

        Returns
        -------
        Run
            At once; it goes on in the background. The same plan again gives the same run. A run that a person
            paused stays paused.

        Raises
        ------
        BudgetError
            No budget on a live endpoint, or one that does not hold a single cell.
        RequestError
            No cell is valid, one was sent with another key of the endpoint, or `stop_after` is not such a
            pair.

        Examples
        --------
        >>> run = mw.Sweep(req, mode=["std", "pro"]).plan(ws).run(budget=5.00)
        >>> run.wait().counts()
        {'collected': 2}
        """
        ws = self._ws
        if stop_after is not None:
            _require_rule(stop_after)
        valid = [cell for cell in self.cells if cell.status not in ("invalid", "double")]
        if not self.cells:
            raise RequestError.of("no_cell")
        if not valid:
            raise RequestError.of("no_valid_cell", reason=self.cells[0].reason)
        paid = [cell for cell in valid if new or cell.status == "new"]
        if not new:
            self._ws.preparation.require_unpaid([cell.key for cell in paid if (cell.repeat or 1) == 1])
        if into is not None and not isinstance(into, Run):
            raise RequestError.of("not_a_run", found=type(into).__name__)
        own = None if into is None else into.budget[0]
        self._require_money(paid, own if budget is None else budget)
        run_id = into.id if into is not None else new_id("run") if new else run_id_of(ws, valid)
        return Run.begin(
            ws, run_id, valid, axes=self.sweep.axes, budget=budget, new=new, stop_after=stop_after,
            keep=into is not None and budget is None,
        )  # fmt: skip

    def _require_money(self, paid: Sequence[Cell], budget: float | None) -> None:
        """Raise unless the budget is one, and holds a cell of those that are to be paid for."""
        if budget is not None:
            bound_micro(budget)
        if paid:
            least = min((self._sum([cell]) for cell in paid), key=lambda one: one.high_micro)
            self._ws.preparation.require_bound(self._sum(paid) if budget is None else least, budget)
            self._ws.preparation.require_ready()

    def __repr__(self) -> str:
        counts = {status: sum(cell.status == status for cell in self.cells) for status in STATUSES}
        told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return f"<Plan of {len(self.cells)} cells{': ' if told else ''}{told}; {self.cost}>"

    def _repr_html_(self) -> str:
        axes, count = list(self.sweep.axes), len(self.cells)
        heads = [say("shown_cell"), *axes, say("shown_status"), say("shown_price"), say("shown_reason")]
        rows = [
            [cell.number, *cell.labels.values(), cell.status, cell.estimate or "", cell.reason]
            for cell in self.cells[:SHOWN]
        ]
        more = {"": say("shown_cells_of", shown=SHOWN, count=count)} if count > SHOWN else None
        return card(repr(self)[1:-1], more, table(heads, rows, named=1))


def _require_rule(rule: object) -> None:
    if isinstance(rule, tuple | list) and len(rule) == 2:
        least, share = rule
        whole = isinstance(least, int) and not isinstance(least, bool) and least >= 1
        if whole and isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1:
            return
    raise RequestError.of("stop_after_wrong", found=show(rule))


def run_id_of(ws: SweepHost, cells: Sequence[Cell]) -> str:
    """Return the id under which the same cells on the same endpoint are always found again."""
    names = [cell.key if (cell.repeat or 1) == 1 else f"{cell.key}/{cell.repeat}" for cell in cells]
    text = json.dumps([ws.endpoint, ws.account, sorted(names)])
    return "run-" + hashlib.sha256(text.encode()).hexdigest()[:16]
