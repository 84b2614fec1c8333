"""A sweep as a user makes it: a design that can be looked at as a table and planned for a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.sweep.design import Design
from motion_widgets.sweep.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from motion_widgets.sweep.host import SweepHost

__all__ = ["Sweep"]


class Sweep(Design):
    """A request with some fields varied; every combination of the axes is a cell.

    `zipped` and `listed` make the other designs.

    Parameters
    ----------
    req
        What all cells share.
    repeats
        How often every cell is run, each time paid for.
    seed
        Shuffles the running order, the same way for the same seed, so that the time of day is not confounded
        with an axis. None: the cells run as they stand.
    where
        By axis the condition under which it varies; elsewhere its cells keep the request's own value. Or a
        function of a cell's values that says whether the cell exists.
    axes
        Wire field = the values to try. None given: mode std/pro by orientation image/video.

    Raises
    ------
    RequestError
        An axis that is not a wire field, or one without values; a wrong number of repeats.

    Examples
    --------
    >>> sweep = mw.Sweep(req, mode=["std", "pro"], character_orientation=["image", "video"])
    >>> sweep.axes
    {'mode': ('std', 'pro'), 'character_orientation': ('image', 'video')}
    """

    def frame(self) -> pd.DataFrame:
        """Return one row per cell, by its number: the axes, and with repeats or a shuffled order these too.

        What the cells cost and what becomes of them is in the frames of the plan and of the run.
        """
        from motion_widgets.sweep.table import frame_of

        return frame_of(self.axes, self.draws())

    def plan(self, ws: SweepHost) -> Plan:
        """Measure, check and price every cell for a workspace; nothing is sent.

        >>> mw.Sweep(req, mode=["std", "pro"]).plan(ws)
        <Plan of 2 cells: 2 new; $0.90>
        """
        return Plan(self, ws)
