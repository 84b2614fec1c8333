"""Copies of inputs, by content."""

from __future__ import annotations

import hashlib

from PIL import Image

from motion_widgets.log.store import Log
from motion_widgets.request.request import MotionRequest
from motion_widgets.workspace.inputs import keep_inputs


def test_a_copy_that_is_used_again_keeps_the_name_of_its_file(tmp_path):
    hero = tmp_path / "hero.png"
    Image.new("RGB", (40, 60)).save(hero)
    sha = hashlib.sha256(hero.read_bytes()).hexdigest()
    folder = tmp_path / "ws"
    (folder / "inputs").mkdir(parents=True)
    log = Log(folder / "log.sqlite")
    first = keep_inputs(log, folder, MotionRequest(image_url=str(hero)))
    assert "image_name" not in first, "the request's own name is right"
    copy = folder / first["image_path"]
    assert copy.stem == sha[:20]
    again = keep_inputs(log, folder, MotionRequest(image_url=str(copy)))
    assert again == {**first, "image_name": "hero.png"}
    log.close()

    elsewhere = Log(tmp_path / "elsewhere.sqlite")  # which never knew another name
    assert keep_inputs(elsewhere, folder, MotionRequest(image_url=str(copy)))["image_name"] == copy.name
    elsewhere.close()
