"""Widgets, jobs and a log for Kling motion control: build, price, submit, follow, sweep, compare.

Names are loaded at first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from motion_widgets.core.lazy import lazy_exports
from motion_widgets.core.version import __version__ as __version__

if TYPE_CHECKING:
    from motion_widgets.core.errors import (
        BudgetError,
        ClipError,
        LogError,
        MotionError,
        MotionTimeout,
        RequestError,
    )
    from motion_widgets.core.facts import Clip, Image, Shots
    from motion_widgets.endpoint.errors import (
        AuthError,
        EndpointError,
        OutcomeUnknown,
        PaymentError,
        RateLimitError,
    )
    from motion_widgets.jobs.job import Job
    from motion_widgets.log.filters import between
    from motion_widgets.media.batch import measure_clips
    from motion_widgets.media.decode import stillest
    from motion_widgets.media.preview import before_after, strip_times
    from motion_widgets.media.probe.image import measure_image
    from motion_widgets.media.probe.measure import measure_clip
    from motion_widgets.media.repair.images import has_location
    from motion_widgets.media.repair.judge import mends_for
    from motion_widgets.media.repair.mend import mend
    from motion_widgets.media.repair.operation import Mend, Operation
    from motion_widgets.media.repair.shortcuts import (
        convert_clip,
        convert_image,
        fit_clip,
        hold_clip,
        mute_clip,
        pad_image,
        scale_clip,
        scale_image,
        shrink_image,
        strip_clip,
        strip_image,
        trim_clip,
        turn_image,
    )
    from motion_widgets.media.shots import measure_shots
    from motion_widgets.publishing.destination import Published
    from motion_widgets.request.findings import Finding, Fix
    from motion_widgets.request.limits import LIMITS
    from motion_widgets.request.price import PRICES, Estimate, Prices, estimate
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.request.rules import check
    from motion_widgets.study import Study, montage
    from motion_widgets.sweep import Plan, Run, Sweep
    from motion_widgets.widgets import (
        CompareWall,
        JobMonitor,
        LogTable,
        RatingView,
        RequestForm,
        Studio,
        SweepBoard,
    )
    from motion_widgets.workspace.publish import publish
    from motion_widgets.workspace.workspace import Workspace

# A library sets up no output; without this, Python would print warnings where no logging is set up.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "AuthError": "endpoint.errors",
    "BudgetError": "core.errors",
    "Clip": "core.facts",
    "ClipError": "core.errors",
    "CompareWall": "widgets",
    "EndpointError": "endpoint.errors",
    "Estimate": "request.price",
    "Finding": "request.findings",
    "Fix": "request.findings",
    "HistoryStrip": "widgets",
    "Image": "core.facts",
    "Job": "jobs.job",
    "JobMonitor": "widgets",
    "LIMITS": "request.limits",
    "LogError": "core.errors",
    "LogTable": "widgets",
    "Mend": "media.repair.operation",
    "MotionError": "core.errors",
    "MotionRequest": "request.request",
    "MotionTimeout": "core.errors",
    "Operation": "media.repair.operation",
    "OutcomeUnknown": "endpoint.errors",
    "PRICES": "request.price",
    "PaymentError": "endpoint.errors",
    "Plan": "sweep",
    "Prices": "request.price",
    "Published": "publishing.destination",
    "RateLimitError": "endpoint.errors",
    "RatingView": "widgets",
    "RequestError": "core.errors",
    "RequestForm": "widgets",
    "Run": "sweep",
    "Shots": "core.facts",
    "Stage": "widgets",
    "Studio": "widgets",
    "Study": "study",
    "Sweep": "sweep",
    "SweepBoard": "widgets",
    "Workspace": "workspace.workspace",
    "before_after": "media.preview",
    "between": "log.filters",
    "check": "request.rules",
    "convert_clip": "media.repair.shortcuts",
    "convert_image": "media.repair.shortcuts",
    "estimate": "request.price",
    "fit_clip": "media.repair.shortcuts",
    "has_location": "media.repair.images",
    "hold_clip": "media.repair.shortcuts",
    "measure_clip": "media.probe.measure",
    "measure_clips": "media.batch",
    "measure_image": "media.probe.image",
    "measure_shots": "media.shots",
    "mend": "media.repair.mend",
    "mends_for": "media.repair.judge",
    "montage": "study",
    "mute_clip": "media.repair.shortcuts",
    "pad_image": "media.repair.shortcuts",
    "publish": "workspace.publish",
    "scale_clip": "media.repair.shortcuts",
    "scale_image": "media.repair.shortcuts",
    "shrink_image": "media.repair.shortcuts",
    "stillest": "media.decode",
    "strip_clip": "media.repair.shortcuts",
    "strip_image": "media.repair.shortcuts",
    "strip_times": "media.preview",
    "trim_clip": "media.repair.shortcuts",
    "turn_image": "media.repair.shortcuts",
}

__all__ = [
    "LIMITS", "PRICES", "AuthError", "BudgetError", "Clip", "ClipError", "CompareWall", "EndpointError",
    "Estimate", "Finding", "Fix", "HistoryStrip", "Image", "Job", "JobMonitor", "LogError", "LogTable",
    "Mend", "MotionError", "MotionRequest", "MotionTimeout", "Operation", "OutcomeUnknown", "PaymentError",
    "Plan", "Prices", "Published", "RateLimitError", "RatingView", "RequestError", "RequestForm", "Run",
    "Shots", "Stage", "Studio", "Study", "Sweep", "SweepBoard", "Workspace", "before_after", "between",
    "check", "convert_clip", "convert_image", "estimate", "fit_clip", "has_location", "hold_clip",
    "measure_clip", "measure_clips", "measure_image", "measure_shots", "mend", "mends_for", "montage",
    "mute_clip", "pad_image", "publish", "scale_clip", "scale_image", "shrink_image", "stillest",
    "strip_clip", "strip_image", "strip_times", "trim_clip", "turn_image",
]  # fmt: skip

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
