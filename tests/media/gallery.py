"""Over a hundred small clips of every kind that people have, made by remuxing a few encodes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.media.conftest import X264, crafted, ffmpeg, picture, tone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LENGTHS = (2.96, 2.999, 3.0, 3.04, 5.5, 9.96, 10.0, 10.03, 10.08, 29.97, 30.0, 30.04)
RATES = ("24", "25", "30000/1001", "30", "60")
FRAGMENTED = {
    "sidx": "frag_keyframe+global_sidx+delay_moov",
    "sidx_empty": "frag_keyframe+empty_moov+global_sidx",
    "dash": "frag_keyframe+dash+delay_moov",
    "mfra": "frag_keyframe+empty_moov",
    "neither": "frag_keyframe+empty_moov+skip_trailer",
    "neither_base": "frag_keyframe+empty_moov+default_base_moof+skip_trailer",
    "cmaf": "frag_keyframe+cmaf+skip_trailer",
    "first_in_moov": "frag_keyframe",
    "separate": "frag_keyframe+empty_moov+separate_moof",
}
"""Kinds of fragmented files by ffmpeg's flags."""
FRONT = ["-movflags", "+faststart"]
COPY = ["-map", "0", "-c", "copy"]


def make_gallery(folder: Path) -> dict[str, Path]:
    """Make the clips, by name. What must be refused begins with ``no_``."""
    with ThreadPoolExecutor(4) as pool:
        base = dict(pool.map(lambda job: _base(folder, *job), enumerate(RATES)))
        parts = [pool.submit(part, folder, base) for part in (_cuts, _odd, _fragments, _others)]
        made = {name: path for part in parts for name, path in part.result()}
    made |= dict(_broken(folder, made))
    return made


def _base(folder: Path, number: int, rate: str) -> tuple[str, Path]:
    """Encode 31 s with sound at a rate; those of odd number have B-frames."""
    path = folder / f"base{number}.mp4"
    source = ["-f", "lavfi", "-t", "31", "-i", f"testsrc=s=48x32:r={rate}", *tone(31)]
    frames = ["-bf", "2"] if number % 2 else ["-bf", "0"]
    ffmpeg(*source, *X264, *frames, "-g", "24", "-c:a", "aac", "-b:a", "32k", path)
    return rate, path


def _cuts(folder: Path, base: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """Each rate at each length, moov in front or at the end, every third without sound."""
    for rate, source in base.items():
        outputs: list[object] = []
        for number, length in enumerate(LENGTHS):
            name = f"{rate.replace('/', '_')}_{length}"
            path = folder / f"{name}.{'mov' if number % 4 == 3 else 'mp4'}"
            silent = ["-an"] if number % 3 == 2 else []
            outputs += [*COPY, *silent, "-t", length, *(FRONT if number % 2 else []), path]
            yield name, path
        ffmpeg("-i", source, *outputs)


def _fragments(folder: Path, base: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    for word, source in (("plain", base["25"]), ("bframes", base["30000/1001"]), ("plain30", base["30"])):
        outputs: list[object] = []
        for name, flags in FRAGMENTED.items():
            path = folder / f"frag_{name}_{word}.mp4"
            outputs += [*COPY, *(["-an"] if word == "plain30" else []), "-t", 7.3, "-movflags", flags, path]
            yield f"frag_{name}_{word}", path
        ffmpeg("-i", source, *outputs)


def _odd(folder: Path, base: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    def out(name: str, kind: str = "mp4") -> Path:
        return folder / f"{name}.{kind}"

    plain, bframes = base["25"], base["30000/1001"]
    yield "edit_start", out("edit_start")
    ffmpeg("-ss", 1.3, "-i", bframes, *COPY, "-t", 6, out("edit_start"))
    yield "edit_start_plain", out("edit_start_plain")
    ffmpeg("-ss", 0.7, "-i", plain, *COPY, "-t", 6, out("edit_start_plain"))
    both = ["-map", "0:v", "-map", "1:a", "-c", "copy"]
    for name, before in (("late_video", ["-itsoffset", 0.4, "-i", bframes, "-i", bframes]),
                         ("late_sound", ["-i", plain, "-itsoffset", 0.25, "-i", plain])):  # fmt: skip
        yield name, out(name)
        ffmpeg(*before, *both, "-t", 5, out(name))
    yield "no_edits", out("no_edits")
    ffmpeg("-i", bframes, *COPY, "-t", 6, "-use_editlist", 0, out("no_edits"))
    for name, lengths in (("sound_longer", (5, 6.7)), ("sound_shorter", (6, 4.2))):
        yield name, out(name)
        cut = ["-t", lengths[0], "-i", plain, "-t", lengths[1], "-i", plain]
        ffmpeg(*cut, *both, *FRONT, out(name))
    for turn in (90, 180, 270):
        yield f"turned_{turn}", out(f"turned_{turn}")
        ffmpeg("-display_rotation", -turn, "-i", plain, *COPY, "-t", 4, out(f"turned_{turn}"))
    yield "timecode", out("timecode", "mov")
    ffmpeg("-i", plain, *COPY, "-t", 4, "-timecode", "01:00:00:00", out("timecode", "mov"))
    yield "u2028", out("u2028")
    title = "title=a\u2028  Duration: 00:00:09.00, start: 0.0"
    ffmpeg("-i", plain, *COPY, "-t", 4, "-metadata", title, out("u2028"))
    yield "scale_90000", out("scale_90000")
    ffmpeg("-i", bframes, *COPY, "-t", 8, "-video_track_timescale", 90000, "-movie_timescale", 48000,
           out("scale_90000"))  # fmt: skip
    yield "extra_sound", out("extra_sound")
    ffmpeg("-i", plain, "-t", 7, "-i", plain, "-map", "0", "-map", "1:a", "-c", "copy", "-t", 8,
           out("extra_sound"))  # fmt: skip


def _others(folder: Path, base: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """What needs an encode of its own."""
    x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1"]
    hevc = [folder / f"hevc_{name}.mp4" for name in ("end", "front", "frag")]
    ffmpeg(*picture(3.4, 30, "64x64"), *x265, hevc[0])
    ffmpeg("-i", hevc[0], *COPY, *FRONT, hevc[1], *COPY, "-movflags", "frag_keyframe+empty_moov", hevc[2])
    yield from ((path.stem, path) for path in hevc)
    kept = "select='lt(n,30)+not(mod(n,7))+between(n,80,90)'"
    vfr = ["-fps_mode", "vfr", "-enc_time_base", "1/1000"]
    for name, frames in (("vfr", []), ("vfr_bframes", ["-bf", "2"])):
        path = folder / f"{name}.mp4"
        ffmpeg(*picture(6, 30, "48x32"), "-vf", kept, *X264, *frames, *vfr, path)
        yield name, path
    mpeg4, mp3, webm, m4a = (folder / f"other.{kind}" for kind in ("mov", "mp3", "webm", "m4a"))
    ffmpeg(*picture(4, 25, "48x32"), "-c:v", "mpeg4", mpeg4)
    ffmpeg(*tone(3), mp3, *COPY[:2], "-c:a", "aac", m4a)
    ffmpeg(*picture(0.4, 25, "48x32"), "-c:v", "libvpx", "-deadline", "realtime", webm)
    yield from {"mpeg4": mpeg4, "no_mp3": mp3, "no_webm": webm, "no_m4a": m4a}.items()


def _broken(folder: Path, made: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    front, end = (made[name].read_bytes() for name in ("sound_longer", "edit_start"))
    body = front.index(b"mdat") + 4
    files = {
        "zeroed": front[:body] + bytes(len(front) - body),
        "cut": front[: len(front) * 2 // 3],
        "crafted": crafted(front),
        "trailing": front + bytes(1000),
        "no_cut_end": end[:-500],
        "no_html": b"<!DOCTYPE html><title>Sign in</title>",
        "no_playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "no_manifest": b"<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1:1/x</BaseURL></MPD>",
    }
    for name, data in files.items():
        path = folder / f"{name}.mp4"
        path.write_bytes(data)
        yield name, path
