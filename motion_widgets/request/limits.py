"""Every limit of the endpoint as data: APIMart's and, for media, Kling's (`endpoint/API.md` section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIMITS", "LONGEST_TEXT", "MB", "Limits"]


MB = 1_000_000
"""Bytes. The documentation does not say whether MB means 10**6 or 2**20; the smaller is safe."""
LONGEST_TEXT = 20_000
"""Characters of one field; the endpoint's own limit on a prompt is 2,500. Nobody writes more by hand."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Every limit of the endpoint, as data.

    >>> mw.LIMITS.clip_length("image")
    (3.0, 10.0)
    """

    clip_seconds: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: MappingProxyType({"image": (3.0, 10.0), "video": (3.0, 30.0)})
    )
    """Shortest and longest clip in s, by orientation."""
    clip_tolerance: float = 0.05
    """Seconds above the longest that gateways allow; below the shortest they allow nothing."""
    clip_bytes: int = 100 * MB
    clip_side: tuple[int, int] = (340, 3850)
    """px, each side."""
    clip_formats: tuple[str, ...] = ("mp4", "mov")
    clip_codecs_safe: tuple[str, ...] = ("avc1", "avc3")
    """Sample entries of H.264, which every reader supports; the documentation names no codec."""
    clip_profiles_safe: tuple[int, ...] = (66, 77, 100)
    """Profiles of H.264 (Baseline, Main, High) that every reader supports."""
    image_bytes: int = 10 * MB
    image_side: tuple[int, int] = (300, 65536)
    """px, each side."""
    image_side_safe: int = 340
    """px; other gateways refuse smaller sides."""
    image_aspect: tuple[float, float] = (1 / 2.5, 2.5)
    """Width over height."""
    image_formats: tuple[str, ...] = ("jpeg", "png")
    prompt_characters: int = 2500
    aspect_factor: float = 1.6
    """Ratio of the aspects of image and clip from which the figure is likely to be cropped."""
    camera_speed: float = 0.1
    """Shorter sides of the picture per s; if the background moves faster, the camera moves a lot."""

    def clip_length(self, orientation: object) -> tuple[float, float]:
        """Return the shortest and longest clip in s; for an unknown orientation the widest range."""
        known = self.clip_seconds.get(orientation) if isinstance(orientation, str) else None
        return known or self.clip_seconds["video"]


LIMITS = Limits()
