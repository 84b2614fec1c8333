"""Read a `moov`, the header of an mp4 or mov, into a `Movie`."""

from __future__ import annotations

import struct
from contextlib import suppress

from motion_widgets.media.colours import UNSPECIFIED
from motion_widgets.media.probe.boxes import BoundError, Box, BoxError, boxes, u16, u32, u64
from motion_widgets.media.probe.movie import UPRIGHT, Matrix, Movie, Track
from motion_widgets.media.probe.parameter_sets import PARAMETER_SETS, stated_by

__all__ = ["MOST_TRACKS", "read_moov"]

MOST_TRACKS, _MOST_EDITS = 64, 100_000
_PICTURE_HEAD = 78
"""Bytes of a picture's sample entry before its own boxes."""
_MOST_STRETCHED = 10
"""A pixel that is longer than this many times its other side is nonsense, and taken as square."""
_TWO_FIELDS = 2
_NOTES = (b"udta", b"meta", b"uuid")
"""Boxes for what a camera or a program notes."""
_PLACES = (b"\xa9xyz", b"loci", b"quicktime.location", b"exif:GPSL")
"""Names under which QuickTime, 3GPP, Apple and Adobe write a place."""


def read_moov(moov: bytes) -> Movie:
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
                if len(movie.tracks) >= MOST_TRACKS:
                    raise BoundError(f"more than {MOST_TRACKS} tracks")
                movie.tracks.append(_track(moov, box))
            elif box.kind in _NOTES:
                movie.located |= _has_place(moov, box)
            elif box.kind == b"mvex":
                movie.fragmented = True
                for inner in boxes(moov, box.start, box.end):
                    if inner.kind == b"trex":
                        movie.sample_lengths[u32(moov, inner.start + 4)] = u32(moov, inner.start + 12)
    except (struct.error, IndexError, OverflowError) as error:
        raise BoxError(str(error)) from error
    return movie


def _matrix(data: bytes, at: int) -> Matrix:
    if at + 20 > len(data):
        return UPRIGHT
    a, b, _, c, d = struct.unpack_from(">5i", data, at)
    return (a / 65536, b / 65536, c / 65536, d / 65536) if (a or b) else UPRIGHT


def _clock(data: bytes, box: Box) -> tuple[int, int | None, int]:
    """Return timescale and length of an `mvhd` or `mdhd`, and the offset behind them."""
    if data[box.start] == 1:
        scale, length, unknown, at = u32(data, box.start + 20), u64(data, box.start + 24), 2**64 - 1, 32
    else:
        scale, length, unknown, at = u32(data, box.start + 12), u32(data, box.start + 16), 2**32 - 1, 20
    return scale, length if length not in {0, unknown} else None, box.start + at


def _track(data: bytes, trak: Box) -> Track:
    track = Track()
    shown = (0, 0)
    for box in boxes(data, trak.start, trak.end):
        if box.kind == b"tkhd":
            shown = _read_head(track, data, box)
        elif box.kind in {b"edts", b"tref"}:
            for inner in boxes(data, box.start, box.end):
                if inner.kind == b"elst":
                    track.edits = _edits(data, inner)
                elif inner.kind == b"chap":
                    track.chapters = [u32(data, at) for at in range(inner.start, inner.end - 3, 4)]
        elif box.kind == b"mdia":
            _read_media(track, data, box)
        elif box.kind in _NOTES:
            track.located |= _has_place(data, box)
    track.pixel_aspect = _pixel_aspect(track, *shown)
    return track


def _pixel_aspect(track: Track, width: int, height: int) -> float:
    """Return width over height of a pixel; what no box says of it follows from the sides the track states."""
    aspect = track.pixel_aspect
    if not aspect and width and height and track.width and track.height:
        aspect = width * track.height / (height * track.width)
    return aspect if 1 / _MOST_STRETCHED <= aspect <= _MOST_STRETCHED else 1.0


def _read_head(track: Track, data: bytes, tkhd: Box) -> tuple[int, int]:
    """Read a track's own header, and return the sides that it states, in 1/65536 px."""
    wide = 12 if data[tkhd.start] == 1 else 0
    track.id = u32(data, tkhd.start + (20 if wide else 12))
    track.enabled = bool(data[tkhd.start + 3] & 1)
    track.matrix = _matrix(data, tkhd.start + 40 + wide)
    if tkhd.end - tkhd.start < 84 + wide:
        return 0, 0
    return u32(data, tkhd.start + 76 + wide), u32(data, tkhd.start + 80 + wide)


def _has_place(data: bytes, box: Box) -> bool:
    return any(data.find(word, box.start, box.end) >= 0 for word in _PLACES)


def _edits(data: bytes, box: Box) -> list[tuple[int, int]]:
    wide = data[box.start] == 1
    form = struct.Struct(">QqI" if wide else ">IiI")
    count = min(u32(data, box.start + 4), (box.end - box.start - 8) // form.size, _MOST_EDITS)
    return [form.unpack_from(data, box.start + 8 + i * form.size)[:2] for i in range(count)]


def _read_media(track: Track, data: bytes, mdia: Box) -> None:
    inner = list(boxes(data, mdia.start, mdia.end))
    # `hdlr` decides how the sample table in `minf` is read, and may come behind it.
    for box in inner:
        if box.kind == b"hdlr":
            track.kind = data[box.start + 8 : box.start + 12]
        elif box.kind == b"mdhd":
            track.timescale, track.stated, _ = _clock(data, box)
    for minf in (box for box in inner if box.kind == b"minf"):
        for stbl in boxes(data, minf.start, minf.end):
            if stbl.kind == b"stbl":
                for box in boxes(data, stbl.start, stbl.end):
                    _read_table(track, data, box)


def _read_table(track: Track, data: bytes, box: Box) -> None:
    """Read one box of the sample table: codec and sides, the lengths of samples, or their shifts."""
    if box.kind == b"stsd":
        # Tracks that note the place all the time: an action camera's, and Apple's, whose keys are here.
        is_timed = _has_place(data, box) or data.find(b"gpmd", box.start, box.end) >= 0
        track.located |= track.kind == b"meta" and is_timed
        entry = next(boxes(data, box.start + 8, box.end), None)
        if entry is not None:
            track.codec = entry.kind.decode("latin-1").strip()
            if track.kind == b"vide":
                track.width, track.height = u16(data, entry.start + 24), u16(data, entry.start + 26)
                _read_picture(track, data, entry)
    elif box.kind == b"stts":
        count = min(u32(data, box.start + 4), (box.end - box.start - 8) // 8)
        track.lengths = data[box.start + 8 : box.start + 8 + count * 8]
        for number, length in struct.iter_unpack(">II", track.lengths):
            track.samples += number
            # A length above 2^31 is a negative one by a careless program; ffmpeg counts it as 1.
            track.sampled += number * (length if length < 2**31 else 1)
    elif box.kind == b"ctts" and u32(data, box.start + 4):
        count = min(u32(data, box.start + 4), (box.end - box.start - 8) // 8)
        track.shifts = data[box.start + 8 : box.start + 8 + count * 8]
        track.first_shift = int.from_bytes(data[box.start + 12 : box.start + 16], "big", signed=True)


def _read_picture(track: Track, data: bytes, entry: Box) -> None:
    """Read the boxes of a picture's sample entry."""
    in_stream = matrix = matrix_in_stream = None
    with suppress(BoxError, IndexError, struct.error):  # some end in bytes that are no boxes
        for box in boxes(data, entry.start + _PICTURE_HEAD, entry.end):
            if box.kind == b"pasp" and (down := u32(data, box.start + 4)):
                track.pixel_aspect = u32(data, box.start) / down
            elif box.kind == b"colr" and data[box.start : box.start + 4] in {b"nclx", b"nclc"}:
                track.transfer = u16(data, box.start + 6)
                matrix = u16(data, box.start + 8)
            elif box.kind == b"fiel":
                track.interlaced |= data[box.start] == _TWO_FIELDS
            elif box.kind in PARAMETER_SETS:
                stated = stated_by(box.kind, data[box.start : box.end])
                track.interlaced |= stated.interlaced
                in_stream, matrix_in_stream = stated.transfer, stated.matrix
                if box.kind == b"avcC" and box.end - box.start > 1:
                    track.profile = data[box.start + 1]
    if track.transfer in {None, UNSPECIFIED}:  # a box that states nothing is as good as none
        track.transfer = in_stream
    # As decoders do: of a box around the stream, they do not know.
    track.colour_matrix = matrix if matrix_in_stream is None else matrix_in_stream
