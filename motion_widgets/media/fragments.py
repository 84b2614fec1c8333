"""The length of a fragmented file: by its `sidx`, by its last fragments, or by all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.media.boxes import (
    BOXES_CAP,
    MOOF_CAP,
    Box,
    BoxError,
    Layout,
    Source,
    boxes,
    head_of,
    is_box,
    u16,
    u32,
    u64,
)

if TYPE_CHECKING:
    from motion_widgets.media.movie import Movie

__all__ = ["fragment_length"]

_HOPS = 6
"""Round trips spent on walking from fragment to fragment before the rest is read in one go."""
_REST_CAP = 100 << 20
"""Bytes of a link that are read to find its last fragment."""


def fragment_length(source: Source, layout: Layout, movie: Movie) -> float | None:
    """Give the length in s and note what each track's fragments span. None: it cannot be found.

    A link costs nothing where a `sidx` lies in its head, one or two requests where it ends with
    `mfra`, else up to six, else the rest of the file up to 100 MB.
    """
    if not source.remote:
        for moof in layout.moofs:
            _note(movie, moof)
        return movie.length()
    for moof in layout.moofs:
        _note(movie, moof)
    if source.size is not None and layout.end >= source.size:
        return movie.length()
    movie.partial = True
    by_index = _by_sidx(layout)
    if by_index is not None:
        return by_index
    if not source.forward_only and _by_mfra(source, movie):
        return movie.length()
    if _walk(source, layout.end, movie):
        movie.partial = False
        return movie.length()
    return None


def _note(movie: Movie, moof: bytes) -> None:
    """Widen each track's span by one fragment."""
    for traf in boxes(moof):
        if traf.kind == b"traf":
            _note_track(movie, moof, traf)


def _note_track(movie: Movie, moof: bytes, traf: Box) -> None:
    track_id, each, base, total, count = 0, 0, None, 0, 0
    for box in boxes(moof, traf.start, traf.end):
        if box.kind == b"tfhd":
            flags, track_id = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
            at = box.start + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
            each = u32(moof, at) if flags & 8 else movie.defaults.get(track_id, 0)
        elif box.kind == b"tfdt":
            base = u64(moof, box.start + 4) if moof[box.start] == 1 else u32(moof, box.start + 4)
        elif box.kind == b"trun":
            length, samples = _run(moof, box, each)
            total, count = total + length, count + samples
    track = next((track for track in movie.tracks if track.id == track_id), None)
    if track is None:
        return
    start = base if base is not None else (track.ended or 0)
    track.begun = start if track.begun is None else min(track.begun, start)
    track.ended = max(track.ended or 0, start + total)
    track.samples += count
    track.sampled += total


def _run(moof: bytes, box: Box, each: int) -> tuple[int, int]:
    """Give the length of a `trun` in the track's timescale, and its samples."""
    flags, count = u32(moof, box.start) & 0xFFFFFF, u32(moof, box.start + 4)
    at = box.start + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    row = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if row and count > (box.end - at) // row:
        raise BoxError(f"trun claims {count} samples in {box.end - at} bytes")
    if not flags & 0x100:
        return count * each, count
    return sum(u32(moof, at + index * row) for index in range(count)), count


def _by_sidx(layout: Layout) -> float | None:
    """Give the length that the first `sidx` states, in s."""
    for sidx in layout.sidx[:1]:
        scale = u32(sidx, 8)
        at = 30 if sidx[0] == 1 else 22
        count = min(u16(sidx, at), (len(sidx) - at - 2) // 12)
        rows = range(at + 2, at + 2 + 12 * count, 12)
        # A reference to another sidx (its first bit) still states the length of all behind it.
        total = sum(u32(sidx, row + 4) for row in rows)
        if scale and total:
            return total / scale
    return None


def _by_mfra(source: Source, movie: Movie) -> bool:
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
    _walk(source, min(first for first, _ in ends), movie, hops=1, whole=False)
    found = False
    for offset in sorted({last for _, last in ends})[-4:]:
        found |= _walk(source, offset, movie, hops=2, whole=False)
    return found


def _end_moofs(table: bytes, box: Box) -> tuple[int, int] | None:
    """Give the offsets of a track's first and last fragment. None: the table lists none."""
    widths = u32(table, box.start + 8)
    wide = 8 if table[box.start] == 1 else 4
    row = 2 * wide + sum(((widths >> shift) & 3) + 1 for shift in (4, 2, 0))
    count = u32(table, box.start + 12)
    first, last = box.start + 16, box.start + 16 + (count - 1) * row
    if not count or last + row > box.end:
        return None
    number = u64 if wide == 8 else u32
    return number(table, first + wide), number(table, last + wide)


def _walk(source: Source, at: int, movie: Movie, *, hops: int = _HOPS, whole: bool = True) -> bool:
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
        if kind == b"moof":
            noted |= _note_at(source, at + skip, size - skip, movie)
        at += size
    return False


def _read_rest(source: Source, at: int) -> bool:
    """Fetch all that is left, so that the walk goes on without a request; False when that is too much."""
    if source.size is None or source.size - at > _REST_CAP:
        return False
    source.read(at, source.size - at)
    return True


def _note_at(source: Source, start: int, count: int, movie: Movie) -> bool:
    if count > MOOF_CAP:
        raise BoxError(f"moof claims {count} bytes")
    moof = source.read(start, count)
    if len(moof) == count:
        _note(movie, moof)
    return len(moof) == count
