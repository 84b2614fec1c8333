"""Measure a clip by its header alone: a file, bytes, or a link."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from motion_widgets.core.facts import Clip
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.boxes import BoxError, ForeignError, Layout, MissingHeaderError, Source, scan
from motion_widgets.media.probe.cache import SHARED, Memory
from motion_widgets.media.probe.fragments import fragment_length
from motion_widgets.media.probe.http_source import LinkSource, is_link
from motion_widgets.media.probe.movie import Movie, Track, read_movie
from motion_widgets.media.probe.sniff import fault, looks_like

__all__ = ["BytesSource", "local_file", "measure_clip"]

CONFIRM_DEADLINE = 5.0
"""Seconds that moviepy's ffmpeg gets; it needs 0.015."""
_MP4 = {
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
    *(b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"dash", b"cmfc", b"MSNV", b"f4v "),
}


class BytesSource:
    """A `boxes.Source` over bytes in memory."""

    remote = False
    forward_only = False

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size: int | None = len(data)

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:  # noqa: ARG002
        """Read `count` bytes, fewer at the end."""
        return self._data[offset : offset + count]

    def holds(self, offset: int, count: int) -> bool:  # noqa: ARG002
        """Reading is free."""
        return True


class FileSource:
    """A `boxes.Source` over an open local file."""

    remote = False
    forward_only = False

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size: int | None = size

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:  # noqa: ARG002
        """Read `count` bytes, fewer at the end."""
        if self.size is None or offset >= self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(min(count, self.size - offset))

    def holds(self, offset: int, count: int) -> bool:  # noqa: ARG002
        """Reading is as good as free."""
        return True


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a clip comes from, as it is reported."""

    source: str
    name: str


def measure_clip(
    source: str | Path | bytes,
    *,
    confirm: bool = True,
    deadline: float = 20.0,
    hash_content: bool = False,
    memory: Memory | None = SHARED,
) -> Clip:
    """Measure a clip without decoding it.

    Parameters
    ----------
    source
        A local path, the file's bytes, or an http(s) link. Of a link only the header is fetched:
        its first 40 KB, then exactly what is missing.
    confirm
        Ask moviepy, too; its figure is `Clip.moviepy_length`. The first time in a process this imports
        moviepy (0.6 s), later it takes about 15 ms.
    deadline
        Seconds for all that is done over the network.
    hash_content
        Fill in `Clip.sha256` for a file or bytes; reads all of it once.
    memory
        What was measured before of the same file, or of a link while its server vouches for it.
        None: measure in any case.

    Returns
    -------
    Clip
        Lengths in s, sides in px as shown. `fetched` and `requests` are what this call took.

    Raises
    ------
    ClipError
        It is no clip, is damaged, or cannot be had; `code` says which, `reached` whether it was read.
    """
    memory = Memory() if memory is None else memory
    if confirm:
        from motion_widgets.media.probe.moviepy_check import warm

        warm()
    if isinstance(source, str) and is_link(source):
        clip = _of_link(source, memory, confirm=confirm, deadline=deadline)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        digest = hashlib.sha256(data).hexdigest() if hash_content else None
        clip = replace(_measure(BytesSource(data), _Origin("bytes", "bytes"), confirm=confirm), sha256=digest)
    else:
        clip = _of_file(source, memory, confirm=confirm, hash_content=hash_content)
    return clip if confirm else replace(clip, moviepy_length=None)


def _of_link(link: str, memory: Memory, *, confirm: bool, deadline: float) -> Clip:
    source = LinkSource(link, deadline=deadline)
    try:
        origin = _Origin(link, source.name)
        clip = memory.of_link(
            "clip",
            source,
            lambda: _measure(source, origin, confirm=confirm),
            lambda kept: not confirm or kept.moviepy_length is not None,
        )
        return replace(clip, source=link, fetched=source.fetched, requests=source.requests)
    finally:
        source.close()


def _of_file(source: str | Path, memory: Memory, *, confirm: bool, hash_content: bool) -> Clip:
    path, size = local_file(source)

    def measure() -> Clip:
        with path.open("rb") as file:
            return _measure(FileSource(file, size), _Origin(str(path), path.name), confirm=confirm)

    try:
        digest = sha256_of(path) if hash_content else None
        clip = memory.of_file(
            "clip", path, measure, lambda kept: not confirm or kept.moviepy_length is not None
        )
    except OSError as error:
        raise fault("not_readable", reached=False, name=path.name, detail=str(error)) from error
    return replace(clip, sha256=digest)


def local_file(source: str | Path) -> tuple[Path, int]:
    """Return a local file's absolute path and size in bytes.

    Raises
    ------
    ClipError
        It is missing, a directory, not readable or empty.
    """
    path = Path(source)
    with suppress(RuntimeError):  # there is no such user, so it is a name like any other
        path = path.expanduser()
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    name = path.name or str(path)
    try:
        facts = path.stat()
    except PermissionError as error:
        raise fault("not_readable", reached=False, name=name, detail=str(error)) from error
    except (OSError, ValueError) as error:
        raise fault("missing_file", reached=False, name=name, detail=str(error)) from error
    if stat.S_ISDIR(facts.st_mode):
        raise fault("is_directory", reached=False, name=name)
    # Opening a pipe would wait for its writer.
    if not stat.S_ISREG(facts.st_mode) or not os.access(path, os.R_OK):
        raise fault("not_readable", reached=False, name=name)
    if not facts.st_size:
        raise fault("empty_file", name=name)
    return path, facts.st_size


def _measure(source: Source, origin: _Origin, *, confirm: bool) -> Clip:
    try:
        layout = _scan(source, origin)
        movie = read_movie(layout.moov)
        movie.fragmented |= bool(layout.moofs)
        length = fragment_length(source, layout, movie) if movie.fragmented else movie.length()
        length = length or movie.mvhd_length
    except BoxError as error:
        raise fault("damaged", name=origin.name, detail=str(error)) from error
    if movie.video is None:
        code = "no_video" if movie.has_audio else "damaged"
        raise fault(code, name=origin.name, detail="no video track")
    if not length and movie.partial:
        raise fault(
            "link_no_range", reached=False, name=origin.name, host=getattr(source, "host", "?"), limit=100
        )
    if not length or length > 1e7:
        raise fault("damaged", name=origin.name, detail=f"no length that could be true: {length}")
    confirmed = None
    # Of a fragmented file without all its fragments, moviepy would measure the first ones.
    if confirm and not movie.partial:
        from motion_widgets.media.probe.moviepy_check import moviepy_length

        confirmed = moviepy_length(
            layout.ftyp,
            layout.moov,
            sidx=[sidx for _, sidx in layout.sidx],
            moofs=layout.moofs,
            deadline=CONFIRM_DEADLINE,
        )
    return _clip(source, origin, layout, movie, movie.video, length=length, confirmed=confirmed)


def _scan(source: Source, origin: _Origin) -> Layout:
    head = source.read(0, 512, ahead=True)
    if not head:
        raise fault("empty_file", name=origin.name)
    found, is_text = looks_like(head)
    if is_text:
        raise fault("html_file", name=origin.name, found=found)
    if found.startswith("a picture"):
        raise fault("wrong_format", name=origin.name, found=found)
    try:
        layout = scan(source)
    except ForeignError as error:
        raise fault("wrong_format", name=origin.name, found=found, detail=str(error)) from error
    except MissingHeaderError as error:
        raise fault("no_header", name=origin.name, detail=str(error)) from error
    if _format(layout) == "3gp":
        raise fault("wrong_format", name=origin.name, found="3GP")
    return layout


def _format(layout: Layout) -> str:
    """Judge by the brands: ``"mp4"``, ``"mov"`` or ``"3gp"``."""
    if not layout.ftyp:
        return "mov"
    major = layout.ftyp[:4]
    brands = {layout.ftyp[at : at + 4] for at in range(8, len(layout.ftyp) - 3, 4)}
    if major == b"qt  ":
        return "mov"
    if major in _MP4 or brands & _MP4:
        return "mp4"
    if b"qt  " in brands:
        return "mov"
    return "3gp" if major[:2] == b"3g" else "mp4"


def _clip(
    source: Source,
    origin: _Origin,
    layout: Layout,
    movie: Movie,
    video: Track,
    *,
    length: float,
    confirmed: float | None,
) -> Clip:
    rotation = movie.rotation(video)
    width, height = (video.height, video.width) if rotation in {90, 270} else (video.width, video.height)
    span = video.span(movie.timescale)
    seconds = video.sampled / video.timescale if video.timescale else 0.0
    return Clip(
        source=origin.source,
        name=origin.name,
        format=_format(layout),
        length=length,
        moviepy_length=confirmed,
        mvhd_length=movie.mvhd_length,
        video_length=span[1] - span[0] if span else None,
        width=width,
        height=height,
        rotation=rotation,
        fps=video.samples / seconds if seconds and video.samples else None,
        frames=None if movie.partial else video.samples or None,
        codec=video.codec,
        has_audio=movie.has_audio,
        has_location=movie.has_location,
        size=source.size,
        brand=layout.ftyp[:4].decode("latin-1").strip(),
        fragmented=movie.fragmented,
        truncated=layout.truncated,
        fetched=getattr(source, "fetched", 0),
        requests=getattr(source, "requests", 0),
    )
