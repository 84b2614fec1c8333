"""An endpoint on this machine, over real HTTP: what the toolkit talks to when no money is meant.

It follows the provider's wire facts, read anew here: nothing of the rest of the package is imported, so a
misreading on the client's side shows. Importing this room loads neither Starlette, moviepy nor NumPy.
"""

from __future__ import annotations

from motion_widgets.sandbox.faults.plan import FaultPlan, PlanError
from motion_widgets.sandbox.server import Sandbox, serve

__all__ = ["FaultPlan", "PlanError", "Sandbox", "serve"]
