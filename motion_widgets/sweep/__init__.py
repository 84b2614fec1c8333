"""Sweeps: axes over any field, a plan with its price before anything is spent, and a run that attaches.

A request and a host (`host`, a workspace) come in; nothing is sent but by `Plan.run`. Read `design` first,
then `plan` and `run`.
"""

from __future__ import annotations

from motion_widgets.sweep.cells import Cell
from motion_widgets.sweep.plan import Plan
from motion_widgets.sweep.run import Run
from motion_widgets.sweep.sweep import Sweep
from motion_widgets.sweep.trim_offer import Offer

__all__ = ["Cell", "Offer", "Plan", "Run", "Sweep"]
