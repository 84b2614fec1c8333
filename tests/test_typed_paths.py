"""Every call takes a path as people paste it, and a file whatever the bytes of its name."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import motion_widgets as mw
from motion_widgets.media.decode import frames
from motion_widgets.media.preview import thumbnail
from tests.cli.test_main import run
from tests.jobs.endpoint import until
from tests.media.conftest import X264, ffmpeg, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRAPS = {"quotes": "'{}'", "double quotes": '"{}"', "blanks": "  {} ", "a line end": '"{}"\n'}
FOREIGN = os.fsdecode(b"caf\xe9 \xff")
"""A name in Latin-1, as disks of older machines and some archives have them."""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A clip and an image, each under a plain name and one that is not UTF-8."""
    folder = tmp_path_factory.mktemp("typed paths")
    made = {"clip": folder / "dance.mp4", "image": folder / "hero.png"}
    ffmpeg(*picture(3.2, 10, "360x450"), *X264, made["clip"])
    Image.new("RGB", (360, 450), "teal").save(made["image"])
    for kind, path in list(made.items()):
        made[f"foreign {kind}"] = folder / f"{FOREIGN}{path.suffix}"
        made[f"foreign {kind}"].write_bytes(path.read_bytes())
    return made


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    with mw.Workspace(tmp_path_factory.mktemp("ws"), "sandbox") as made:
        yield made


def request_for(image: object, clip: object) -> mw.MotionRequest:
    return mw.MotionRequest(
        model="kling-v3-motion-control", image_url=image, video_url=clip, character_orientation="image",
        mode="std",
    )  # fmt: skip


def measured_by_cli(typed: str) -> str:
    ended = run("measure", typed)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["name"]


ENTRIES: dict[str, tuple[str, Callable[[str], object]]] = {
    "measure_clip": ("clip", lambda typed: mw.measure_clip(typed, confirm=False).name),
    "measure_clips": ("clip", lambda typed: mw.measure_clips([typed], progress=False)["name"][0]),
    "mute_clip": ("clip", lambda typed: mw.mute_clip(typed).has_audio),
    "frames": ("clip", lambda typed: next(frames(typed, 20)).shape),
    "measure_image": ("image", lambda typed: mw.measure_image(typed).name),
    "strip_image": ("image", lambda typed: mw.strip_image(typed).format),
    "thumbnail": ("image", lambda typed: thumbnail(typed, 20)),
    "has_location": ("image", mw.has_location),
    "key": ("clip", lambda typed: request_for(None, typed).key),
    "wire": ("clip", lambda typed: request_for(typed, typed).to_wire()["image_url"]),
    "measure in the terminal": ("image", measured_by_cli),
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_pasted_path_is_the_path(files, entry, wrap):
    kind, call = ENTRIES[entry]
    assert call(WRAPS[wrap].format(files[kind])) == call(str(files[kind]))


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_workspace_takes_a_pasted_path(ws, files, wrap):
    def typed(kind: str) -> str:
        return WRAPS[wrap].format(files[kind])

    assert ws.library.add(typed("image")) == ws.library.add(files["image"])
    mute = mw.Operation("mute_clip")
    assert ws.mend(typed("clip"), mute).result == ws.mend(files["clip"], mute).result
    pasted = request_for(typed("image"), typed("clip"))
    assert mw.check(pasted, clip=mw.measure_clip(typed("clip")), image=mw.measure_image(typed("image"))) == []
    assert ws.submit(pasted).id == ws.submit(request_for(files["image"], files["clip"])).id


def test_a_pasted_link_is_a_link():
    pasted = request_for(' "https://example.com/a.png"\n', "'https://example.com/a.mp4'")
    plain = request_for("https://example.com/a.png", "https://example.com/a.mp4")
    assert (pasted.key, pasted.to_wire()) == (plain.key, plain.to_wire())


def test_a_path_object_is_taken_as_it_is(tmp_path, files):
    odd = tmp_path / " 'a' .png "
    odd.write_bytes(files["image"].read_bytes())
    image = mw.measure_image(odd, hash_content=True)
    assert (image.name, image.source) == (odd.name, str(odd))
    assert mw.strip_image(image).format == "png"
    assert request_for(odd, None).key == request_for(image, None).key


@pytest.mark.parametrize("folder", ["new folder/", "'new folder/'", "a/b/", " new folder/ "])
def test_a_folder_that_is_not_there_is_made(tmp_path, monkeypatch, files, folder):
    monkeypatch.chdir(tmp_path)
    first, again = (mw.strip_image(files["image"], to=folder) for _ in range(2))
    inside = tmp_path / ("a/b" if "a/b" in folder else "new folder")
    assert [path.as_posix() for path in inside.iterdir()] == [first.source]
    assert again == first, "the same mend is reused"


def test_a_file_that_is_in_the_way_of_a_folder_is_named(tmp_path, files):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(mw.ClipError, match="taken"):
        mw.strip_image(files["image"], to=f"{tmp_path}/taken/")


def test_a_name_that_is_not_utf_8_is_measured_mended_and_sent(ws, files):
    clip, image = files["foreign clip"], files["foreign image"]
    shown = "caf\ufffd \ufffd"
    assert (mw.measure_clip(clip).name, mw.measure_image(str(image)).name) == (f"{shown}.mp4", f"{shown}.png")
    assert mw.measure_clips([clip], progress=False)["name"].tolist() == [f"{shown}.mp4"]
    assert not ws.mend(str(clip), mw.Operation("mute_clip")).result.has_audio
    ws.library.add(image)
    job = ws.submit(request_for(str(image), clip), new=True)
    until(lambda: job.task_id is not None)
    row = ws.log.frame().set_index("id").loc[job.id]
    assert (row["image_name"], row["clip_name"]) == (f"{shown}.png", f"{shown}.mp4")
    assert ws.submit(request_for(image, str(clip))).id == job.id


def test_a_sentence_about_such_a_name_can_be_printed(tmp_path):
    with pytest.raises(mw.ClipError) as caught:
        mw.measure_clip(tmp_path / f"{FOREIGN}.mp4")
    str(caught.value).encode()
    assert run("measure", str(tmp_path / f"{FOREIGN}.mp4")).code == 1
