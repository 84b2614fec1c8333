"""Measuring a file: a clip's length, sides and streams, an image's format and sides.

On purpose unlike the toolkit's own measuring: here ffmpeg's banner is read, there the boxes are walked.
ffmpeg gets the absolute path of a local file whose first box was checked, and a fixed demuxer.
"""

from __future__ import annotations

import io
import re
import struct
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ClipFacts", "ImageFacts", "Unreadable", "ffmpeg", "kind_of", "measure_clip", "measure_image",
    "picture_file",
]  # fmt: skip

_DEADLINE = 20.0  # s; ffmpeg reads a header in some 15 ms
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_STILL_BRANDS = {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"}
_STARTS = {
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"GIF87a": ("gif", "image/gif"),
    b"GIF89a": ("gif", "image/gif"),
    b"\x1aE\xdf\xa3": ("webm", "video/webm"),
}
_TEXTS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}  # a profile may be as large; nothing here needs it
_DURATION = re.compile(rb"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", re.MULTILINE)
_STREAM = re.compile(rb"^  Stream #0:\d+[^\n]*?: (Video|Audio): ([^\n]*)$", re.MULTILINE)
_SIDES = re.compile(rb"[ ,](\d{2,5})x(\d{2,5})[ ,\n]")
_PIXEL = re.compile(rb"\[SAR (\d+):(\d+) ")
_FPS = re.compile(rb"([\d.]+)(k?) fps")
_ROTATION = re.compile(rb"display ?matrix: rotation of (-?[\d.]+) degrees", re.IGNORECASE)


class Unreadable(Exception):  # noqa: N818 - the caller turns it into a refusal
    """The content is not a usable clip or image; the message completes "The file …"."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A measured clip: `length` in s, sides in px as shown (rotation applied), `fps` per s."""

    length: float
    width: int
    height: int
    fps: float
    has_audio: bool


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A measured image: Pillow's format word in lower case, sides in px."""

    format: str
    width: int
    height: int


def ffmpeg() -> str:
    """Return the path of the bundled ffmpeg."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def kind_of(head: bytes) -> tuple[str, str]:
    """Return extension and content type, judged by the first bytes; ``bin`` for anything unknown."""
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp", "image/webp"
    box, brand = head[4:8], head[8:12]
    if box == b"ftyp" and brand not in _STILL_BRANDS:
        return ("mov", "video/quicktime") if brand == b"qt  " else ("mp4", "video/mp4")
    if box in _FIRST_BOXES - {b"ftyp"}:
        return "mov", "video/quicktime"
    return "bin", "application/octet-stream"


def measure_clip(path: Path) -> ClipFacts:
    """Measure a local clip.

    Raises
    ------
    Unreadable
        Not mp4/mov by content, no duration, no video track, or ffmpeg took too long.
    """
    with path.open("rb") as file:
        if kind_of(file.read(16))[0] not in {"mp4", "mov"}:
            raise Unreadable("is neither mp4 nor mov, judged by its content")
        exact = _mvhd_length(file)
    banner = _banner(path)
    duration = _DURATION.search(banner)
    if duration is None:
        raise Unreadable("states no duration; the file may be cut off or damaged")
    length = int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])
    # ffmpeg prints steps of 10 ms; the movie header is finer and is used where both agree.
    if exact is not None and abs(exact - length) <= 0.0061:
        length = exact
    streams = [(match[1], match[2]) for match in _STREAM.finditer(banner)]
    pictures = [text for kind, text in streams if kind == b"Video" and b"(attached pic)" not in text]
    sides = _SIDES.search(pictures[0] + b"\n") if pictures else None
    if sides is None:
        raise Unreadable("has no video track")
    width, height = int(sides[1]), int(sides[2])
    pixel = _PIXEL.search(pictures[0])
    if pixel is not None and int(pixel[1]) and int(pixel[2]):
        width = round(width * int(pixel[1]) / int(pixel[2]))
    turn = _ROTATION.search(banner)
    if turn is not None and round(abs(float(turn[1]))) % 180 == 90:
        width, height = height, width
    rate = _FPS.search(pictures[0])
    fps = float(rate[1]) * (1000 if rate[2] else 1) if rate else 25.0
    return ClipFacts(length, width, height, fps, any(kind == b"Audio" for kind, _ in streams))


def _banner(path: Path) -> bytes:
    """Return what ffmpeg prints about a clip."""
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-protocol_whitelist", "file", "-f", "mov"]
    try:
        run = subprocess.run(  # noqa: S603 - fixed program, own path
            [*command, "-i", str(path.resolve())], capture_output=True, timeout=_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unreadable("could not be measured in time") from None
    return run.stderr


def measure_image(path: Path) -> ImageFacts:
    """Measure a local image.

    Raises
    ------
    Unreadable
        Pillow cannot read it, or it has too many pixels to be opened safely.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture_file(path)) as image:
            # A JPEG with further pictures behind the first is still a JPEG to every viewer.
            name = "jpeg" if image.format == "MPO" else (image.format or "").lower()
            return ImageFacts(name, *image.size)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable("has too many pixels to be decoded") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Unreadable("is not an image that can be read") from None


def picture_file(path: Path) -> BinaryIO:
    """Return an image's file for Pillow; a PNG without its texts, of which Pillow refuses more than 1 MB."""
    data = path.read_bytes()
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return io.BytesIO(data)
    kept, at = [data[:8]], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in _TEXTS:
            kept.append(data[at:end])
        at = end
    return io.BytesIO(b"".join(kept))


def _mvhd_length(file: BinaryIO) -> float | None:
    """Return the length in s that the movie header states, None when there is none."""
    file.seek(0)
    inside = False
    for _ in range(10_000):
        head = file.read(8)
        if len(head) < 8:
            return None
        size, name = struct.unpack(">I4s", head)
        used = 8
        if size == 1:
            size, used = int.from_bytes(file.read(8), "big"), 16
        if name == b"moov" and not inside:
            inside = True
            continue
        if name == b"mvhd" and inside:
            body = file.read(32)
            if len(body) < 32:
                return None
            scale, length = (
                struct.unpack(">IQ", body[20:32]) if body[0] else struct.unpack(">II", body[12:20])
            )
            unset = length in {0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}
            return None if unset or not scale else length / scale
        if size < used:
            return None
        file.seek(size - used, 1)
    return None
