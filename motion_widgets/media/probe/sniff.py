"""Making this room's errors, and naming what a file looks like when it is no clip."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from motion_widgets.core.errors import ClipError

__all__ = ["fault", "looks_like", "name_of"]

# Prefix -> what a person calls it. Order matters only where one prefix begins another.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "WebM or Matroska"),
    (b"ID3", "MP3"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf3", "MP3"),
    (b"\xff\xf2", "MP3"),
    (b"GIF8", "GIF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"FLV\x01", "Flash video"),
    (b"0&\xb2u\x8ef\xcf\x11", "Windows Media"),
    (b"\x00\x00\x01\xba", "MPEG program stream"),
    (b"\x00\x00\x01\xb3", "MPEG video"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
)
_TEXTS: tuple[tuple[tuple[bytes, ...], str, bool], ...] = (
    ((b"#extm3u",), "a playlist (M3U8)", False),
    ((b"ffconcat",), "a playlist (ffconcat)", False),
    ((b"<!doctype html", b"<html", b"<head", b"<body"), "an HTML page", True),
    ((b"<",), "XML or HTML", True),
    ((b"{", b"["), "JSON", True),
)
_RIFF = {b"AVI ": "AVI", b"WEBP": "WebP", b"WAVE": "WAV"}
_STILLS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jp2 ", b"crx ")


def fault(code: str, /, *, reached: bool = True, detail: str = "", **params: Any) -> ClipError:
    """Make a `ClipError`; `reached` is False where the file could not be had at all."""
    error = ClipError.of(code, detail=detail, **params)
    error.reached = reached
    return error


def looks_like(head: bytes) -> tuple[str, bool]:  # noqa: PLR0911 - a table of cases
    """Name the format that a file begins like, and whether that is a page or text.

    Parameters
    ----------
    head
        The first bytes of the file; 512 are enough.
    """
    text = _text(head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower())
    if text is not None:
        return text
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found, False
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "a RIFF file"), False
    if head[4:8] == b"ftyp" and head[8:12] in _STILLS:
        return "a picture (HEIC, AVIF or JPEG 2000)", False
    if len(head) > 188 and head[0] == head[188] == 0x47:
        return "MPEG transport stream", False
    plain = head[:512]
    if plain and plain.isascii() and all(byte >= 32 or byte in b"\t\r\n\f" for byte in plain):
        return "text", True
    return "an unknown format", False


def _text(start: bytes) -> tuple[str, bool] | None:
    """Name a page, a playlist or data by its first characters."""
    for beginnings, found, is_text in _TEXTS:
        if start.startswith(beginnings):
            # A DASH playlist is XML; ffmpeg would fetch what it names.
            return ("a playlist (DASH)", False) if b"<mpd" in start else (found, is_text)
    return None


def name_of(link: str) -> str:
    """Return the last part of a link's path, without its query, or else its host."""
    try:
        parts = urlsplit(link)
        return unquote(parts.path.rstrip("/").rsplit("/", 1)[-1]) or parts.hostname or link
    except ValueError:
        return "link"
