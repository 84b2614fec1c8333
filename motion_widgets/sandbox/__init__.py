"""An endpoint on this machine, over real HTTP: what the toolkit talks to when no money is to be spent.

It follows the provider's wire facts (``endpoint/API.md``), read again: nothing of the rest of the package is
imported, so a misreading on the client's side shows. Start with `app`. Importing this room loads neither
Starlette nor NumPy.
"""

from __future__ import annotations

from motion_widgets.sandbox.command import serve
from motion_widgets.sandbox.faults.plan import FaultPlan, PlanError
from motion_widgets.sandbox.server import Sandbox
from motion_widgets.sandbox.truth import TRUTH, Plant, simulated_answer

__all__ = ["TRUTH", "FaultPlan", "PlanError", "Plant", "Sandbox", "serve", "simulated_answer"]
