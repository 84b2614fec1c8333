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
    from motion_widgets.endpoint.publishing.place import Published
    from motion_widgets.errors import (
        BudgetError,
        ClipError,
        LogError,
        MotionError,
        MotionTimeout,
        RequestError,
    )
    from motion_widgets.facts import Clip, Image, Shots
    from motion_widgets.jobs.job import Job
    from motion_widgets.media import measure_clip, measure_clips, measure_image, measure_shots
    from motion_widgets.media.mend import (
        Mend,
        Operation,
        before_after,
        convert_clip,
        convert_image,
        fit_clip,
        has_location,
        hold_clip,
        mend,
        mends_for,
        mute_clip,
        pad_image,
        scale_clip,
        scale_image,
        shrink_image,
        stillest,
        strip_clip,
        strip_image,
        strip_times,
        trim_clip,
        turn_image,
    )
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
    from motion_widgets.workspace import Workspace, publish

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
    "Mend": "media.mend",
    "MotionError": "errors",
    "MotionRequest": "request",
    "MotionTimeout": "errors",
    "Operation": "media.mend",
    "OutcomeUnknown": "endpoint.errors",
    "PRICES": "price",
    "PaymentError": "endpoint.errors",
    "Plan": "sweep",
    "Prices": "price",
    "Published": "endpoint.publishing.place",
    "RateLimitError": "endpoint.errors",
    "RequestError": "errors",
    "RequestForm": "widgets",
    "Run": "sweep",
    "Shots": "facts",
    "Studio": "widgets",
    "Sweep": "sweep",
    "SweepBoard": "widgets",
    "Workspace": "workspace",
    "before_after": "media.mend",
    "check": "rules",
    "convert_clip": "media.mend",
    "convert_image": "media.mend",
    "estimate": "price",
    "fit_clip": "media.mend",
    "has_location": "media.mend",
    "hold_clip": "media.mend",
    "measure_clip": "media",
    "measure_clips": "media",
    "measure_image": "media",
    "measure_shots": "media",
    "mend": "media.mend",
    "mends_for": "media.mend",
    "mute_clip": "media.mend",
    "pad_image": "media.mend",
    "publish": "workspace",
    "scale_clip": "media.mend",
    "scale_image": "media.mend",
    "shrink_image": "media.mend",
    "stillest": "media.mend",
    "strip_clip": "media.mend",
    "strip_image": "media.mend",
    "strip_times": "media.mend",
    "trim_clip": "media.mend",
    "turn_image": "media.mend",
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
    "Mend",
    "MotionError",
    "MotionRequest",
    "MotionTimeout",
    "Operation",
    "OutcomeUnknown",
    "PaymentError",
    "Plan",
    "Prices",
    "Published",
    "RateLimitError",
    "RequestError",
    "RequestForm",
    "Run",
    "Shots",
    "Studio",
    "Sweep",
    "SweepBoard",
    "Workspace",
    "before_after",
    "check",
    "convert_clip",
    "convert_image",
    "estimate",
    "fit_clip",
    "has_location",
    "hold_clip",
    "measure_clip",
    "measure_clips",
    "measure_image",
    "measure_shots",
    "mend",
    "mends_for",
    "mute_clip",
    "pad_image",
    "publish",
    "scale_clip",
    "scale_image",
    "shrink_image",
    "stillest",
    "strip_clip",
    "strip_image",
    "strip_times",
    "trim_clip",
    "turn_image",
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
