"""Facts about a clip or an image, as plain records that `motion_widgets.media` fills in."""

from __future__ import annotations

from dataclasses import dataclass

from motion_widgets.core.html_repr import card, player
from motion_widgets.core.messages import say

__all__ = ["Clip", "Image", "Shots"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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
    """Container length in s, as ffmpeg states it: latest end minus earliest start over audio and video."""
    moviepy_length: float | None = None
    """What moviepy reads, in s (10 ms steps). None: it was not asked, or gave no answer in time."""
    mvhd_length: float | None = None
    """The length that the header states, in s. None: it states none."""
    video_length: float | None = None
    """For how long the video track is shown, in s. None: it states no length."""
    media_length: float | None = None
    """The length of all that the video track holds, whatever its edits show, in s. None: it states none."""
    width: int
    """Width in px as shown: pixels made square, rotation applied."""
    height: int
    """Height in px as shown: pixels made square, rotation applied."""
    rotation: int = 0
    """Degrees by which a player turns it clockwise: 0, 90, 180 or 270."""
    fps: float | None = None
    """Mean frames per second. None: unknown."""
    frames: int | None = None
    """Number of video frames. None: unknown."""
    codec: str = ""
    """Sample entry of the video: ``"avc1"``, ``"hvc1"``, …"""
    profile: int | None = None
    """Number of the H.264 profile; 66, 77 and 100 are read everywhere. None: another codec, or not stated."""
    transfer: int | None = None
    """Transfer of its colours by ISO/IEC 23091-2. None: the header does not state its colours."""
    matrix: int | None = None
    """Matrix of its colours by ISO/IEC 23091-2. None: neither the header nor the stream states it."""
    interlaced: bool = False
    """Frames may hold two fields each, taken one after the other."""
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
    def hdr(self) -> str:
        """Which high dynamic range it has: ``"PQ"`` or ``"HLG"``; empty if none is stated."""
        return {16: "PQ", 18: "HLG"}.get(self.transfer or 0, "")

    @property
    def lengths(self) -> tuple[float, ...]:
        """Every length that some reader of the clip may go by, in s."""
        stated = (self.moviepy_length, self.mvhd_length, self.video_length, self.media_length)
        return (self.length, *(one for one in stated if one is not None))

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0

    def __repr__(self) -> str:
        return f"<Clip {self.name}: {', '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        return card(self.name, self._facts(), player(self.source, self.name))

    def _facts(self) -> dict[str, str]:
        """Return what a person asks of a clip first, in words."""
        rate = say("shown_fps", fps=self.fps) if self.fps is not None else ""
        facts = {
            say("shown_length"): say("shown_seconds", seconds=self.length),
            say("shown_picture"): say("shown_pixels", width=self.width, height=self.height),
            say("shown_rate"): rate,
            say("shown_sound"): say("shown_with_sound" if self.has_audio else "shown_silent"),
            say("shown_format"): f"{self.format} {self.codec}".strip(),
            say("shown_size"): _megabytes(self.size),
        }
        return {name: fact for name, fact in facts.items() if fact}


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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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
    """EXIF, or else XMP, asks for a rotation, so the pixels are not stored as they are shown."""
    has_location: bool = False
    """EXIF or XMP says where it was taken."""
    truncated: bool = False
    """The file ends before its picture does; said of JPEG and PNG."""
    sha256: str | None = None
    """SHA-256 of the content in lower-case hex. None: not asked for, or a link."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height if self.height else 0.0

    def __repr__(self) -> str:
        return f"<Image {self.name}: {', '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        return card(self.name, self._facts(), player(self.source, self.name, image=True))

    def _facts(self) -> dict[str, str]:
        """Return what a person asks of an image first, in words."""
        facts = {
            say("shown_picture"): say("shown_pixels", width=self.width, height=self.height),
            say("shown_format"): self.format,
            say("shown_size"): _megabytes(self.size),
        }
        return {name: fact for name, fact in facts.items() if fact}


def _megabytes(size: int | None) -> str:
    """Return a file's size (bytes) in words; ``""``: it is not known."""
    return "" if size is None else say("shown_megabytes", mb=size / 1e6)
