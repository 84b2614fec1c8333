"""Mended clips as Chromium plays them: colours, shape and what is cut out; pictures of before and after."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import motion_widgets as mw
from tests.browser._lab import shot
from tests.media.conftest import ffmpeg
from tests.media.drawn import places
from tests.media.kinds import KINDS, make

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

BY_NAME = {kind.name: kind for kind in KINDS}
SHOW = """async ([address, at]) => {
  const video = document.createElement("video");
  video.muted = true;
  const ready = new Promise((done, fail) => {
    video.onloadeddata = done;
    video.onerror = () => fail(video.error);
  });
  video.src = address;
  document.querySelector("figure:last-of-type").prepend(video);
  await ready;
  const found = new Promise(done => { video.onseeked = done; });
  video.currentTime = at;
  await found;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return {width: video.videoWidth, height: video.videoHeight, length: video.duration};
}"""
PAGE = """<html lang="en"><style>
  body { font: 16px sans-serif; margin: 16px } figure { margin: 0 }
  video, img { height: 210px; display: block }
</style><main id="shown" style="display: flex; gap: 16px; align-items: start"></main></html>"""


def address(path: Path | str, kind: str = "video/mp4") -> str:
    """Return a file as an address that holds it."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path or a text
        return f"data:{kind};base64,{base64.b64encode(file.read()).decode()}"


def figure(page: Page, caption: str, picture: str = "") -> None:
    """Add a figure; `picture`: of an image."""
    page.evaluate(
        """([caption, picture]) => {
          const figure = document.createElement("figure");
          if (picture) figure.append(Object.assign(new Image(), {src: picture, alt: caption}));
          figure.append(Object.assign(document.createElement("figcaption"), {textContent: caption}));
          document.getElementById("shown").append(figure);
        }""",
        [caption, picture],
    )


def played(page: Page, caption: str, path: Path | str, at: float = 0.0) -> dict[str, Any]:
    """Play a clip in the page and return its sides, its length and the colours of the frame at `at` s."""
    figure(page, caption)
    found = page.evaluate(SHOW, [address(path), at])
    assert isinstance(found, dict)
    # As it is composed, not as a canvas reads it: that path is several levels off in BT.709.
    with Image.open(io.BytesIO(page.locator("video").last.screenshot())) as picture:
        wide, tall = picture.size
        found["colours"] = [picture.convert("RGB").getpixel((x * wide, y * tall)) for x, y in places()]
    return found


def number(found: dict[str, Any]) -> int:
    """Return the number of the frame that was read."""
    return sum(int(np.mean(one) > 128) << bit for bit, one in enumerate(found["colours"][4:]))


def off(found: dict[str, Any], wanted: Any) -> float:
    """Return by how many levels the four colours are off."""
    return float(np.abs(np.array(found["colours"][:4]) - np.array(wanted)).max())


@pytest.mark.parametrize("name", ["untagged-sd", "hd-untagged", "tagged-709-sd", "tagged-sd"])
def test_colours_stay_within_two_levels_in_the_browser(name, page, tmp_path):
    kind = BY_NAME["front.mp4" if name == "untagged-sd" else f"{name}.mp4"]
    source = make(kind, tmp_path)
    page.set_content(PAGE)
    before = played(page, "before", source)
    after = played(page, "after", mw.convert_clip(source, to=tmp_path).source)
    assert off(after, before["colours"][:4]) <= 2


def test_hdr_before_and_after(page, tmp_path):
    source = make(BY_NAME["hlg.mov"], tmp_path)
    page.set_content(PAGE)
    plain = tmp_path / "plain.png"
    ffmpeg("-i", source, "-frames:v", 1, "-vf", "scale=in_color_matrix=bt2020,format=rgb24", plain)
    figure(page, "before: HLG as a reader shows it that knows no HDR", address(plain, "image/png"))
    after = played(page, "after: converted", mw.convert_clip(source, to=tmp_path).source)
    sdr = make(BY_NAME["tagged-709-sd.mp4"], tmp_path)
    wanted = played(page, "the SDR source that HLG was made of", sdr)
    shot(page, "mend-hdr", "#shown")
    assert off(after, wanted["colours"][:4]) <= BY_NAME["hlg.mov"].tolerance


def test_aspect_before_and_after(page, tmp_path):
    source = make(BY_NAME["pal-wide.mp4"], tmp_path)
    page.set_content(PAGE)
    before = played(page, "before: 450 x 360 stored, 640 x 360 shown", source)
    made = [played(page, f"after: {name}", getattr(mw, name)(source, to=tmp_path).source)
            for name in ("convert_clip", "mute_clip")]  # fmt: skip
    shot(page, "mend-aspect", "#shown")
    assert [(one["width"], one["height"]) for one in (before, *made)] == [(640, 360)] * 3


def test_edit_list_before_and_after(page, tmp_path):
    """Behind the cut: what was cut out stays out, and no frozen picture stands in for it."""
    source = make(BY_NAME["cut-middle.mp4"], tmp_path)
    page.set_content(PAGE)
    at = 2.03
    before = played(page, "before: 2.0 s, 0.4 s behind the cut", source, at)
    made = [played(page, f"after: {name}", getattr(mw, name)(source, to=tmp_path).source, at)
            for name in ("convert_clip", "mute_clip", "strip_clip")]  # fmt: skip
    shot(page, "mend-edit-list", "#shown")
    assert [number(one) for one in made] == [number(before)] * 3
    assert [one["length"] for one in made] == pytest.approx([3.6] * 3, abs=0.07)
