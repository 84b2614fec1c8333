"""Sweeps: axes over any field, a plan with its price before anything is spent, and a run that attaches."""

from __future__ import annotations

from motion_widgets.sweep.plan import Cell, Plan, Sweep
from motion_widgets.sweep.run import Run

__all__ = ["Cell", "Plan", "Run", "Sweep"]
