"""Kinds of files, and how each is recognised by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.core.errors import ClipError

__all__ = [
    "FILE_TYPES", "FIRST_BOXES", "LONGEST_NAME", "SNIFFED", "FileType", "ending_of", "file_type_of",
    "fits_ending", "looks_like", "name_of",
]  # fmt: skip

LONGEST_NAME = 255
"""Characters of a file's name, as file systems have it; a link or a typed path may have more."""
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
    endings: tuple[str, ...] = ()
    """What the name of a stored file ends in, the usual one first. Empty: it is never stored."""


_PLAYLISTS_AND_PAGES = (
    FileType("m3u8", "a playlist (M3U8)", prefixes=(b"#extm3u",)),
    FileType("ffconcat", "a playlist (ffconcat)", prefixes=(b"ffconcat",)),
    FileType("html", "an HTML page", "page", prefixes=(b"<!doctype html", b"<html", b"<head", b"<body")),
    FileType("xml", "XML or HTML", "page", prefixes=(b"<",)),
    FileType("json", "JSON", "page", prefixes=(b"{", b"["), endings=(".json",)),
)
_BINARY = (
    FileType("matroska", "WebM or Matroska", "clip", "matroska", (b"\x1a\x45\xdf\xa3",), (".mkv", ".webm")),
    FileType("mp3", "MP3", prefixes=(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    FileType("gif", "GIF", "image", "gif", (b"GIF8",), (".gif",)),
    FileType("png", "PNG", "image", prefixes=(b"\x89PNG",), endings=(".png",)),
    FileType("jpeg", "JPEG", "image", prefixes=(b"\xff\xd8\xff",), endings=(".jpg", ".jpeg")),
    FileType("bmp", "BMP", "image", prefixes=(b"BM",), endings=(".bmp",)),
    FileType("jp2", "JPEG 2000", "image", prefixes=(b"\0\0\0\x0cjP  \r\n\x87\n",), endings=(".jp2",)),
    FileType("tiff", "TIFF", "image", prefixes=(b"II*\x00", b"MM\x00*"), endings=(".tiff", ".tif")),
    FileType("ogg", "Ogg", "clip", "ogg", (b"OggS",), (".ogv", ".ogg")),
    FileType("flac", "FLAC", prefixes=(b"fLaC",)),
    FileType("flv", "Flash video", "clip", "flv", (b"FLV\x01",), (".flv",)),
    FileType("asf", "Windows Media", "clip", "asf", (b"0&\xb2u\x8ef\xcf\x11",), (".wmv", ".asf")),
    FileType("mpeg_ps", "MPEG program stream", "clip", "mpeg", (b"\x00\x00\x01\xba",), (".mpg", ".mpeg")),
    FileType("mpeg", "MPEG video", prefixes=(b"\x00\x00\x01\xb3",)),
    FileType("pdf", "PDF", prefixes=(b"%PDF",)),
    FileType("zip", "ZIP", prefixes=(b"PK\x03\x04",)),
    FileType("gzip", "gzip", prefixes=(b"\x1f\x8b",)),
    FileType("rar", "RAR", prefixes=(b"Rar!",)),
    FileType("7zip", "7-Zip", prefixes=(b"7z\xbc\xaf",)),
)
_OTHERS = (
    FileType("mp4", "MP4 or MOV", "clip", "mov", endings=(".mp4", ".mov", ".m4v")),
    FileType("3gp", "3GP", "clip", "mov", endings=(".3gp",)),
    FileType("dash", "a playlist (DASH)"),
    FileType("avi", "AVI", "clip", "avi", endings=(".avi",)),
    FileType("webp", "WebP", "image", endings=(".webp",)),
    FileType("wav", "WAV"),
    FileType("riff", "a RIFF file"),
    FileType("avif", "AVIF", "image", endings=(".avif",)),
    FileType("heif", "HEIC", "image", endings=(".heic", ".heif")),
    FileType("cr3", "a raw photograph (CR3)", "image"),
    FileType("mpeg_ts", "MPEG transport stream", "clip", "mpegts", endings=(".mts", ".m2ts")),
    FileType("text", "text", "page"),
    FileType("unknown", "an unknown format"),
)
FILE_TYPES = {one.id: one for one in (*_PLAYLISTS_AND_PAGES, *_BINARY, *_OTHERS)}
"""Every kind of file that is told apart, by its id."""

_RIFF = {b"AVI ": "avi", b"WEBP": "webp", b"WAVE": "wav"}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_EITHER_BRANDS = {b"mif1", b"msf1", b"mif2", b"miaf"}
"""Pictures of any codec; another brand of the file says which."""
_PACKETS = ((188, 0), (192, 4), (204, 0))
"""Bytes of a transport stream's packets, and where 0x47 is in one: broadcast, of camcorders, with parity."""
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


def ending_of(head: bytes) -> str:
    """Return the ending under which a file that begins like this is stored. ``""``: it is not stored."""
    found = looks_like(head)
    if found.id == "mp4" and (head[4:8] != b"ftyp" or head[8:12] == b"qt  "):
        return ".mov"
    return next(iter(found.endings), "")


def fits_ending(path: Path, name: str) -> bool:
    """Return whether a file is what a name ends in; raise OSError where it cannot be read."""
    with path.open("rb") as file:
        return name.lower().endswith(looks_like(file.read(SNIFFED)).endings)


def _other(head: bytes) -> str:
    """Return the id of a kind of file that is not told by a prefix."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "riff")
    if head[4:8] == b"ftyp" and (still := _still(head)):
        return still
    plain = head[:SNIFFED]
    if plain and plain.isascii() and all(byte >= 32 or byte in b"\t\r\n\f" for byte in plain):
        return "text"
    if head[4:8] in FIRST_BOXES:
        return "mp4"
    return "mpeg_ts" if any(_in_packets(head, *one) for one in _PACKETS) else "unknown"


def _still(head: bytes) -> str:
    """Return the id of a picture that consists of boxes. ``""``: it is none, by its first brand."""
    end = min(int.from_bytes(head[:4], "big"), len(head))  # the size is the file's word
    major, others = head[8:12], {head[at : at + 4] for at in range(16, end, 4)}
    if major == b"crx ":
        return "cr3"
    if major not in _AVIF_BRANDS | _HEIC_BRANDS | _EITHER_BRANDS:
        return ""
    named = {major} if major not in _EITHER_BRANDS else others
    return "avif" if named & _AVIF_BRANDS and not named & _HEIC_BRANDS else "heif"


def _in_packets(head: bytes, size: int, at: int) -> bool:
    return len(head) > at + size and set(head[at::size]) == {0x47}


def name_of(link: str) -> str:
    """Return the last part of a link's path without its query, or its host if the path is empty."""
    try:
        parts = urlsplit(link)
        return (unquote(parts.path.rstrip("/").rsplit("/", 1)[-1]) or parts.hostname or link)[:LONGEST_NAME]
    except ValueError:
        return "link"
