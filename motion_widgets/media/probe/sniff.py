"""Kinds of files, and how each is recognised by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from motion_widgets.core.errors import ClipError

__all__ = ["FILE_TYPES", "FIRST_BOXES", "FileType", "file_type_of", "looks_like", "name_of"]

SNIFFED = 512
"""Bytes from the start of a file that are enough for `looks_like`."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file."""

    id: str
    label: str
    """What a sentence calls it."""
    kind: Literal["clip", "image", "page", "other"] = "other"
    """A page is what a web server sends instead of a file."""
    demuxer: str = ""
    """ffmpeg's demuxer for frames. None of these opens another file or a link. Empty: it is not converted."""
    prefixes: tuple[bytes, ...] = ()
    """Any of these is how the file begins; for pages and playlists in lower case, after white space."""


_PLAYLISTS_AND_PAGES = (
    FileType("m3u8", "a playlist (M3U8)", prefixes=(b"#extm3u",)),
    FileType("ffconcat", "a playlist (ffconcat)", prefixes=(b"ffconcat",)),
    FileType("html", "an HTML page", "page", prefixes=(b"<!doctype html", b"<html", b"<head", b"<body")),
    FileType("xml", "XML or HTML", "page", prefixes=(b"<",)),
    FileType("json", "JSON", "page", prefixes=(b"{", b"[")),
)
_BINARY = (
    FileType("matroska", "WebM or Matroska", "clip", "matroska", (b"\x1a\x45\xdf\xa3",)),
    FileType("mp3", "MP3", prefixes=(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    FileType("gif", "GIF", "image", "gif", (b"GIF8",)),
    FileType("png", "PNG", "image", prefixes=(b"\x89PNG",)),
    FileType("jpeg", "JPEG", "image", prefixes=(b"\xff\xd8\xff",)),
    FileType("bmp", "BMP", "image", prefixes=(b"BM",)),
    FileType("tiff", "TIFF", "image", prefixes=(b"II*\x00", b"MM\x00*")),
    FileType("ogg", "Ogg", "clip", "ogg", (b"OggS",)),
    FileType("flac", "FLAC", prefixes=(b"fLaC",)),
    FileType("flv", "Flash video", "clip", "flv", (b"FLV\x01",)),
    FileType("asf", "Windows Media", "clip", "asf", (b"0&\xb2u\x8ef\xcf\x11",)),
    FileType("mpeg_ps", "MPEG program stream", "clip", "mpeg", (b"\x00\x00\x01\xba",)),
    FileType("mpeg", "MPEG video", prefixes=(b"\x00\x00\x01\xb3",)),
    FileType("pdf", "PDF", prefixes=(b"%PDF",)),
    FileType("zip", "ZIP", prefixes=(b"PK\x03\x04",)),
    FileType("gzip", "gzip", prefixes=(b"\x1f\x8b",)),
    FileType("rar", "RAR", prefixes=(b"Rar!",)),
    FileType("7zip", "7-Zip", prefixes=(b"7z\xbc\xaf",)),
)
_OTHERS = (
    FileType("mp4", "MP4 or MOV", "clip", "mov"),
    FileType("3gp", "3GP", "clip", "mov"),
    FileType("dash", "a playlist (DASH)"),
    FileType("avi", "AVI", "clip", "avi"),
    FileType("webp", "WebP", "image"),
    FileType("wav", "WAV"),
    FileType("riff", "a RIFF file"),
    FileType("heif", "a picture (HEIC, AVIF or JPEG 2000)", "image"),
    FileType("mpeg_ts", "MPEG transport stream", "clip", "mpegts"),
    FileType("text", "text", "page"),
    FileType("unknown", "an unknown format"),
)
FILE_TYPES = {one.id: one for one in (*_PLAYLISTS_AND_PAGES, *_BINARY, *_OTHERS)}
"""Every kind of file that is told apart, by its id."""

_RIFF = {b"AVI ": "avi", b"WEBP": "webp", b"WAVE": "wav"}
_STILL_BRANDS = {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jp2 ", b"crx "}
FIRST_BOXES = {b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip", b"pnot"}
"""Kinds of boxes with which an mp4 or mov begins."""


def file_type_of(error: ClipError) -> FileType:
    """Return what a file is that was refused as ``wrong_format`` or ``not_image``."""
    return FILE_TYPES[error.params.get("file_type", "unknown")]


def looks_like(head: bytes) -> FileType:
    """Return the kind of file that begins with these bytes; the first 512 are enough."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    found = next((one for one in _PLAYLISTS_AND_PAGES if start.startswith(one.prefixes)), None)
    if found is not None:
        # A DASH playlist is XML; ffmpeg would fetch what it names.
        return FILE_TYPES["dash"] if b"<mpd" in start else found
    found = next((one for one in _BINARY if head.startswith(one.prefixes)), None)
    return found or FILE_TYPES[_other(head)]


def _other(head: bytes) -> str:
    """Return the id of a kind of file that is not told by a prefix."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "riff")
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "heif"
    plain = head[:SNIFFED]
    if plain and plain.isascii() and all(byte >= 32 or byte in b"\t\r\n\f" for byte in plain):
        return "text"
    if head[4:8] in FIRST_BOXES:
        return "mp4"
    return "mpeg_ts" if len(head) > 188 and head[0] == head[188] == 0x47 else "unknown"


def name_of(link: str) -> str:
    """Return the last part of a link's path without its query, or its host if the path is empty."""
    try:
        parts = urlsplit(link)
        return unquote(parts.path.rstrip("/").rsplit("/", 1)[-1]) or parts.hostname or link
    except ValueError:
        return "link"
