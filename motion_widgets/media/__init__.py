"""Clips and images: measure, preview, decode, and the samples made by code.

The names are loaded at first use, for importing this room must stay cheap. It may import only
`motion_widgets.texts`, `facts`, `errors` and `content`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.media.collage import montage
    from motion_widgets.media.corpus import measure_clips
    from motion_widgets.media.decode import frames, motion_energy
    from motion_widgets.media.image import measure_image
    from motion_widgets.media.measure import measure_clip
    from motion_widgets.media.preview import filmstrip, thumbnail
    from motion_widgets.media.samples import SampleMedia, sample_media
    from motion_widgets.media.shots import measure_shots

__all__ = [
    "SampleMedia",
    "filmstrip",
    "frames",
    "measure_clip",
    "measure_clips",
    "measure_image",
    "measure_shots",
    "montage",
    "motion_energy",
    "sample_media",
    "thumbnail",
]

_HOMES = {
    "SampleMedia": "samples",
    "filmstrip": "preview",
    "frames": "decode",
    "measure_clip": "measure",
    "measure_clips": "corpus",
    "measure_image": "image",
    "measure_shots": "shots",
    "montage": "collage",
    "motion_energy": "decode",
    "sample_media": "samples",
    "thumbnail": "preview",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
