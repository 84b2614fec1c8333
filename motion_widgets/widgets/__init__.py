"""What a person sees and uses: the Studio and its panels. They show the log and the rules, and own neither.

Panels (`base`) are made of pieces (`controls`); scripts of `static/` draw the others (`page_widget`).
All rooms but the audits and the terminal may come in. Read `base` first, then `studio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.lazy import lazy_exports

if TYPE_CHECKING:
    from motion_widgets.widgets.compare_wall import CompareWall
    from motion_widgets.widgets.go_live import GoLive
    from motion_widgets.widgets.history_strip import HistoryStrip
    from motion_widgets.widgets.job_monitor import JobMonitor
    from motion_widgets.widgets.log_table import LogTable
    from motion_widgets.widgets.rating_view import RatingView
    from motion_widgets.widgets.request_form import RequestForm
    from motion_widgets.widgets.stage import Stage
    from motion_widgets.widgets.studio import Studio
    from motion_widgets.widgets.study_panel import StudyPanel
    from motion_widgets.widgets.sweep_board import SweepBoard

__all__ = [
    "CompareWall",
    "GoLive",
    "HistoryStrip",
    "JobMonitor",
    "LogTable",
    "RatingView",
    "RequestForm",
    "Stage",
    "Studio",
    "StudyPanel",
    "SweepBoard",
]

_HOMES = {
    "CompareWall": "compare_wall",
    "GoLive": "go_live",
    "HistoryStrip": "history_strip",
    "JobMonitor": "job_monitor",
    "LogTable": "log_table",
    "RatingView": "rating_view",
    "RequestForm": "request_form",
    "Stage": "stage",
    "Studio": "studio",
    "StudyPanel": "study_panel",
    "SweepBoard": "sweep_board",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
