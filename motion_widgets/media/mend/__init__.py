"""Mending clips and images so that they pass the rules: always a new file, never the source itself.

An `Operation` says what to do, `mend` does it and gives its provenance, `mends_for` says which operation
mends which finding. The names are loaded at first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.media.mend.images import has_location
    from motion_widgets.media.mend.look import before_after, strip_times
    from motion_widgets.media.mend.operation import Mend, Operation
    from motion_widgets.media.mend.propose import mends_for
    from motion_widgets.media.mend.run import (
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
    from motion_widgets.media.mend.still import stillest

_HOMES = {
    "Mend": "operation",
    "Operation": "operation",
    "before_after": "look",
    "convert_clip": "run",
    "convert_image": "run",
    "fit_clip": "run",
    "has_location": "images",
    "hold_clip": "run",
    "mend": "run",
    "mends_for": "propose",
    "mute_clip": "run",
    "pad_image": "run",
    "scale_clip": "run",
    "scale_image": "run",
    "shrink_image": "run",
    "stillest": "still",
    "strip_clip": "run",
    "strip_image": "run",
    "strip_times": "look",
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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
