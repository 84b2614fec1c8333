"""Publishing a file without a workspace at hand: the one of the working directory does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

import motion_widgets as mw
from motion_widgets.media.samples import sample_media

if TYPE_CHECKING:
    from pathlib import Path


def test_the_workspace_of_the_working_directory_publishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MOTION_WIDGETS_FOLDER", "MOTION_WIDGETS_LOG", "APIMART_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    image = sample_media(tmp_path / "samples").image
    made = mw.publish(image)
    assert made.url.startswith("http://127.0.0.1:")
    assert (tmp_path / "log.sqlite").is_file()
    with mw.Workspace(tmp_path, endpoint="sandbox") as ws:
        again = mw.publish(image, ws=ws)
        assert httpx.get(again.url).content == image.read_bytes()
    with pytest.raises(mw.ClipError, match=r"nothing\.png"):
        mw.publish(tmp_path / "nothing.png")
