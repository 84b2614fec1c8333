"""Widgets, jobs and a log for Kling motion control: build, price, submit, follow, sweep, compare.

Names are loaded at first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.endpoint.errors import (
        AuthError,
        EndpointError,
        OutcomeUnknown,
        PaymentError,
        RateLimitError,
    )
    from motion_widgets.errors import (
        BudgetError,
        ClipError,
        LogError,
        MotionError,
        MotionTimeout,
        RequestError,
    )
    from motion_widgets.facts import Clip, Image
    from motion_widgets.jobs.job import Job
    from motion_widgets.media import measure_clip, measure_clips, measure_image
    from motion_widgets.price import PRICES, Estimate, Prices, estimate
    from motion_widgets.request import MotionRequest
    from motion_widgets.rules import LIMITS, Finding, Fix, check
    from motion_widgets.sweep import Plan, Run, Sweep
    from motion_widgets.widgets import (
        CompareWall,
        JobMonitor,
        LogTable,
        RequestForm,
        Studio,
        SweepBoard,
    )
    from motion_widgets.workspace import Workspace

__version__ = "0.1.0"

_HOMES = {
    "AuthError": "endpoint.errors",
    "BudgetError": "errors",
    "Clip": "facts",
    "ClipError": "errors",
    "CompareWall": "widgets",
    "EndpointError": "endpoint.errors",
    "Estimate": "price",
    "Finding": "rules",
    "Fix": "rules",
    "Image": "facts",
    "Job": "jobs.job",
    "JobMonitor": "widgets",
    "LIMITS": "rules",
    "LogError": "errors",
    "LogTable": "widgets",
    "MotionError": "errors",
    "MotionRequest": "request",
    "MotionTimeout": "errors",
    "OutcomeUnknown": "endpoint.errors",
    "PRICES": "price",
    "PaymentError": "endpoint.errors",
    "Plan": "sweep",
    "Prices": "price",
    "RateLimitError": "endpoint.errors",
    "RequestError": "errors",
    "RequestForm": "widgets",
    "Run": "sweep",
    "Studio": "widgets",
    "Sweep": "sweep",
    "SweepBoard": "widgets",
    "Workspace": "workspace",
    "check": "rules",
    "estimate": "price",
    "measure_clip": "media",
    "measure_clips": "media",
    "measure_image": "media",
}

__all__ = [
    "LIMITS",
    "PRICES",
    "AuthError",
    "BudgetError",
    "Clip",
    "ClipError",
    "CompareWall",
    "EndpointError",
    "Estimate",
    "Finding",
    "Fix",
    "Image",
    "Job",
    "JobMonitor",
    "LogError",
    "LogTable",
    "MotionError",
    "MotionRequest",
    "MotionTimeout",
    "OutcomeUnknown",
    "PaymentError",
    "Plan",
    "Prices",
    "RateLimitError",
    "RequestError",
    "RequestForm",
    "Run",
    "Studio",
    "Sweep",
    "SweepBoard",
    "Workspace",
    "check",
    "estimate",
    "measure_clip",
    "measure_clips",
    "measure_image",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
