"""Measure a clip by its header alone: a file, bytes, or a link."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip
from motion_widgets.core.hosts import is_link
from motion_widgets.core.paths import readable, typed_path
from motion_widgets.media.colours import UNSPECIFIED
from motion_widgets.media.probe.boxes import (
    LARGEST_MOOV,
    MOST_BOXES,
    BoundError,
    BoxError,
    ForeignError,
    Layout,
    MissingHeaderError,
    scan,
)
from motion_widgets.media.probe.cache import SHARED, Cache
from motion_widgets.media.probe.fragments import fragment_length
from motion_widgets.media.probe.http_source import LinkSource
from motion_widgets.media.probe.moov import MOST_TRACKS, read_moov
from motion_widgets.media.probe.sniff import FILE_TYPES, SNIFFED, FileType, looks_like
from motion_widgets.media.probe.source import FileSource, hash_of, local_file

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.media.probe.movie import Movie, Track
    from motion_widgets.media.probe.source import Source

__all__ = ["measure_clip", "not_a_clip", "read_layout"]

CONFIRM_DEADLINE = 5.0
"""Seconds for moviepy's ffmpeg; it takes 0.015."""
LONGEST = 1e7
"""Seconds; a longer clip is a damaged one."""
_MP4_BRANDS = {
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
    *(b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"dash", b"cmfc", b"MSNV", b"f4v "),
}


class _Header(NamedTuple):
    """What the header of a clip says."""

    layout: Layout
    movie: Movie
    video: Track
    length: float


def measure_clip(
    source: str | Path | bytes,
    *,
    confirm: bool = True,
    deadline: float = 20.0,
    hash_content: bool = False,
    cache: Cache | None = SHARED,
    public: bool = False,
) -> Clip:
    """Measure a clip without decoding it.

    Parameters
    ----------
    source
        A local path, the file's bytes, or an http(s) link, of which only the header is fetched.
    confirm
        Ask moviepy, too, for `Clip.moviepy_length`: 0.6 s at first in a process, then about 15 ms.
    deadline
        Seconds for everything that is done over the network.
    hash_content
        Fill in `Clip.sha256` for a file or bytes, which reads all of it once.
    cache
        Earlier measurements of unchanged files and links. None: measure in any case.
    public
        Refuse a link that leads to this machine or a private network. Otherwise only redirects to there are.

    Returns
    -------
    Clip
        Lengths in s, sides in px as shown. `fetched` and `requests` are what this call took.

    Raises
    ------
    ClipError
        The file is not a clip, is damaged, or cannot be fetched; `code` says which.

    Examples
    --------
    >>> mw.measure_clip(samples.clip_6s).length
    6.0
    """
    cache = Cache() if cache is None else cache
    if isinstance(source, str):
        source = typed_path(source)
    if confirm:
        from motion_widgets.media.probe.moviepy_check import warm

        warm()
    if isinstance(source, str) and is_link(source):
        clip = _of_link(LinkSource(source, deadline=deadline, public=public), source, cache, confirm=confirm)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        clip = _of_bytes(bytes(source), confirm=confirm, hash_content=hash_content)
    else:
        clip = _of_file(source, cache, confirm=confirm, hash_content=hash_content)
    return clip if confirm else replace(clip, moviepy_length=None)


def _of_link(source: LinkSource, link: str, cache: Cache, *, confirm: bool) -> Clip:
    try:
        clip = cache.of_link(
            "clip",
            source,
            lambda: _measure(source, link, source.name, confirm=confirm),
            lambda cached: not confirm or cached.moviepy_length is not None,
        )
        return replace(clip, source=link, fetched=source.fetched, requests=source.requests)
    finally:
        source.close()


def _of_bytes(data: bytes, *, confirm: bool, hash_content: bool) -> Clip:
    clip = _measure(FileSource(io.BytesIO(data), len(data)), "bytes", "bytes", confirm=confirm)
    return replace(clip, sha256=hashlib.sha256(data).hexdigest()) if hash_content else clip


def _of_file(source: str | Path, cache: Cache, *, confirm: bool, hash_content: bool) -> Clip:
    path, size = local_file(source)

    def measure() -> Clip:
        with path.open("rb") as file:
            return _measure(FileSource(file, size), str(path), readable(path.name), confirm=confirm)

    clip = cache.of_file(
        "clip", path, measure, lambda cached: not confirm or cached.moviepy_length is not None
    )
    return replace(clip, sha256=hash_of(path)) if hash_content else clip


def _measure(source: Source, where: str, name: str, *, confirm: bool) -> Clip:
    header = _read_header(source, name)
    layout = header.layout
    moviepy = None
    # Of a fragmented file without all its fragments, moviepy would measure those that are there.
    if confirm and not header.movie.partial:
        from motion_widgets.media.probe.moviepy_check import moviepy_length

        moviepy = moviepy_length(
            layout.ftyp,
            layout.moov,
            sidx=[sidx for _, sidx in layout.sidx],
            moofs=layout.moofs,
            deadline=CONFIRM_DEADLINE,
        )
    return _clip(source, where, name, header, moviepy)


def _read_header(source: Source, name: str) -> _Header:
    try:
        layout = read_layout(source, name)
        movie = read_moov(layout.moov)
        movie.fragmented |= bool(layout.moofs)
        length = fragment_length(source, layout, movie) if movie.fragmented else movie.length()
        length = length or movie.mvhd_length
    except BoundError as error:
        raise ClipError.of(
            "header_large", name=name, mb=LARGEST_MOOV >> 20, tracks=MOST_TRACKS, parts=MOST_BOXES,
            detail=str(error),
        ) from error  # fmt: skip
    except BoxError as error:
        raise ClipError.of("damaged", name=name, detail=str(error)) from error
    if movie.video is None:
        code = "no_video" if movie.has_audio else "damaged"
        raise ClipError.of(code, name=name, detail="no video track")
    if not length and movie.partial:
        host = getattr(source, "host", "?")
        raise ClipError.of("link_no_range", reached=False, name=name, host=host, limit=100)
    if not length or length > LONGEST:
        raise ClipError.of("damaged", name=name, detail=f"implausible length: {length}")
    return _Header(layout, movie, movie.video, length)


def read_layout(source: Source, name: str) -> Layout:
    """Return where the boxes of a clip lie.

    Raises
    ------
    ClipError
        The file is not an mp4 or mov, or ends before its header.
    BoxError
        Its boxes contradict each other.
    """
    head = source.read(0, SNIFFED, ahead=True)
    if not head:
        raise ClipError.of("empty_file", name=name)
    found = looks_like(head)
    if found.kind == "page":
        raise ClipError.of("html_file", name=name, found=found.label)
    if found.kind == "image":
        raise not_a_clip(name, found)
    try:
        layout = scan(source)
    except ForeignError as error:
        raise not_a_clip(name, found, str(error)) from error
    except MissingHeaderError as error:
        raise ClipError.of("no_header", name=name, detail=str(error)) from error
    if _container(layout) == "3gp":
        raise not_a_clip(name, FILE_TYPES["3gp"])
    return layout


def not_a_clip(name: str, found: FileType, detail: str = "") -> ClipError:
    """Return the error for a file of another format; `params["file_type"]` is the format's id."""
    return ClipError.of("wrong_format", name=name, found=found.label, file_type=found.id, detail=detail)


def _container(layout: Layout) -> str:
    """Return ``"mp4"``, ``"mov"`` or ``"3gp"``, by the brands."""
    if not layout.ftyp:
        return "mov"
    major = layout.ftyp[:4]
    brands = {layout.ftyp[at : at + 4] for at in range(8, len(layout.ftyp) - 3, 4)}
    if major == b"qt  ":
        return "mov"
    if major in _MP4_BRANDS or brands & _MP4_BRANDS:
        return "mp4"
    if b"qt  " in brands:
        return "mov"
    return "3gp" if major[:2] == b"3g" else "mp4"


def _clip(source: Source, where: str, name: str, header: _Header, moviepy: float | None) -> Clip:
    layout, movie, video, length = header
    rotation = movie.rotation(video)
    sides = max(1, round(video.width * video.pixel_aspect)), video.height
    width, height = sides[::-1] if rotation in {90, 270} else sides
    seconds = video.sampled / video.timescale if video.timescale else 0.0
    return Clip(
        source=where,
        name=name,
        format=_container(layout),
        length=length,
        moviepy_length=moviepy,
        mvhd_length=movie.mvhd_length,
        video_length=video.shown(movie.timescale),
        media_length=video.stated / video.timescale if video.stated and video.timescale else None,
        width=width,
        height=height,
        rotation=rotation,
        fps=video.samples / seconds if seconds and video.samples else None,
        frames=None if movie.partial else video.samples or None,
        codec=video.codec,
        profile=video.profile,
        transfer=video.transfer,
        matrix=None if video.colour_matrix == UNSPECIFIED else video.colour_matrix,
        interlaced=video.interlaced,
        has_audio=movie.has_audio,
        has_location=movie.has_location,
        size=source.size,
        brand=layout.ftyp[:4].decode("latin-1").strip(),
        fragmented=movie.fragmented,
        truncated=layout.truncated,
        fetched=getattr(source, "fetched", 0),
        requests=getattr(source, "requests", 0),
    )
