"""Facts about a clip or an image, as plain records that `motion_widgets.media` fills in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Clip", "Image", "Shots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A reference clip as it was measured.

    >>> clip = mw.measure_clip(samples.clip_6s)
    >>> clip.name, clip.width, clip.height, clip.has_audio
    ('wave-6s.mp4', 540, 960, True)
    """

    source: str
    """The absolute local path, the link as given, or ``"bytes"``."""
    name: str
    """The file's name, without folders or query."""
    format: str
    """``"mp4"`` or ``"mov"``, by content."""
    length: float
    """Container length in s: latest end minus earliest start over audio and video, edit lists applied."""
    moviepy_length: float | None = None
    """What moviepy reads, in s (10 ms steps). None: it was not asked, or gave no answer in time."""
    mvhd_length: float | None = None
    """The length that the header states, in s. None: it states none."""
    video_length: float | None = None
    """The length of the video track, in s. None: it states none."""
    width: int
    """Width in px as shown, rotation applied."""
    height: int
    """Height in px as shown, rotation applied."""
    rotation: int = 0
    """Degrees by which a player turns it clockwise: 0, 90, 180 or 270."""
    fps: float | None = None
    """Mean frames per second. None: unknown."""
    frames: int | None = None
    """Number of video frames. None: unknown."""
    codec: str = ""
    """Sample entry of the video: ``"avc1"``, ``"hvc1"``, …"""
    has_audio: bool = False
    has_location: bool = False
    """The header, or a track, says where it was taken."""
    size: int | None = None
    """Bytes of the file. None: the server does not say."""
    brand: str = ""
    """The major brand of ``ftyp``, spaces removed."""
    fragmented: bool = False
    truncated: bool = False
    """The file ends before its boxes do."""
    sha256: str | None = None
    """SHA-256 of the content in lower-case hex. None: not asked for, or a link."""
    fetched: int = 0
    """Bytes fetched over HTTP to measure it."""
    requests: int = 0
    """HTTP requests it took."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shots:
    """What a few frames of a clip suggest: estimates, for hints only.

    >>> mw.measure_shots(samples.clip_6s).cuts
    ()
    """

    cuts: tuple[float, ...] = ()
    """Times in s at which one shot seems to end and another to begin."""
    camera: float | None = None
    """Mean speed of the background, in shorter sides of the picture per s. None: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A reference image as it was measured.

    >>> image = mw.measure_image(samples.image)
    >>> image.name, image.format, image.width, image.height
    ('figure.png', 'png', 720, 1280)
    """

    source: str
    """The absolute local path, the link as given, or ``"bytes"``."""
    name: str
    """The file's name, without folders or query."""
    format: str
    """Format by content, in lower case: ``"jpeg"``, ``"png"``, ``"webp"``, ``"gif"``, …"""
    width: int
    """Width in px as shown, EXIF rotation applied."""
    height: int
    """Height in px as shown, EXIF rotation applied."""
    size: int | None = None
    """Bytes of the file. None: the server does not say."""
    rotated: bool = False
    """EXIF asks for a rotation, so the pixels are not stored as they are shown."""
    has_location: bool = False
    """EXIF or XMP says where it was taken."""
    sha256: str | None = None
    """SHA-256 of the content in lower-case hex. None: not asked for, or a link."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0
