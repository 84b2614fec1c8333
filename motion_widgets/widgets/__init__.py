"""What a person sees. Every widget shows the log and the rules; none holds the truth or owns a rule."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.widgets.board import SweepBoard
    from motion_widgets.widgets.compare import CompareWall
    from motion_widgets.widgets.form import RequestForm
    from motion_widgets.widgets.golive import GoLive
    from motion_widgets.widgets.monitor import JobMonitor
    from motion_widgets.widgets.studio import Studio
    from motion_widgets.widgets.table import LogTable

__all__ = ["CompareWall", "GoLive", "JobMonitor", "LogTable", "RequestForm", "Studio", "SweepBoard"]

_HOMES = {
    "CompareWall": "compare",
    "GoLive": "golive",
    "JobMonitor": "monitor",
    "LogTable": "table",
    "RequestForm": "form",
    "Studio": "studio",
    "SweepBoard": "board",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
