"""Read a `moov`: its tracks, their lengths with edit lists applied, sides, rotation, codec.

The length follows ffmpeg 6.1 and later: latest end minus earliest start over audio and video tracks.
It was within 1 ms of PyAV's on every clip tried.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

from motion_widgets.media.probe.boxes import Box, BoxError, boxes, u16, u32, u64

__all__ = ["Movie", "Track", "read_movie"]

_TRACKS_CAP = 64
_UNITY = (1.0, 0.0, 0.0, 1.0)
_NOTES = (b"udta", b"meta", b"uuid")
"""Boxes that hold what a camera or a program wrote down."""
_PLACES = (b"\xa9xyz", b"loci", b"quicktime.location", b"exif:GPSL")
_Matrix = tuple[float, float, float, float]


@dataclass(slots=True)
class Track:
    """One track, times in its own `timescale` except the edits' lengths."""

    id: int = 0
    kind: bytes = b""
    """Handler: ``b"vide"``, ``b"soun"`` or another."""
    timescale: int = 0
    """Units per second."""
    stated: int | None = None
    """Length by `mdhd`. None: unknown or zero."""
    sampled: int = 0
    """Length by `stts`: the sum over all samples."""
    samples: int = 0
    first_shift: int = 0
    """Presentation of the first sample minus its decoding time."""
    edits: list[tuple[int, int]] = field(default_factory=list)
    """(length in the movie's timescale, media time or -1 for an empty edit)."""
    matrix: _Matrix = _UNITY
    width: int = 0
    height: int = 0
    codec: str = ""
    begun: int | None = None
    """Decoding time of the first sample of a fragmented file. None: no fragment was read."""
    ended: int | None = None
    """Latest end of the fragments."""
    deepest: int = 0
    """The largest negative shift of a fragment's sample, as a positive number."""
    indexed: float | None = None
    """End that a `sidx` states, in s. None: none speaks of this track."""
    located: bool = False
    """It says where it was taken, once or all the while."""
    loose: bool = False
    """A fragment does not say when it begins, so it must follow the one before."""

    def span(self, movie_scale: int) -> tuple[float, float] | None:
        """Return start and end in s, as they are shown. None: the track states no length."""
        if not self.timescale:
            return None
        lead, shown, first = self._edited()
        start = lead / movie_scale if movie_scale else 0.0
        if self.ended is not None or self.indexed is not None:
            return self._fragmented_span(start, first or 0)
        if first is None:
            start += self.first_shift / self.timescale
        media = self._media()
        if shown and movie_scale:
            media = min(shown / movie_scale, media or math.inf)
        elif first is not None:
            media -= first / self.timescale
        return (start, start + media) if media > 0 else None

    def _fragmented_span(self, start: float, first: int) -> tuple[float, float] | None:
        """Return start and end as ffmpeg does: edits move a fragmented track and do not shorten it."""
        shift = self.begun or 0
        if self.kind == b"vide":
            shift += self.first_shift + self.deepest - first
        start += shift / self.timescale
        media = self.indexed if self.indexed is not None else (self.ended or 0) / self.timescale
        return (start, start + media) if media > 0 else None

    def _edited(self) -> tuple[int, int, int | None]:
        """Return the empty lead, the length shown, and the media time it begins at (None: no edit)."""
        lead, shown, first = 0, 0, None
        for length, media_time in self.edits:
            if first is None and media_time < 0:
                lead += length
            else:
                shown += length
                first = media_time if first is None else first
        return lead, shown, first

    def _media(self) -> float:
        """Length of the media in s, without edits; 0.0 when nothing states it."""
        known = [value for value in (self.stated, self.sampled) if value]
        return min(known) / self.timescale if known else 0.0


@dataclass(slots=True)
class Movie:
    """What a `moov` says."""

    timescale: int = 0
    stated: int | None = None
    matrix: _Matrix = _UNITY
    tracks: list[Track] = field(default_factory=list)
    defaults: dict[int, int] = field(default_factory=dict)
    """Sample length by track id, from `trex`; only in a fragmented file."""
    located: bool = False
    """It says where it was taken, for the whole of it."""
    fragmented: bool = False
    partial: bool = False
    """Not all fragments were read, so samples are not all counted."""

    @property
    def video(self) -> Track | None:
        """The video that is shown: the first with sides."""
        return next((t for t in self.tracks if t.kind == b"vide" and t.width and t.height), None)

    @property
    def has_audio(self) -> bool:
        """Whether a sound track is there."""
        return any(track.kind == b"soun" for track in self.tracks)

    @property
    def has_location(self) -> bool:
        """Whether the movie or any of its tracks says where it was taken."""
        return self.located or any(track.located for track in self.tracks)

    @property
    def mvhd_length(self) -> float | None:
        """Length by `mvhd` in s."""
        return self.stated / self.timescale if self.stated and self.timescale else None

    def length(self) -> float | None:
        """Latest end minus earliest start over audio and video in s. None: nothing states it."""
        spans = [t.span(self.timescale) for t in self.tracks if t.kind in {b"vide", b"soun"}]
        known = [span for span in spans if span]
        if not known:
            return None
        return max(end for _, end in known) - min(start for start, _ in known)

    def rotation(self, track: Track) -> int:
        """Clockwise turn of a track: 0, 90, 180 or 270 degrees."""
        a, b, _, _ = _times(track.matrix, self.matrix)
        return round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90


def read_movie(moov: bytes) -> Movie:
    """Read the payload of a `moov`.

    Raises
    ------
    BoxError
        It is malformed.
    """
    movie = Movie()
    try:
        for box in boxes(moov):
            if box.kind == b"mvhd":
                movie.timescale, movie.stated, at = _clock(moov, box)
                movie.matrix = _matrix(moov, at + 16)
            elif box.kind == b"trak":
                if len(movie.tracks) >= _TRACKS_CAP:
                    raise BoxError(f"more than {_TRACKS_CAP} tracks")
                movie.tracks.append(_track(moov, box))
            elif box.kind in _NOTES:
                movie.located |= _tells_place(moov, box)
            elif box.kind == b"mvex":
                movie.fragmented = True
                for inner in boxes(moov, box.start, box.end):
                    if inner.kind == b"trex":
                        movie.defaults[u32(moov, inner.start + 4)] = u32(moov, inner.start + 12)
    except (struct.error, IndexError, OverflowError) as error:
        raise BoxError(str(error)) from error
    return movie


def _times(one: _Matrix, two: _Matrix) -> _Matrix:
    a, b, c, d = one
    e, f, g, h = two
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _matrix(data: bytes, at: int) -> _Matrix:
    if at + 20 > len(data):
        return _UNITY
    a, b, _, c, d = struct.unpack_from(">5i", data, at)
    return (a / 65536, b / 65536, c / 65536, d / 65536) if (a or b) else _UNITY


def _clock(data: bytes, box: Box) -> tuple[int, int | None, int]:
    """Read timescale and length of `mvhd` or `mdhd`, and the offset behind them."""
    if data[box.start] == 1:
        scale, length, unknown, at = u32(data, box.start + 20), u64(data, box.start + 24), 2**64 - 1, 32
    else:
        scale, length, unknown, at = u32(data, box.start + 12), u32(data, box.start + 16), 2**32 - 1, 20
    return scale, length if length not in {0, unknown} else None, box.start + at


def _track(data: bytes, trak: Box) -> Track:
    track = Track()
    for box in boxes(data, trak.start, trak.end):
        if box.kind == b"tkhd":
            wide = 12 if data[box.start] == 1 else 0
            track.id = u32(data, box.start + (20 if wide else 12))
            track.matrix = _matrix(data, box.start + 40 + wide)
        elif box.kind == b"edts":
            for inner in boxes(data, box.start, box.end):
                if inner.kind == b"elst":
                    track.edits = _edits(data, inner)
        elif box.kind == b"mdia":
            _media(track, data, box)
        elif box.kind in _NOTES:
            track.located |= _tells_place(data, box)
    return track


def _tells_place(data: bytes, box: Box) -> bool:
    """Return whether a box of notes holds a place, as QuickTime, 3GPP, Apple or Adobe write one."""
    return any(data.find(word, box.start, box.end) >= 0 for word in _PLACES)


def _edits(data: bytes, box: Box) -> list[tuple[int, int]]:
    wide = data[box.start] == 1
    form = struct.Struct(">QqI" if wide else ">IiI")
    count = min(u32(data, box.start + 4), (box.end - box.start - 8) // form.size, 100_000)
    return [form.unpack_from(data, box.start + 8 + i * form.size)[:2] for i in range(count)]


def _media(track: Track, data: bytes, mdia: Box) -> None:
    inner = list(boxes(data, mdia.start, mdia.end))
    # `hdlr` may follow `minf`, and it decides how the sample entry is read.
    for box in inner:
        if box.kind == b"hdlr":
            track.kind = data[box.start + 8 : box.start + 12]
        elif box.kind == b"mdhd":
            track.timescale, track.stated, _ = _clock(data, box)
    for minf in (box for box in inner if box.kind == b"minf"):
        for stbl in boxes(data, minf.start, minf.end):
            if stbl.kind == b"stbl":
                for box in boxes(data, stbl.start, stbl.end):
                    _table(track, data, box)


def _table(track: Track, data: bytes, box: Box) -> None:
    if box.kind == b"stsd":
        # Tracks that note the place all the while: an action camera's, and Apple's, whose keys are here.
        track.located |= track.kind == b"meta" and (
            _tells_place(data, box) or data.find(b"gpmd", box.start, box.end) >= 0
        )
        for entry in boxes(data, box.start + 8, box.end):
            track.codec = entry.kind.decode("latin-1").strip()
            if track.kind == b"vide":
                track.width, track.height = u16(data, entry.start + 24), u16(data, entry.start + 26)
            break
    elif box.kind == b"stts":
        count = min(u32(data, box.start + 4), (box.end - box.start - 8) // 8)
        for number, length in struct.iter_unpack(">II", data[box.start + 8 : box.start + 8 + count * 8]):
            track.samples += number
            # A length above 2^31 is a negative one written by a careless muxer; ffmpeg counts it as 1.
            track.sampled += number * (length if length < 2**31 else 1)
    elif box.kind == b"ctts" and u32(data, box.start + 4):
        track.first_shift = int.from_bytes(data[box.start + 12 : box.start + 16], "big", signed=True)
