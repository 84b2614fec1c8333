"""Visitor mode: begun by Voilà's environment, for good, in a folder that ends with the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motion_widgets.core import visitor
from tests.visiting import SECRETS, VOILA, visit

BEGIN = """
from motion_widgets.core.visitor import confine, confinement, is_shared_page
before = confinement() is None
held = confine()
"""


def until(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("environment", "shared"),
    [
        ({}, False),
        ({"SERVER_SOFTWARE": "gunicorn"}, False),
        ({"SERVER_SOFTWARE": "voila/0.5.13"}, True),
        ({"VOILA_PREHEAT": "True"}, True),  # a kernel that was started before anybody came
        ({"VOILA_REQUEST_URL": ""}, True),
    ],
)
def test_voila_says_so_in_the_environment(environment, shared, monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith("VOILA_") or name == "SERVER_SOFTWARE":
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert visitor.is_shared_page() is shared
    assert not visitor.in_visitor_mode()  # asking begins nothing


def test_every_secret_leaves_the_environment_and_what_a_kernel_needs_stays(tmp_path: Path) -> None:
    told = visit(BEGIN + "told = dict(os.environ)", tmp_path, HTTP_PROXY="http://ana:planted-key@proxy")
    assert "planted-key" not in str(told)
    assert not set(told) & set(SECRETS)
    assert set(VOILA) < set(told)
    assert told["PATH"] == os.environ["PATH"]
    assert told["MOTION_WIDGETS_USER"] == "visitor"


def test_the_folder_is_private_and_takes_all_temporary_files(tmp_path: Path) -> None:
    told = visit(
        BEGIN
        + """
import tempfile
told = [before, oct(held.folder.stat().st_mode & 0o777), held.holds(tempfile.mkdtemp()), str(held.folder),
        confine() is held]
""",
        tmp_path,
    )
    before, mode, holds, folder, same = told
    assert (before, mode, holds, same) == (True, "0o700", True, True)
    until(lambda: not Path(folder).exists())


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_folder_ends_with_the_process_however_that_ends(sign, tmp_path: Path) -> None:
    code = (
        BEGIN.strip()
        + "\n(held.folder / 'own.mp4').write_bytes(b'x'); print(held.folder, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert (folder / "own.mp4").is_file()
    process.send_signal(sign)
    process.communicate()
    until(lambda: not folder.exists())


def test_two_visitors_have_nothing_in_common(tmp_path: Path) -> None:
    one, two = (visit(BEGIN + "told = str(held.folder)", tmp_path) for _ in range(2))
    assert one != two


def test_no_spelling_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(b"x")
    told = visit(
        BEGIN
        + """
(held.folder / "inside.png").write_bytes(b"x")
(held.folder / "link.png").symlink_to(Path("outside.png").absolute())
asked = ["inside.png", "link.png", "../x.png", "tmp/../inside.png", "a/../../x.png", "missing.png", "nul\\0"]
outside = ["outside.png", "/etc/passwd", "~/x", "/proc/self/environ", str(held.folder) + "x"]
told = [[held.holds(held.folder / one) for one in asked], [held.holds(one) for one in outside]]
""",
        tmp_path,
    )
    assert told == [[True, False, False, True, False, True, False], [False] * 5]
