"""The kinds of clips and pictures that people bring, one small file of each: a row per kind.

A clip is drawn by `drawn`, so that its frames, colours and sound can be told after any mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.media.conftest import ffmpeg
from tests.media.drawn import BEEP, LONG, SHORT, draw
from tests.media.edited import with_edits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIDES = (480, 340)
LENGTH = 3.2
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "250", "-bf", "0")
_X265 = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=error",
    "-crf",
    "14",
    "-tag:v",
    "hvc1",
)
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "15", "-b:v", "0")
_VP8 = (
    "-c:v",
    "libvpx",
    "-deadline",
    "realtime",
    "-cpu-used",
    "8",
    "-b:v",
    "4M",
    "-qmin",
    "2",
    "-qmax",
    "20",
)
_AV1 = ("-c:v", "libsvtav1", "-preset", "8", "-crf", "15", "-svtav1-params", "fast-decode=1")
_MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2")
_MPEG4 = ("-c:v", "mpeg4", "-q:v", "2")
_AAC = ("-c:a", "aac")
_BT709 = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
_UNSAID = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
_SD = "scale=out_color_matrix=bt601:out_range=tv"
_AS_USUAL = f"{_SD},format=yuv420p,{_UNSAID}"
_FIELDS = f"tinterlace=mode=interleave_top,setfield=tff,{_AS_USUAL}"
_FULL = "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p"
_PALETTE = "split[a][b];[a]palettegen=reserve_transparent=0[p];[b][p]paletteuse=dither=none"
_SAID_SD = "setparams=color_primaries=smpte170m:color_trc=smpte170m:colorspace=smpte170m"
_PCM = ("-c:a", "pcm_s16le")
_VARIED = ("-fps_mode", "vfr")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of clip is made."""

    name: str
    """Of the file, with its ending."""
    coder: tuple[str, ...] = _X264
    rate: str = "15"
    length: float = LENGTH
    sides: tuple[int, int] = SIDES
    stored: tuple[int, int] | None = None
    """Sides that are stored, where its pixels are not square."""
    format: str = "yuv420p"
    sound: tuple[str, ...] = _AAC
    """How sound is encoded. Empty: there is none."""
    heard: float | None = None
    """Length of the sound in s. None: the picture's."""
    filters: str = ""
    """Behind the drawing, in place of saying the usual colours."""
    more: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Options of a second run, which copies the streams; ``-i`` is put behind what is listed before ``|``."""
    patch: Callable[[bytes], bytes] | None = None
    tolerance: float = 14.0
    """Levels by which its colours may be off after a mend."""


def make(kind: Kind, folder: Path) -> Path:
    """Make a clip of a kind."""
    wide, tall = kind.sides
    standing = tall > wide
    frames = round(eval_rate(kind.rate) * kind.length)
    raw = draw(folder / f"{kind.name}.rgb", frames, standing=standing)
    cells = f"{SHORT}x{LONG}" if standing else f"{LONG}x{SHORT}"
    source = [
        "-f",
        "rawvideo",
        "-pixel_format",
        "rgb24",
        "-video_size",
        cells,
        "-framerate",
        kind.rate,
        "-i",
        raw,
    ]
    if kind.sound:
        heard = kind.heard or kind.length
        tone = f"aevalsrc='0.6*sin(2*PI*880*t)*gte(t,{BEEP})':s=48000:d={heard}"
        source += ["-f", "lavfi", "-i", tone]
    filters = kind.filters or f"{_SD},format={kind.format},{_UNSAID}"
    shown = "{}:{}".format(*(kind.stored or kind.sides))
    ratio = f",setsar={wide * kind.stored[1]}/{kind.stored[0] * tall}" if kind.stored else ""
    drawn = f"scale={shown}:flags=neighbor{ratio},{filters}"
    path = folder / kind.name
    first = folder / f"first-{kind.name}" if kind.after else path
    ffmpeg(*source, "-vf", drawn, *kind.coder, *kind.sound, *kind.more, first)
    if kind.after:
        before, behind = (
            list(kind.after[: kind.after.index("|")]),
            list(kind.after[kind.after.index("|") + 1 :]),
        )
        ffmpeg(*before, "-i", first, "-map", "0", "-c", "copy", *behind, path)
        first.unlink()
    if kind.patch:
        path.write_bytes(kind.patch(path.read_bytes()))
    raw.unlink()
    return path


def eval_rate(rate: str) -> float:
    """Return a rate that may be a fraction as frames per s."""
    over, _, under = rate.partition("/")
    return int(over) / int(under or 1)


def _edits(**tracks: list[tuple[float, float | None]]) -> Callable[[bytes], bytes]:
    return lambda data: with_edits(data, {name.encode(): edits for name, edits in tracks.items()})


def _untold_sound(data: bytes) -> bytes:
    return data.replace(b"mp4a", b"zzzz").replace(b"esds", b"free")


def _hdr(transfer: str) -> str:
    plain = f"format=yuv444p,scale=out_color_matrix=bt709:out_range=tv,{_BT709}"
    return (
        f"{plain},zscale=t=linear:npl=100,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )


def _hd(said: str = _BT709) -> str:
    return f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{said}"


KINDS = [
    # Rates, to the exact frame.
    *(Kind(f"rate-{rate.replace('/', '-')}.mp4", rate=rate) for rate in
      ("5", "12", "24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001")),
    Kind("ntsc-90-frames.mp4", rate="30000/1001", length=3.003, sound=()),
    Kind("bframes.mp4", (*_X264, "-bf", "3"), rate="24000/1001"),
    Kind("timescale.mp4", rate="25", more=("-video_track_timescale", "90000", "-movie_timescale", "48000")),
    # Lengths beside each limit.
    Kind("short.mp4", length=2.6),
    Kind("three.mp4", length=3.0),
    Kind("over-ten.mp4", length=10.134),
    Kind("twelve.mov", length=12.0, rate="10"),
    Kind("thirty-one.mp4", length=31.0, rate="10", sound=()),
    # Codecs and pixel formats.
    Kind("hevc.mp4", _X265),
    Kind("hevc.mov", _X265, rate="24"),
    Kind("vp9.mp4", _VP9),
    Kind("av1.mp4", _AV1),
    Kind("mpeg4.mp4", _MPEG4),
    Kind("prores.mov", ("-c:v", "prores_ks", "-profile:v", "0"), format="yuv422p10le", sound=_PCM),
    Kind("mjpeg.mov", ("-c:v", "mjpeg", "-q:v", "3"), filters=_FULL, sound=_PCM),
    Kind("h264-444.mp4", format="yuv444p"),
    Kind("h264-422.mp4", format="yuv422p"),
    Kind("h264-10-bit.mp4", format="yuv420p10le"),
    Kind("full-range.mp4", filters=_FULL),
    # Containers.
    Kind("h264.mkv"),
    Kind("vp9.webm", _VP9, sound=("-c:a", "libopus")),
    Kind("vp8.webm", _VP8, sound=("-c:a", "libvorbis")),
    Kind("mpeg4.avi", _MPEG4, sound=("-c:a", "libmp3lame"), tolerance=18),
    Kind("h264.flv"),
    Kind("mpeg2.mpg", _MPEG2, rate="25", sound=("-c:a", "mp2")),
    Kind("h264.ts"),
    Kind("mpeg2.ts", _MPEG2, rate="25", sound=("-c:a", "mp2")),
    Kind("camera.m2ts", sound=("-c:a", "ac3"), rate="25", more=("-mpegts_m2ts_mode", "1")),
    Kind("old.wmv", ("-c:v", "wmv2", "-q:v", "2"), sound=("-c:a", "wmav2")),
    Kind("theora.ogv", ("-c:v", "libtheora", "-q:v", "10"), sound=("-c:a", "libvorbis")),
    Kind("moving.gif", (), sound=(), rate="10", filters=_PALETTE),
    Kind("sample.3gp", _MPEG4),
    # Rotation, and pixels that are not square.
    *(Kind(f"turned-{turn}.mp4", sides=SIDES[::-1] if turn % 180 else SIDES, filters=f"{rotate}{_AS_USUAL}",
           after=("-display_rotation", str(-turn), "|"))
      for turn, rotate in ((90, "transpose=cclock,"), (180, "hflip,vflip,"), (270, "transpose=clock,"))),
    Kind("turned-hevc.mov", _X265, sides=SIDES[::-1], filters=f"transpose=cclock,{_AS_USUAL}",
         after=("-display_rotation", "-90", "|")),
    Kind("pal-wide.mp4", sides=(640, 360), stored=(450, 360)),
    Kind("ntsc.mov", sides=(480, 360), stored=(540, 360)),
    Kind("wide-pixels.mkv", sides=(640, 360), stored=(480, 360)),
    Kind("standing.mp4", sides=SIDES[::-1]),
    # Sides.
    Kind("odd.webm", _VP9, sides=(481, 341), sound=("-c:a", "libopus")),
    Kind("odd.gif", (), sides=(481, 341), sound=(), rate="10", filters=_PALETTE),
    Kind("odd-444.mp4", sides=(481, 341), format="yuv444p"),
    Kind("small.mp4", sides=(192, 136)),
    Kind("narrow.mp4", sides=(120, 340)),
    Kind("long.mp4", sides=(4080, 136)),
    Kind("hd.mp4", sides=(1280, 720), filters=_hd()),
    Kind("hd-untagged.mp4", sides=(1280, 720), filters=_hd(_UNSAID)),
    Kind("tagged-sd.mp4", filters=f"{_SD},format=yuv420p,{_SAID_SD}"),
    Kind("tagged-709-sd.mp4", filters=_hd()),
    # HDR.
    Kind("hlg.mov", _X265, filters=_hdr("arib-std-b67:agamma=false"), tolerance=40),
    Kind("pq.mp4", _X265, filters=_hdr("smpte2084"), tolerance=40),
    # Sound.
    Kind("silent.mp4", sound=()),
    Kind("sound-longer.mp4", heard=3.7),
    Kind("sound-shorter.mp4", heard=2.0),
    Kind("sound-over-ten.mp4", length=9.8667, rate="15", heard=10.2),
    Kind("mono.mp4", sound=("-c:a", "aac", "-ac", "1", "-ar", "22050")),
    Kind("opus.mp4", sound=("-c:a", "libopus")),
    Kind("pcm.mov", sound=_PCM),
    Kind("mp3.mp4", sound=("-c:a", "libmp3lame")),
    Kind("ac3.mp4", sound=("-c:a", "ac3")),
    Kind("untold-sound.mp4", patch=_untold_sound),
    # Edits, as editors on phones make them.
    Kind("two-parts.mp4", patch=_edits(vide=[(1.6, 0.0), (1.6, 1.6)], soun=[(1.6, 0.0), (1.6, 1.6)])),
    Kind("cut-middle.mp4", length=6.0,
         patch=_edits(vide=[(1.6, 0.0), (2.0, 4.0)], soun=[(1.6, 0.0), (2.0, 4.0)])),
    Kind("cut-start.mp4", length=5.0, patch=_edits(vide=[(3.4, 0.8)], soun=[(3.4, 0.8)])),
    Kind("late-sound.mp4", length=4.0, patch=_edits(vide=[(4.0, 0.0)], soun=[(0.6, None), (3.4, 0.0)])),
    Kind("late-picture.mp4", length=4.0, patch=_edits(vide=[(0.4, None), (3.6, 0.0)], soun=[(4.0, 0.0)])),
    Kind("no-edits.mp4", (*_X264, "-bf", "2"), more=("-use_editlist", "0")),
    # Fragments, and other tracks.
    Kind("fragments.mp4", (*_X264, "-g", "15"), more=("-movflags", "frag_keyframe+empty_moov")),
    Kind("dash.mp4", (*_X264, "-g", "15"), more=("-movflags", "frag_keyframe+dash+delay_moov")),
    Kind("time-code.mov", more=("-timecode", "01:00:00:00")),
    Kind("placed.mov", more=("-metadata", "location=+35.6586+139.7454/")),
    Kind("front.mp4", more=("-movflags", "+faststart")),
    # Rates that vary, and fields.
    Kind("bursts.mp4", rate="60",
         filters=f"select='lt(t,1)+between(t,1.8,2.2)+gt(t,2.9)',{_AS_USUAL}", more=_VARIED),
    Kind("dropped.mp4", rate="30",
         filters=f"select='not(between(n,20,26)+between(n,50,52))',{_AS_USUAL}", more=_VARIED),
    Kind("fields-top.mp4", (*_X264, "-flags", "+ilme+ildct", "-x264opts", "tff=1"), rate="50",
         filters=_FIELDS, more=("-r", "25")),
]  # fmt: skip
