"""Read a `moof`, the header of one fragment, and widen the spans of the tracks by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.media.probe.boxes import Box, BoxError, boxes, u32, u64

if TYPE_CHECKING:
    from motion_widgets.media.probe.movie import Movie

__all__ = ["add_fragment"]


class _Run(NamedTuple):
    """A `trun`: samples one after the other."""

    length: int
    """In the track's timescale."""
    samples: int
    first_shift: int
    """Presentation time minus decoding time of the first sample."""
    deepest_shift: int
    """The largest negative shift, as a positive number."""


def add_fragment(movie: Movie, moof: bytes) -> None:
    """Add one fragment to the tracks that it holds samples of.

    Raises
    ------
    BoxError
        The payload of the `moof` is malformed.
    """
    for traf in boxes(moof):
        if traf.kind == b"traf":
            _add_to_track(movie, moof, traf)


def _add_to_track(movie: Movie, moof: bytes, traf: Box) -> None:
    track_id, sample_length, begin = 0, 0, None
    runs: list[_Run] = []
    for box in boxes(moof, traf.start, traf.end):
        if box.kind == b"tfhd":
            flags, track_id = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
            at = box.start + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
            sample_length = u32(moof, at) if flags & 8 else movie.sample_lengths.get(track_id, 0)
        elif box.kind == b"tfdt":
            begin = u64(moof, box.start + 4) if moof[box.start] == 1 else u32(moof, box.start + 4)
        elif box.kind == b"trun":
            runs.append(_run(moof, box, sample_length))
    track = next((track for track in movie.tracks if track.id == track_id), None)
    if track is None:
        return
    track.undated |= begin is None
    if begin is None:
        # It follows the one before; the first one follows the samples that the moov lists itself.
        begin = track.end if track.end is not None else track.sampled
    length = sum(run.length for run in runs)
    if track.begin is None and track.samples:
        track.begin = 0
    elif track.begin is None or begin < track.begin:
        track.begin = begin
        track.first_shift = next((run.first_shift for run in runs if run.samples), 0)
    track.deepest_shift = max(track.deepest_shift, *(run.deepest_shift for run in runs), 0)
    track.end = max(track.end or 0, begin + length)
    track.samples += sum(run.samples for run in runs)
    track.sampled += length


def _run(moof: bytes, box: Box, sample_length: int) -> _Run:
    flags, count = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
    at = box.start + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    row = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if row and count > (box.end - at) // row:
        raise BoxError(f"trun claims {count} samples in {box.end - at} bytes")
    first, deepest = 0, 0
    if flags & 0x800 and count:
        last = at + row - 4  # the shift is the last word of a row
        found = [u32(moof, last + index * row) for index in range(count)]
        signed = [value - 2**32 if value >= 2**31 else value for value in found]
        first, deepest = signed[0], max(0, -min(signed))
    length = count * sample_length
    if flags & 0x100:  # each row begins with its sample's own length
        length = sum(u32(moof, at + index * row) for index in range(count))
    return _Run(length, count, first, deepest)
