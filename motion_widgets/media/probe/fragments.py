"""The length of a fragmented file: by its index, by its last fragments, or by all of them.

The header of such a file states no length. What does is a `sidx` (an index of fragments), the `mfra` at the
end of the file (a table of where fragments lie), or each fragment's own `moof`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.media.probe.boxes import (
    LARGEST_MOOF,
    MOST_BOXES,
    BoundError,
    Box,
    BoxError,
    boxes,
    is_kind,
    read_header,
    u16,
    u32,
    u64,
)

if TYPE_CHECKING:
    from motion_widgets.media.probe.boxes import Layout
    from motion_widgets.media.probe.movie import Movie
    from motion_widgets.media.probe.source import Source

__all__ = ["add_fragment", "fragment_length"]


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


_ROUND_TRIPS = 6
"""Spent on walking from fragment to fragment before the rest of the file is read at once."""
_LARGEST_REST = 100 << 20
"""Bytes of a link that are read to find its last fragment."""
_MFRA_GUESS = 16_384
"""Bytes at the end of a file that mostly hold all of its `mfra`; a clip of ten minutes has less."""


def fragment_length(source: Source, layout: Layout, movie: Movie) -> float | None:
    """Return the length in s and note in each track what its fragments span. None: it cannot be found.

    A link costs nothing more if a `sidx` lies in what was read, one or two requests if it ends with an
    `mfra`, else up to six, else the rest of the file up to 100 MB.

    Raises
    ------
    BoxError
        The fragments are malformed.
    """
    for moof in layout.moofs:
        add_fragment(movie, moof)
    complete = not source.remote or (source.size is not None and layout.end >= source.size)
    movie.partial = not complete
    if _read_sidx(source, layout, movie, complete=complete) or complete:
        return movie.length()
    before = [replace(track) for track in movie.tracks]
    if source.forward_only or not _read_mfra(source, layout, movie):
        movie.tracks[:] = before
        if not _walk(source, layout.end, layout, movie):
            return None
        movie.partial = False
    _read_sidx(source, layout, movie, complete=True)
    return movie.length()


def _read_sidx(source: Source, layout: Layout, movie: Movie, *, complete: bool) -> bool:
    """Note the ends that the indexes state; return whether they cover the whole file, so no more is needed.

    ffmpeg trusts an index of the whole file, and takes its end for tracks that have none, too. Without one,
    the fragments count as well, if they are `complete`.
    """
    ends: dict[int, float] = {}
    covered = 0
    for after, sidx in layout.sidx:
        timescale, wide = u32(sidx, 8), sidx[0] == 1
        at = 30 if wide else 22
        count = min(u16(sidx, at), (len(sidx) - at - 2) // 12)
        rows = range(at + 2, at + 2 + 12 * count, 12)
        # A row whose first bit is set refers to another sidx, but states the length of all behind it.
        total = sum(u32(sidx, row + 4) for row in rows)
        if not timescale or not total:
            continue
        begin, first = (u64(sidx, 12), u64(sidx, 20)) if wide else (u32(sidx, 12), u32(sidx, 16))
        ends[u32(sidx, 4)] = (begin + total) / timescale
        covered = max(covered, after + first + sum(u32(sidx, row) & 0x7FFFFFFF for row in rows))
    covers_all = _reaches_end(source, covered)
    if source.size is not None and covered > source.size:
        layout.truncated = True
    if not ends or not (covers_all or complete):
        return False
    for track in movie.tracks:
        if track.id in ends:
            by_fragments = (track.end or 0) / track.timescale if track.timescale and not covers_all else 0.0
            track.indexed_end = max(ends[track.id], by_fragments)
        elif covers_all:
            track.indexed_end = next(iter(ends.values()))
    return covers_all


def _reaches_end(source: Source, covered: int) -> bool:
    """Return whether an index reaches the end of the file, or the `mfra` there."""
    if not covered or source.size is None:
        return False
    rest = source.size - covered
    if rest <= 0:
        return True
    # The last word of an `mfra` is its own size.
    return 16 <= rest <= LARGEST_MOOF and int.from_bytes(source.read(source.size - 4, 4), "big") == rest


def _read_mfra(source: Source, layout: Layout, movie: Movie) -> bool:
    """Read each track's first and last fragment by the table at the end; return whether that will do."""
    if source.size is None or source.size < 1024:
        return False
    tail_at = max(0, source.size - _MFRA_GUESS)
    tail = source.read(tail_at, source.size - tail_at)
    if tail[-12:-8] != b"mfro":
        return False
    size = u32(tail, len(tail) - 4)
    if not 24 <= size <= min(LARGEST_MOOF, source.size):
        return False
    table = tail[-size:] if size <= len(tail) else source.read(source.size - size, size)
    ends = [ends for box in boxes(table, 8) if box.kind == b"tfra" and (ends := _first_and_last(table, box))]
    if not ends:
        return False
    # The first fragment says when the clip begins; it costs nothing if it is among what was read.
    _walk(source, min(first for first, _ in ends), layout, movie, round_trips=1, to_end=False)
    found = False
    for offset in sorted({last for _, last in ends})[-4:]:
        if layout.sidx:
            _read_sidx_before(source, layout, offset)
        found |= _walk(source, offset, layout, movie, round_trips=2, to_end=False)
    # Fragments that do not say when they begin must be read one after the other.
    return found and not any(track.undated for track in movie.tracks)


def _read_sidx_before(source: Source, layout: Layout, offset: int) -> None:
    """Keep each track's `sidx` of a single fragment, 44 or 52 bytes long, right before its `moof`."""
    start = max(0, offset - 52 * len({sidx[4:8] for _, sidx in layout.sidx}))
    lead = source.read(start, offset - start, ahead=True)
    while size := next((size for size in (44, 52) if lead[-size:][4:8] == b"sidx"), 0):
        layout.keep(b"sidx", lead[-size:][8:], offset)
        lead, offset = lead[:-size], offset - size


def _first_and_last(table: bytes, tfra: Box) -> tuple[int, int] | None:
    """Return the offsets of a track's first and last fragment. None: the table lists none."""
    widths = u32(table, tfra.start + 8)
    wide = 8 if table[tfra.start] == 1 else 4
    row = 2 * wide + sum(((widths >> shift) & 3) + 1 for shift in (4, 2, 0))
    count = u32(table, tfra.start + 12)
    first, last = tfra.start + 16, tfra.start + 16 + (count - 1) * row
    if not count or last + row > tfra.end:
        return None
    number = u64 if wide == 8 else u32
    return number(table, first + wide), number(table, last + wide)


def _walk(
    source: Source,
    at: int,
    layout: Layout,
    movie: Movie,
    *,
    round_trips: int = _ROUND_TRIPS,
    to_end: bool = True,
) -> bool:
    """Walk from fragment to fragment; return whether it reached the end or, without `to_end`, read any."""
    found = False
    for _ in range(MOST_BOXES):
        if source.size is not None and at >= source.size:
            return True
        if not source.holds(at, 16):
            # On a stream the next box is not another request, only more of the same.
            round_trips -= not source.forward_only
            if round_trips < 0 and not (to_end and _read_rest(source, at)):
                return found and not to_end
        head = source.read(at, 16, ahead=True)
        size, kind, header = read_header(head) if len(head) >= 8 else (0, b"", 8)
        if size < header or not is_kind(kind):
            return found
        if kind in {b"moof", b"sidx"}:
            payload = _payload(source, at + header, size - header)
            if kind == b"moof" and payload:
                add_fragment(movie, payload)
                found = True
            if to_end and payload:
                layout.keep(kind, payload, at + size)
        at += size
    return False


def _read_rest(source: Source, at: int) -> bool:
    """Fetch all that is left, so that the walk costs no more requests; return False if that is too much."""
    if source.size is None or source.size - at > _LARGEST_REST:
        return False
    source.read(at, source.size - at)
    return True


def _payload(source: Source, start: int, count: int) -> bytes:
    """Return the payload of a fragment's box; empty if the file ends inside it."""
    if count > LARGEST_MOOF:
        raise BoundError(f"a fragment's header claims {count} bytes")
    payload = source.read(start, count)
    return payload if len(payload) == count else b""
