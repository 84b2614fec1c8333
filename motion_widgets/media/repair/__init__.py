"""Mending clips and images so that they pass the rules: always a new file, never the source itself.

An `Operation` says what to do, `mend` does it and gives its provenance, `mends_for` says which operation
mends which finding. The names are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.lazy import lazy_exports

if TYPE_CHECKING:
    from motion_widgets.media.repair.compare import before_after, strip_times
    from motion_widgets.media.repair.images import has_location
    from motion_widgets.media.repair.operation import Mend, Operation
    from motion_widgets.media.repair.run import (
        convert_clip,
        convert_image,
        fit_clip,
        hold_clip,
        mend,
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
    from motion_widgets.media.repair.stillest_part import stillest
    from motion_widgets.media.repair.suggest import mends_for

_HOMES = {
    "Mend": "operation",
    "Operation": "operation",
    "before_after": "compare",
    "convert_clip": "run",
    "convert_image": "run",
    "fit_clip": "run",
    "has_location": "images",
    "hold_clip": "run",
    "mend": "run",
    "mends_for": "suggest",
    "mute_clip": "run",
    "pad_image": "run",
    "scale_clip": "run",
    "scale_image": "run",
    "shrink_image": "run",
    "stillest": "stillest_part",
    "strip_clip": "run",
    "strip_image": "run",
    "strip_times": "compare",
    "trim_clip": "run",
    "turn_image": "run",
}

__all__ = [
    "Mend",
    "Operation",
    "before_after",
    "convert_clip",
    "convert_image",
    "fit_clip",
    "has_location",
    "hold_clip",
    "mend",
    "mends_for",
    "mute_clip",
    "pad_image",
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

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
