"""What each extra of ``pyproject.toml`` gives, used for real, and what is said where it is not installed.

``python -P tests/extras.py EXTRA`` uses it, and with ``absent`` after it prints what is said without
it; `tests.release` runs both in environments of their own, so this file needs the package and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import motion_widgets as mw
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.example.com"
SECRET = "sk-Pl4ntedQ7xZ2vN9mK5tR8wB3cY6h"


def awake(folder: Path) -> None:
    """Send paid jobs from a machine with a battery; with the extra, it is kept awake instead of warned of."""
    from motion_widgets.jobs import sleep_guard
    from motion_widgets.log.store import Log

    battery = folder / "BAT0"
    battery.mkdir()
    (battery / "type").write_text("Battery\n")
    keeper = sleep_guard.KeepAwake()
    before, sleep_guard.SUPPLIES = sleep_guard.SUPPLIES, folder
    try:
        with contextlib.closing(Log(folder / "log.sqlite")) as log, warnings.catch_warnings():
            warnings.simplefilter("error")
            sleep_guard.SleepGuard(log, endpoint="e", account="a", awake=keeper).warn(["job-1"])
    except UserWarning as warning:
        raise mw.MotionError(str(warning)) from None
    finally:
        sleep_guard.SUPPLIES = before
    from wakepy import keep

    assert keep.running(on_fail="pass").name == "keep.running"
    keeper.hold(True)
    keeper.hold(False)


def excel(folder: Path) -> None:
    """Write the log as a workbook, and read it back."""
    from motion_widgets.log.columns import dictionary
    from motion_widgets.log.exports import to_excel

    path = to_excel(dictionary(), folder / "log.xlsx")
    import openpyxl

    assert openpyxl.load_workbook(path).sheetnames == [say("sheet_jobs"), say("sheet_columns")]


def flow(_: Path) -> None:
    """Measure the direction of a square that moves to the right, against itself."""
    import numpy as np

    from motion_widgets.core.errors import LogError
    from motion_widgets.study.fidelity.direction import available, direction

    if not available():
        raise LogError.of("flow_missing")
    grey = np.full((60, 90, 160), 40.0)
    for at in range(60):
        across = 60 + round(40 * np.sin(at / 5))
        grey[at, 30:60, across : across + 30] = 220.0
    found = direction(grey, 24, grey, 24)
    assert found is not None
    assert found > 0.9


def heic(folder: Path) -> None:
    """Convert a HEIC to JPEG."""
    path = folder / "photo.heic"
    try:
        import pillow_heif
        from PIL import Image

        pillow_heif.from_pillow(Image.new("RGB", (480, 320), (250, 0, 0))).save(path)
    except ImportError:
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert mw.convert_image(path).format == "jpeg"


def keyring(_: Path) -> None:
    """Keep a key in a keyring, find it, and forget it."""
    from motion_widgets.endpoint.api_key import Secret, find_key, has_keyring, store_key
    from motion_widgets.workspace.settings import forget_kept_key

    if has_keyring():
        import keyring as ring
        from keyring.backend import KeyringBackend

        class Memory(KeyringBackend):  # this machine may have none, which is another matter
            priority = 1
            kept: dict[tuple[str, str], str] = {}  # noqa: RUF012

            def get_password(self, service: str, username: str) -> str | None:
                return self.kept.get((service, username))

            def set_password(self, service: str, username: str, password: str) -> None:
                self.kept[service, username] = password

            def delete_password(self, service: str, username: str) -> None:
                del self.kept[service, username]

        before = ring.get_keyring()
        ring.set_keyring(Memory())
        try:
            assert store_key(URL, Secret(SECRET))
            found = find_key(URL, environment=False)
            assert found is not None
            assert found.reveal() == SECRET
            done, said = forget_kept_key(URL)
        finally:
            ring.set_keyring(before)
    else:
        assert not store_key(URL, Secret(SECRET))
        done, said = forget_kept_key(URL)
    if not done:
        raise mw.MotionError(said)


def postgres(_: Path) -> None:
    """Knock at a server that is not there: its driver says so."""
    from motion_widgets.log.store import Log

    for scheme in ("postgresql", "postgresql+psycopg"):
        caught = None
        try:
            Log(f"{scheme}://me@127.0.0.1:9/log?connect_timeout=5")
        except mw.LogError as error:
            if error.code == "postgres_missing":
                raise
            caught = error
        assert caught is not None
        assert "connection" in str(caught), caught


def s3(folder: Path) -> None:
    """Share a file at an address; and let the store's own package sign a link, which it does by itself."""
    from motion_widgets.core.hashing import sha256_of
    from motion_widgets.jobs.shared_store import Shared

    here, there = folder / "here", folder / "there"
    (here / "results").mkdir(parents=True)
    (here / "results" / "job-1.json").write_bytes(b"{}")
    shared = Shared(there.as_uri(), here)
    shared.put("results/job-1.json", sha256_of(here / "results" / "job-1.json"))
    assert (there / "results" / "job-1.json").read_bytes() == b"{}"
    from fsspec.core import url_to_fs

    files, path = url_to_fs(
        "s3://bucket/a.mp4", key="a", secret="b", client_kwargs={"region_name": "eu-west-1"}
    )
    assert "Signature=" in files.sign(path)


def voila(folder: Path) -> None:
    """Put together the command that starts Voilà, and start it for its version."""
    import subprocess

    from motion_widgets.cli.shared_page import _voila

    options = argparse.Namespace(port=None, open=False)
    command = _voila(options, folder / "studio.ipynb", ip="127.0.0.1")
    subprocess.run([*command[:3], "--version"], check=True, stdout=subprocess.DEVNULL)


EXTRAS: dict[str, tuple[Callable[[Path], None], str]] = {
    "awake": (awake, "wakepy"),
    "excel": (excel, "openpyxl"),
    "flow": (flow, "cv2"),
    "heic": (heic, "pillow_heif"),
    "keyring": (keyring, "keyring"),
    "postgres": (postgres, "psycopg"),
    "s3": (s3, "fsspec"),
    "voila": (voila, "voila"),
}
"""What uses an extra, and the module that is not there without it."""


def said_without(extra: str, folder: Path) -> str:
    """Use an extra that is not installed; return what is said, after a look that it helps."""
    try:
        EXTRAS[extra][0](folder)
    except mw.MotionError as error:
        said = str(error)
    else:
        raise AssertionError(f"{extra} is installed here")
    assert f'pip install "motion-widgets[{extra}]"' in said, said
    assert said.count("motion-widgets[") == 1, said
    assert "\n" not in said
    return said


if __name__ == "__main__":
    name, *absent = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        if absent:
            print(said_without(name, Path(place)))
        else:
            EXTRAS[name][0](Path(place))
            print(f"{name}: used")
