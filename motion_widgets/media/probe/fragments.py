"""The length of a fragmented file: by its `sidx`, by its last fragments, or by all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from motion_widgets.media.probe.boxes import (
    BOXES_CAP,
    MOOF_CAP,
    Box,
    BoxError,
    Layout,
    Source,
    boxes,
    head_of,
    is_box,
    keep,
    u16,
    u32,
    u64,
)

if TYPE_CHECKING:
    from motion_widgets.media.probe.movie import Movie

__all__ = ["fragment_length"]

_HOPS = 6
"""Round trips spent on walking from fragment to fragment before the rest is read in one go."""
_REST_CAP = 100 << 20
"""Bytes of a link that are read to find its last fragment."""


def fragment_length(source: Source, layout: Layout, movie: Movie) -> float | None:
    """Return the length in s and note what each track's fragments span. None: it cannot be found.

    A link costs nothing where a `sidx` lies in its head, one or two requests where it ends with
    `mfra`, else up to six, else the rest of the file up to 100 MB.
    """
    for moof in layout.moofs:
        _note(movie, moof)
    whole = not source.remote or (source.size is not None and layout.end >= source.size)
    movie.partial = not whole
    if _by_sidx(source, layout, movie, whole=whole) or whole:
        return movie.length()
    before = [replace(track) for track in movie.tracks]
    if source.forward_only or not _by_mfra(source, layout, movie):
        movie.tracks[:] = before
        if not _walk(source, layout.end, layout, movie):
            return None
        movie.partial = False
    _by_sidx(source, layout, movie, whole=True)
    return movie.length()


def _note(movie: Movie, moof: bytes) -> None:
    """Widen each track's span by one fragment."""
    for traf in boxes(moof):
        if traf.kind == b"traf":
            _note_track(movie, moof, traf)


def _note_track(movie: Movie, moof: bytes, traf: Box) -> None:
    track_id, each, base, total, count, shifts = 0, 0, None, 0, 0, (0, 0)
    for box in boxes(moof, traf.start, traf.end):
        if box.kind == b"tfhd":
            flags, track_id = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
            at = box.start + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
            each = u32(moof, at) if flags & 8 else movie.defaults.get(track_id, 0)
        elif box.kind == b"tfdt":
            base = u64(moof, box.start + 4) if moof[box.start] == 1 else u32(moof, box.start + 4)
        elif box.kind == b"trun":
            length, samples, (first, deepest) = _run(moof, box, each)
            shifts = (shifts[0] if count else first, max(shifts[1], deepest))
            total, count = total + length, count + samples
    track = next((track for track in movie.tracks if track.id == track_id), None)
    if track is None:
        return
    track.loose |= base is None
    # The moov may hold the first samples itself; then they come before all fragments.
    start = base if base is not None else (track.ended if track.ended is not None else track.sampled)
    if track.begun is None and track.samples:
        track.begun = 0
    elif track.begun is None or start < track.begun:
        track.begun, track.first_shift = start, shifts[0]
    track.deepest = max(track.deepest, shifts[1])
    track.ended = max(track.ended or 0, start + total)
    track.samples += count
    track.sampled += total


def _run(moof: bytes, box: Box, each: int) -> tuple[int, int, tuple[int, int]]:
    """Return a `trun`'s length in the track's timescale, its samples, and its first and deepest shift."""
    flags, count = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
    at = box.start + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    row = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if row and count > (box.end - at) // row:
        raise BoxError(f"trun claims {count} samples in {box.end - at} bytes")
    shifts = (0, 0)
    if flags & 0x800 and count:
        last = at + row - 4  # the shift is a row's last word
        found = [u32(moof, last + index * row) for index in range(count)]
        signed = [value - 2**32 if value >= 2**31 else value for value in found]
        shifts = (signed[0], max(0, -min(signed)))
    if not flags & 0x100:
        return count * each, count, shifts
    return sum(u32(moof, at + index * row) for index in range(count)), count, shifts


def _by_sidx(source: Source, layout: Layout, movie: Movie, *, whole: bool) -> bool:
    """Note the ends that a `sidx` states; True when it speaks of the whole file, so that no more is needed.

    ffmpeg believes a `sidx` of the whole file, and takes its end for the tracks that have none, too.
    """
    ends: dict[int, float] = {}
    covered = 0
    for after, sidx in layout.sidx:
        scale, wide = u32(sidx, 8), sidx[0] == 1
        at = 30 if wide else 22
        count = min(u16(sidx, at), (len(sidx) - at - 2) // 12)
        rows = range(at + 2, at + 2 + 12 * count, 12)
        # A reference to another sidx (its first bit) still states the length of all behind it.
        total = sum(u32(sidx, row + 4) for row in rows)
        if not scale or not total:
            continue
        begin, first = (u64(sidx, 12), u64(sidx, 20)) if wide else (u32(sidx, 12), u32(sidx, 16))
        ends[u32(sidx, 4)] = (begin + total) / scale
        covered = max(covered, after + first + sum(u32(sidx, row) & 0x7FFFFFFF for row in rows))
    complete = _is_all(source, covered)
    if source.size is not None and covered > source.size:
        layout.truncated = True
    if not ends or not (complete or whole):
        return False
    for track in movie.tracks:
        if track.id in ends:
            by_runs = (track.ended or 0) / track.timescale if track.timescale and not complete else 0.0
            track.indexed = max(ends[track.id], by_runs)
        elif complete:
            track.indexed = next(iter(ends.values()))
    return complete


def _is_all(source: Source, covered: int) -> bool:
    """Return whether an index reaches the file's end, or the `mfra` at its end."""
    if not covered or source.size is None:
        return False
    rest = source.size - covered
    if rest <= 0:
        return True
    # `mfra` ends with its own size.
    return 16 <= rest <= MOOF_CAP and int.from_bytes(source.read(source.size - 4, 4), "big") == rest


def _by_mfra(source: Source, layout: Layout, movie: Movie) -> bool:
    """Read the last fragment of each track by the table at the file's end."""
    if source.size is None or source.size < 1024:
        return False
    # The table of a ten-minute clip is below 16 KB, so one read mostly holds all of it.
    tail_at = max(0, source.size - 16_384)
    tail = source.read(tail_at, source.size - tail_at)
    if tail[-12:-8] != b"mfro":
        return False
    size = u32(tail, len(tail) - 4)
    if not 24 <= size <= min(MOOF_CAP, source.size):
        return False
    table = tail[-size:] if size <= len(tail) else source.read(source.size - size, size)
    ends = [ends for box in boxes(table, 8) if box.kind == b"tfra" and (ends := _end_moofs(table, box))]
    if not ends:
        return False
    # The first fragment says where time begins; it costs nothing where it lies in the head.
    _walk(source, min(first for first, _ in ends), layout, movie, hops=1, whole=False)
    found = False
    for offset in sorted({last for _, last in ends})[-4:]:
        if layout.sidx:
            _sidx_before(source, layout, offset)
        found |= _walk(source, offset, layout, movie, hops=2, whole=False)
    # Fragments that do not say when they begin must be read one after the other.
    return found and not any(track.loose for track in movie.tracks)


def _sidx_before(source: Source, layout: Layout, offset: int) -> None:
    """Note each track's `sidx` of one fragment, 44 or 52 bytes long, right before its `moof`."""
    start = max(0, offset - 52 * len({sidx[4:8] for _, sidx in layout.sidx}))
    lead = source.read(start, offset - start, ahead=True)
    while size := next((size for size in (44, 52) if lead[-size:][4:8] == b"sidx"), 0):
        keep(layout, b"sidx", lead[-size:][8:], offset)
        lead, offset = lead[:-size], offset - size


def _end_moofs(table: bytes, box: Box) -> tuple[int, int] | None:
    """Return the offsets of a track's first and last fragment. None: the table lists none."""
    widths = u32(table, box.start + 8)
    wide = 8 if table[box.start] == 1 else 4
    row = 2 * wide + sum(((widths >> shift) & 3) + 1 for shift in (4, 2, 0))
    count = u32(table, box.start + 12)
    first, last = box.start + 16, box.start + 16 + (count - 1) * row
    if not count or last + row > box.end:
        return None
    number = u64 if wide == 8 else u32
    return number(table, first + wide), number(table, last + wide)


def _walk(
    source: Source, at: int, layout: Layout, movie: Movie, *, hops: int = _HOPS, whole: bool = True
) -> bool:
    """Walk from fragment to fragment; True when the end was reached or, without `whole`, one was read."""
    noted = False
    for _ in range(BOXES_CAP):
        if source.size is not None and at >= source.size:
            return True
        if not source.holds(at, 16):
            # On a stream a hop is no request, only more of the same.
            hops -= not source.forward_only
            if hops < 0 and not (whole and _read_rest(source, at)):
                return noted and not whole
        head = source.read(at, 16, ahead=True)
        size, kind, skip = head_of(head) if len(head) >= 8 else (0, b"", 8)
        if size < skip or not is_box(kind):
            return noted
        if kind in {b"moof", b"sidx"}:
            payload = _payload(source, at + skip, size - skip)
            if kind == b"moof" and payload:
                _note(movie, payload)
                noted = True
            if whole and payload:
                keep(layout, kind, payload, at + size)
        at += size
    return False


def _read_rest(source: Source, at: int) -> bool:
    """Fetch all that is left, so that the walk goes on without a request; False when that is too much."""
    if source.size is None or source.size - at > _REST_CAP:
        return False
    source.read(at, source.size - at)
    return True


def _payload(source: Source, start: int, count: int) -> bytes:
    """Read a box of a fragment; empty when the file ends inside it."""
    if count > MOOF_CAP:
        raise BoxError(f"a fragment's header claims {count} bytes")
    payload = source.read(start, count)
    return payload if len(payload) == count else b""
