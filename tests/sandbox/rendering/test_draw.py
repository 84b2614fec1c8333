"""Results, decoded again: what the request asked for is real in the file."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from motion_widgets.sandbox.measure import measure_clip
from motion_widgets.sandbox.rendering.draw import DrawError, draw
from motion_widgets.sandbox.rendering.samples import draw_sample
from motion_widgets.study.fidelity.place import place
from motion_widgets.study.fidelity.timing import timing
from tests.sandbox.conftest import FFMPEG, Wire, png


@pytest.fixture(scope="module")
def media(tmp_path_factory, clip):
    """Paths of the figure, of flat and noisy pictures, and of clips of several kinds."""
    folder = tmp_path_factory.mktemp("media")
    for name in ("figure.png", "clip-6s.mp4"):
        draw_sample(name, folder / name)
    Image.new("RGB", (400, 700), "white").save(folder / "flat.png")
    noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    (folder / "pattern.mp4").write_bytes(clip(4, 640, 360, 30, source="testsrc", audio=True))
    (folder / "tall.mp4").write_bytes(clip(4, 360, 640, 25, source="testsrc2"))
    (folder / "still.mp4").write_bytes(clip(3, 400, 400, 24, source="smptebars"))
    path = "280+200*sin(if(lt(t,2),0.5*t,if(lt(t,4),4*t-7,0.5*t+7)))"
    slow_fast = [
        *("-f", "lavfi", "-i", "color=gray:s=640x360:r=60:d=6"),
        *("-f", "lavfi", "-i", "color=red:s=80x160:r=60:d=6"),
        *(
            "-filter_complex",
            f"[0][1]overlay=x='{path}':y=100",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ),
    ]
    subprocess.run([FFMPEG, "-loglevel", "error", *slow_fast, str(folder / "slow-fast.mp4")], check=True)
    return folder


@pytest.fixture(scope="module")
def drawn(media, tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("drawn"), {}

    def make(image, clip, *, orientation="image", mode="std", sound=True, watermark=False):
        key = (image, clip, orientation, mode, sound, watermark)
        if key not in made:
            target = folder / f"{len(made)}.mp4"
            options = {"orientation": orientation, "mode": mode, "sound": sound, "watermark": watermark}
            draw(media / image, media / clip, target, **options)
            made[key] = target
        return made[key]

    return make


def grey(path, fps=10, size=(72, 72)) -> np.ndarray:
    scale = f"fps={fps}," + (f"scale={size[0]}:{size[1]}:flags=area," if size else "") + "format=gray"
    command = [FFMPEG, "-loglevel", "error", "-i", str(path), "-vf", scale, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    if size is None:
        facts = measure_clip(path)
        size = (facts.width, facts.height)
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0]).astype(float)


def energy(frames: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))


@pytest.mark.parametrize(
    ("image", "clip_name", "orientation"),
    [
        ("figure.png", "clip-6s.mp4", "image"),
        ("figure.png", "clip-6s.mp4", "video"),
        ("flat.png", "slow-fast.mp4", "image"),
    ],
)
def test_the_result_moves_when_and_where_the_clip_does(drawn, media, image, clip_name, orientation):
    given = grey(media / clip_name, fps=24, size=(72, 96)).astype(np.uint8)
    result = grey(drawn(image, clip_name, orientation=orientation), fps=24, size=(72, 96)).astype(np.uint8)
    assert abs(len(given) - len(result)) <= 1
    follows = timing(given, 24, result, 24)
    assert follows.correlation >= 0.85
    assert abs(follows.lag) <= 0.05
    assert place(given, 24, result, 24).correlation >= 0.75


def test_a_still_clip_gives_a_still_result(drawn):
    assert energy(grey(drawn("figure.png", "still.mp4"))).max() < 0.5


@pytest.mark.parametrize(
    ("image", "clip_name", "orientation", "mode", "sides"),
    [
        ("figure.png", "pattern.mp4", "image", "std", (360, 480)),
        ("figure.png", "pattern.mp4", "image", "pro", (540, 720)),
        ("figure.png", "pattern.mp4", "video", "std", (640, 360)),
        ("figure.png", "pattern.mp4", "video", "pro", (960, 540)),
        ("noise.png", "tall.mp4", "image", "std", (540, 360)),
        ("noise.png", "tall.mp4", "video", "std", (360, 640)),
    ],
)
def test_mode_and_orientation_are_real_sides(drawn, media, *, image, clip_name, orientation, mode, sides):
    path = drawn(image, clip_name, orientation=orientation, mode=mode)
    facts, given = measure_clip(path), measure_clip(media / clip_name)
    assert (facts.width, facts.height) == sides
    assert facts.length == pytest.approx(given.length, abs=0.05)
    assert 24 <= facts.fps <= 30


@pytest.mark.parametrize(
    ("clip_name", "sound", "expected"),
    [("pattern.mp4", True, True), ("pattern.mp4", False, False), ("tall.mp4", True, False)],
)
def test_sound_is_as_asked(drawn, clip_name, sound, expected):
    path = drawn("figure.png", clip_name, sound=sound)
    assert measure_clip(path).has_audio is expected
    banner = subprocess.run(
        [FFMPEG, "-hide_banner", "-i", str(path)], capture_output=True, check=False
    ).stderr
    assert re.search(rb"Video: h264 .*yuv420p", banner)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(("image", "orientation"), [("figure.png", "image"), ("flat.png", "video")])
def test_sandbox_stands_in_every_frame(drawn, image, orientation):
    frames = grey(drawn(image, "clip-6s.mp4", orientation=orientation), size=None)
    height, width = frames.shape[1:]
    assert len(frames) >= 59
    for frame in frames:
        word = frame[int(height * 0.82) : int(height * 0.97), int(width * 0.2) : int(width * 0.8)]
        # White letters in a black outline: both are there, in quantity, whatever lies beneath.
        assert (word > 225).mean() > 0.06
        assert (word < 40).mean() > 0.06


def test_watermark_is_a_mark_in_the_corner(drawn):
    plain = grey(drawn("flat.png", "still.mp4"), size=None)
    marked = grey(drawn("flat.png", "still.mp4", watermark=True), size=None)
    difference = np.abs(plain - marked).mean(axis=0)
    rows, columns = np.nonzero(difference > 40)
    assert len(rows)
    assert rows.max() < difference.shape[0] * 0.1
    assert columns.min() > difference.shape[1] * 0.5


def test_what_cannot_be_decoded_fails(media, tmp_path):
    content = bytearray((media / "tall.mp4").read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    (tmp_path / "zeroed.mp4").write_bytes(content)
    (tmp_path / "cut.png").write_bytes((media / "figure.png").read_bytes()[:3000])
    options = {"orientation": "image", "mode": "std", "sound": True, "watermark": False}
    with pytest.raises(DrawError, match="no frame"):
        draw(media / "figure.png", tmp_path / "zeroed.mp4", tmp_path / "a.mp4", **options)
    with pytest.raises(DrawError, match="image"):
        draw(tmp_path / "cut.png", media / "tall.mp4", tmp_path / "b.mp4", **options)


WORKFLOW = PngInfo()
WORKFLOW.add_text("workflow", "node " * 500_000, zip=True)


def test_end_to_end_and_a_result_is_a_reference_video_again(fresh, body, clip, monkeypatch):
    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", draw)
    wire: Wire = fresh()
    request = body | {
        "image_url": wire.host(png(color="orange", pnginfo=WORKFLOW)),
        "video_url": wire.host(clip(3.0)),
    }
    first = wire.end(wire.submit(request).json()["data"][0]["task_id"])
    assert first["status"] == "completed"
    link = first["result"]["videos"][0]["url"][0]
    second = wire.end(wire.submit(request | {"video_url": link}).json()["data"][0]["task_id"])
    assert second["cost"] == 0.17136
