"""Clips and images: measure, preview, decode, and the samples made by code.

The names are loaded at first use, for importing this room must stay cheap. It may import only
`motion_widgets.core.messages`, `facts`, `errors` and `content`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.lazy import lazy_exports

if TYPE_CHECKING:
    from motion_widgets.media.batch import measure_clips
    from motion_widgets.media.decode import frames, motion_energy
    from motion_widgets.media.preview import filmstrip, thumbnail
    from motion_widgets.media.probe.image import measure_image
    from motion_widgets.media.probe.measure import measure_clip
    from motion_widgets.media.samples import SampleMedia, sample_media
    from motion_widgets.media.shots import measure_shots
    from motion_widgets.media.tile_clips import montage

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
    "measure_clip": "probe.measure",
    "measure_clips": "batch",
    "measure_image": "probe.image",
    "measure_shots": "shots",
    "montage": "tile_clips",
    "motion_energy": "decode",
    "sample_media": "samples",
    "thumbnail": "preview",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
