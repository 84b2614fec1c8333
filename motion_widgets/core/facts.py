"""What was measured of a clip or an image, as plain records.

Nothing here measures; `motion_widgets.media` does and fills these in.
"""

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
    """What a person calls it: the file's name, without folders or query."""
    format: str
    """``"mp4"`` or ``"mov"``, judged by content."""
    length: float
    """Container length in s: latest end minus earliest start over audio and video, edit lists applied."""
    moviepy_length: float | None = None
    """What moviepy reads, in s (10 ms steps). None: it was not asked, or did not answer in time."""
    mvhd_length: float | None = None
    """The length the movie header states, in s. None: the header states none."""
    video_length: float | None = None
    """The video track's own length in s. None: the track states none."""
    width: int
    """Shown width in px, rotation applied."""
    height: int
    """Shown height in px, rotation applied."""
    rotation: int = 0
    """Clockwise turn that a player applies: 0, 90, 180 or 270 degrees."""
    fps: float | None = None
    """Mean frames per second. None: unknown."""
    frames: int | None = None
    """Number of video frames. None: unknown."""
    codec: str = ""
    """The video's sample entry: ``"avc1"``, ``"hvc1"``, …"""
    has_audio: bool = False
    has_location: bool = False
    """Its header says where it was taken, or holds a track that does."""
    size: int | None = None
    """Bytes of the whole file. None: the server does not say."""
    brand: str = ""
    """The major brand of ``ftyp``, blanks removed."""
    fragmented: bool = False
    truncated: bool = False
    """The file ends before its boxes do."""
    sha256: str | None = None
    """Hash of the content, lower-case hex. None for a link."""
    fetched: int = 0
    """Bytes read over HTTP to measure it."""
    requests: int = 0
    """HTTP requests it took."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shots:
    """What a look at a few frames of a clip suggests; estimates, for hints only.

    >>> mw.measure_shots(samples.clip_6s).cuts
    ()
    """

    cuts: tuple[float, ...] = ()
    """Where one shot seems to end and another to begin, in s."""
    camera: float | None = None
    """How fast the background moves on average, in shorter sides of the picture per s. None: unknown."""


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
    """What a person calls it: the file's name, without folders or query."""
    format: str
    """Format by content, lower case: ``"jpeg"``, ``"png"``, ``"webp"``, ``"gif"``, …"""
    width: int
    """Shown width in px, EXIF rotation applied."""
    height: int
    """Shown height in px, EXIF rotation applied."""
    size: int | None = None
    """Bytes of the file. None: the server does not say."""
    rotated: bool = False
    """EXIF asks for a rotation, so the stored pixels lie otherwise than they are shown."""
    has_location: bool = False
    """EXIF or XMP says where it was taken."""
    sha256: str | None = None
    """Hash of the content, lower-case hex. None for a link."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0
