"""HDR as it is shown and converted, compared with colours computed by the formulas of the ITU.

HLG and PQ by BT.2100 (HLG shown at 1000 cd/m²), white at 203 cd/m² (BT.2408), primaries by BT.2087, what is
outside of BT.709 clipped, and shown by BT.1886. Found: up to 2.2 levels (of 255) away where no colour exceeds
80 % of white, from where the conversion rolls off instead of clipping: up to 43 levels in saturated colours.
"""

from __future__ import annotations

import io
import subprocess

import av
import numpy as np
import pytest
from PIL import Image

import motion_widgets as mw
from motion_widgets.media.decode import frames
from motion_widgets.media.ffmpeg import ffmpeg_exe
from motion_widgets.media.montage import montage
from motion_widgets.media.preview import filmstrip
from motion_widgets.media.repair.operation import Operation

BARS = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1]], float)
WIDTH, HEIGHT = 40 * len(BARS), 48
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])
TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:lossless=1"]
CODERS = {"mp4": [*HEVC, "-tag:v", "hvc1"], "mkv": HEVC, "ts": HEVC,
          "webm": ["-c:v", "libvpx-vp9", "-lossless", 1, "-deadline", "realtime"]}  # fmt: skip


def hlg(signal: np.ndarray) -> np.ndarray:
    """Return cd/m² of an HLG signal on a display of 1000 cd/m²."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return 1000 * scene * (scene @ LUMINANCE)[:, None] ** 0.2


def pq(signal: np.ndarray) -> np.ndarray:
    """Return cd/m² of a PQ signal."""
    power = signal ** (32 / 2523)
    return 10_000 * (np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)


def linear(signal: np.ndarray, kind: str) -> np.ndarray:
    """Return the light of BT.709 that a signal stands for; 1 is white."""
    return (hlg if kind == "HLG" else pq)(signal) / 203 @ TO_BT709.T


def levels(light: np.ndarray) -> np.ndarray:
    return 255 * np.clip(light, 0, 1) ** (1 / 2.4)


def write(path, signal: np.ndarray, kind: str):
    """Write a clip of bars, with Y'CbCr computed here."""
    image = np.broadcast_to(np.repeat(signal, 40, axis=0), (HEIGHT, WIDTH, 3))
    luma = image @ LUMINANCE
    planes = [64 + 876 * luma]
    planes += [512 + 896 * (image[..., at] - luma) / span for at, span in ((2, 1.8814), (0, 1.4746))]
    raw = b"".join(np.round(plane).astype("<u2").tobytes() for plane in planes) * 5
    transfer = "arib-std-b67" if kind == "HLG" else "smpte2084"
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    source = ["-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]
    command = [ffmpeg_exe(), "-y", "-loglevel", "error", *source, "-vf", tags, *CODERS[path.suffix[1:]], path]
    subprocess.run([str(one) for one in command], input=raw, check=True)
    return path


def bars(image: np.ndarray) -> np.ndarray:
    """Return the mean colour in the middle of each bar."""
    tall, wide = image.shape[:2]
    step, rows = wide / len(BARS), image[tall // 4 : tall * 3 // 4].astype(float)
    pieces = [rows[:, round((n + 0.35) * step) : round((n + 0.65) * step)] for n in range(len(BARS))]
    return np.array([piece.mean(axis=(0, 1)) for piece in pieces])


def decoded(path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


SIGNALS = {
    "soft colours": ("HLG", 0.30 + BARS * 0.25),
    "dark colours": ("HLG", 0.20 + BARS * 0.15),
    "greys": ("HLG", np.linspace(0, 0.7, 7)[:, None] * np.ones(3)),
    "bars of 75 %": ("HLG", BARS * 0.75),
    "dark PQ colours": ("PQ", 0.20 + BARS * 0.15),
    "PQ greys": ("PQ", np.linspace(0, 0.55, 7)[:, None] * np.ones(3)),
    "PQ bars": ("PQ", BARS * 0.58),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_colours_are_those_of_the_formulas(name, tmp_path):
    kind, signal = SIGNALS[name]
    path = write(tmp_path / "hdr.mp4", signal, kind)
    done = mw.mend(path, Operation("trim_clip", {"start": 0.0, "length": 0.12}), to=tmp_path)
    light = linear(signal, kind)
    off = np.abs(bars(decoded(done.result_path)) - levels(light))
    plain = light.max(axis=1) <= 0.8
    assert off[plain].max(initial=0) <= 3
    assert off.max() <= 45
    assert off.mean() <= 8
    assert plain.all() == ("bars" not in name), "most signals test what is not rolled off"


SOFT = SIGNALS["soft colours"]


def test_what_is_looked_at_is_converted_as_well(tmp_path):
    path = write(tmp_path / "hdr.mp4", SOFT[1], SOFT[0])
    wanted = levels(linear(SOFT[1], "HLG"))
    strip = np.asarray(Image.open(io.BytesIO(filmstrip(path, 1, HEIGHT))).convert("RGB"))
    assert np.abs(bars(next(frames(path))) - wanted).max() <= 3
    assert np.abs(bars(strip) - wanted).max() <= 8, "JPEG"
    wall = montage([("HDR", path)], 1, tmp_path / "wall.mp4", height=HEIGHT)
    shown = decoded(wall)[-HEIGHT:]  # below its label
    assert np.abs(bars(shown) - wanted).max() <= 8, "at half the colours"


@pytest.mark.parametrize("kind", ["mkv", "webm", "ts"])
def test_other_formats_are_converted_as_well(kind, tmp_path):
    path = write(tmp_path / f"hdr.{kind}", SOFT[1], "HLG")
    done = mw.trim_clip(path, 0.0, length=0.12, to=tmp_path)
    assert np.abs(bars(decoded(done.source)) - levels(linear(SOFT[1], "HLG"))).max() <= 4


def test_what_only_the_stream_states_counts(tmp_path):
    path = write(tmp_path / "hdr.mp4", SOFT[1], "HLG")
    path.write_bytes(path.read_bytes().replace(b"colr", b"free"))
    assert mw.measure_clip(path, confirm=False).hdr == "HLG"
    done = mw.trim_clip(path, 0.0, length=0.12, to=tmp_path)
    assert np.abs(bars(decoded(done.source)) - levels(linear(SOFT[1], "HLG"))).max() <= 3


SOLID = np.array([200, 40, 30], np.uint8)
SD_OR_HD = {"640x360": "smpte170m", "1280x720": "bt709"}
"""Sides, and the matrix by which players read what does not state it."""
OF_ONE_COLOUR = {
    "H.264": ["-c:v", "libx264"],
    "HEVC": ["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"],
    "VP9": ["-c:v", "libvpx-vp9", "-deadline", "realtime"],
    "MPEG-4": ["-c:v", "mpeg4"],
}


def solid(path, sides: str, matrix: str, tag: str, coder: list[str]):
    """Write a clip of one colour by a matrix, which the file states as `tag`."""
    wide, tall = map(int, sides.split("x"))
    raw = np.broadcast_to(SOLID, (tall, wide, 3)).tobytes() * 3
    told = f"setparams=colorspace={tag}:range=tv:color_primaries=unknown:color_trc=unknown"
    made = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p,{told}"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", sides, "-r", "5", "-i", "-"]
    command = [ffmpeg_exe(), "-loglevel", "error", "-y", *source, "-vf", made, *coder, str(path)]
    subprocess.run(command, input=raw, check=True)
    return path


@pytest.mark.parametrize("sides", SD_OR_HD)
@pytest.mark.parametrize("name", OF_ONE_COLOUR)
@pytest.mark.parametrize("stated", [False, True])
def test_a_preview_has_the_colours_that_a_player_shows(tmp_path, sides, name, stated):
    guess = SD_OR_HD[sides]
    other = next(one for one in SD_OR_HD.values() if one != guess)
    if stated and name == "MPEG-4":
        other = guess  # ffmpeg's encoder does not write it
    matrix = other if stated else guess
    path = solid(tmp_path / "one.mp4", sides, matrix, matrix if stated else "unknown", OF_ONE_COLOUR[name])
    strip = Image.open(io.BytesIO(filmstrip(path, 1, 96))).convert("RGB")
    wall = montage([("one", path)], 1, tmp_path / "wall.mp4", height=96)
    seen = {
        "frame": next(frames(path)),
        "small frame": next(frames(path, 96)),
        "filmstrip": np.asarray(strip),
        "montage": decoded(wall)[-96:],
    }
    middles = {of: picture[len(picture) // 2, picture.shape[1] // 2] for of, picture in seen.items()}
    off = {of: int(np.abs(middle.astype(int) - SOLID).max()) for of, middle in middles.items()}
    assert max(off.values()) <= 6, off
