"""A clip's tracks and what follows from them: its length with edit lists applied, its sides, its rotation.

The length follows ffmpeg 6.1 and later: latest end minus earliest start over audio and video tracks. On every
clip tried it is within 1 ms of PyAV's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["UPRIGHT", "Matrix", "Movie", "Track"]

Matrix = tuple[float, float, float, float]
"""The part of a transformation matrix that rotates and scales."""
UPRIGHT: Matrix = (1.0, 0.0, 0.0, 1.0)


@dataclass(slots=True)
class Track:
    """One track; its times count in its own `timescale`, except the lengths of edits."""

    id: int = 0
    kind: bytes = b""
    """Handler: ``b"vide"``, ``b"soun"`` or another."""
    timescale: int = 0
    """Units per second."""
    stated: int | None = None
    """Length that `mdhd` states. None: unknown or zero."""
    sampled: int = 0
    """Length by `stts`: the sum over all samples."""
    samples: int = 0
    first_shift: int = 0
    """Presentation time of the first sample minus its decoding time."""
    edits: list[tuple[int, int]] = field(default_factory=list)
    """(length in the movie's timescale, media time, or -1 for an empty edit)."""
    matrix: Matrix = UPRIGHT
    width: int = 0
    height: int = 0
    codec: str = ""
    located: bool = False
    """It says where it was taken, once or all the time."""
    begin: int | None = None
    """Decoding time of the first sample of a fragmented file. None: no fragment was read."""
    end: int | None = None
    """Latest end of the fragments. None: no fragment was read."""
    deepest_shift: int = 0
    """The largest negative shift of a fragment's sample, as a positive number."""
    indexed_end: float | None = None
    """End in s that a `sidx` states. None: none is about this track."""
    undated: bool = False
    """A fragment does not say when it begins, so it follows the one before."""

    def span(self, movie_timescale: int) -> tuple[float, float] | None:
        """Return when it starts and ends in s, as shown. None: the track states no length."""
        if not self.timescale:
            return None
        lead, shown, media_start = self._edited()
        start = lead / movie_timescale if movie_timescale else 0.0
        if self.end is not None or self.indexed_end is not None:
            return self._fragmented_span(start, media_start or 0)
        if media_start is None:
            start += self.first_shift / self.timescale
        known = [value for value in (self.stated, self.sampled) if value]
        length = min(known) / self.timescale if known else 0.0
        if shown and movie_timescale:
            length = min(shown / movie_timescale, length or math.inf)
        elif media_start is not None:
            length -= media_start / self.timescale
        return (start, start + length) if length > 0 else None

    def _fragmented_span(self, start: float, media_start: int) -> tuple[float, float] | None:
        """Return start and end as ffmpeg does: edits move a fragmented track but do not shorten it."""
        shift = self.begin or 0
        if self.kind == b"vide":
            shift += self.first_shift + self.deepest_shift - media_start
        start += shift / self.timescale
        length = self.indexed_end if self.indexed_end is not None else (self.end or 0) / self.timescale
        return (start, start + length) if length > 0 else None

    def _edited(self) -> tuple[int, int, int | None]:
        """Return the empty lead, the length shown, and the media time at which it starts (None: no edit)."""
        lead, shown, media_start = 0, 0, None
        for length, media_time in self.edits:
            if media_start is None and media_time < 0:
                lead += length
            else:
                shown += length
                media_start = media_time if media_start is None else media_start
        return lead, shown, media_start


@dataclass(slots=True)
class Movie:
    """What the header of a clip says."""

    timescale: int = 0
    """Units per second."""
    stated: int | None = None
    """Length that `mvhd` states. None: unknown or zero."""
    matrix: Matrix = UPRIGHT
    tracks: list[Track] = field(default_factory=list)
    sample_lengths: dict[int, int] = field(default_factory=dict)
    """Default length of a sample by track id, from `trex`; only in a fragmented file."""
    located: bool = False
    """It says where all of it was taken."""
    fragmented: bool = False
    partial: bool = False
    """Not all fragments were read, so not all samples are counted."""

    @property
    def video(self) -> Track | None:
        """The video that is shown: the first one with sides. None: there is none."""
        return next((t for t in self.tracks if t.kind == b"vide" and t.width and t.height), None)

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track."""
        return any(track.kind == b"soun" for track in self.tracks)

    @property
    def has_location(self) -> bool:
        """Whether the movie or any of its tracks says where it was taken."""
        return self.located or any(track.located for track in self.tracks)

    @property
    def mvhd_length(self) -> float | None:
        """Length that `mvhd` states, in s."""
        return self.stated / self.timescale if self.stated and self.timescale else None

    def length(self) -> float | None:
        """Return latest end minus earliest start over audio and video in s. None: nothing states it."""
        spans = [t.span(self.timescale) for t in self.tracks if t.kind in {b"vide", b"soun"}]
        known = [span for span in spans if span]
        if not known:
            return None
        return max(end for _, end in known) - min(start for start, _ in known)

    def rotation(self, track: Track) -> int:
        """Return by how much a player turns a track clockwise: 0, 90, 180 or 270 degrees."""
        (a, b, _, _), (e, f, g, h) = track.matrix, self.matrix
        return round(math.degrees(math.atan2(a * f + b * h, a * e + b * g)) / 90) % 4 * 90
