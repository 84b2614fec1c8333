"""``motion-widgets studio`` for real, inside a folder that somebody sent: no file of it is executed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.jobs.endpoint import until
from tests.loopback import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANTED = (
    "jupyter_server_config.py", "jupyter_config.py", "jupyter_lab_config.py", "voila.py", "jupyterlab.py",
    "ipykernel_launcher.py", "IPython.py", "jedi.py", "motion_widgets.py", "sitecustomize.py", "json.py",
)  # fmt: skip
SESSION = b'{"path": "studio.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}'
WIDGET = "application/vnd.jupyter.widget-view+json"
DEADLINE = 90.0


def ask(url: str, data: bytes | None = None, token: str = "of-the-test") -> str:
    request = urllib.request.Request(url, data, {"Authorization": f"token {token}"})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return str(answer.read().decode())
    except OSError:  # it does not listen yet, or refuses
        return ""


@contextmanager
def started(tmp_path: Path, folder: Path, *options: str) -> Iterator[str]:
    """Run ``motion-widgets studio`` in a folder; give its address."""
    port, command = free_port(), str(Path(sys.executable).with_name("motion-widgets"))
    home = {
        "HOME": str(tmp_path),
        "JUPYTER_TOKEN": "of-the-test",
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    with (tmp_path / "log").open("wb") as out:
        server = subprocess.Popen(
            [command, "studio", "--folder", ".", "--port", str(port), *options], cwd=folder, env=kept | home,
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@pytest.mark.skipif(os.name != "posix", reason="ends the server by a signal")
def test_no_settings_and_no_module_of_a_received_folder_are_loaded(tmp_path: Path) -> None:
    folder, mark = tmp_path / "received", tmp_path / "mark"
    folder.mkdir()
    for name in PLANTED:
        (folder / name).write_text(f"open({str(mark)!r}, 'a').write({name!r})")
    told: list[str] = []
    with started(tmp_path, folder) as address:
        until(lambda: ask(f"{address}/api/status"), DEADLINE)
        page = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', ask(f"{address}/lab"), re.DOTALL)
        assert page is not None
        lab = json.loads(page[1])
        assert "@jupyterlab/apputils-extension:announcements" in lab["disabledExtensions"], "no news pop up"
        assert lab["news"]["disabled"], "nor are they looked for"
        assert ask(f"{address}/api/sessions", SESSION)
        (file,) = until(lambda: list((tmp_path / "run").glob("kernel-*.json")))
        until(lambda: file.stat().st_size)
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels(hb=False)  # it may beat late on a busy machine
        client.wait_for_ready(timeout=DEADLINE)
        client.execute_interactive(
            "import os, motion_widgets; print(os.getcwd(), motion_widgets.__file__)",
            timeout=DEADLINE, output_hook=lambda one: told.append(one["content"].get("text", "")),
        )  # fmt: skip
        client.complete("motion_widgets.Wo", 17, reply=True, timeout=DEADLINE)
        client.stop_channels()
    where, module = "".join(told).split()
    assert where == str(folder), "the notebook works in its folder all the same"
    assert not module.startswith(str(folder))
    assert not mark.exists(), mark.read_text()


@pytest.mark.skipif(os.name != "posix", reason="ends the server by a signal")
def test_the_app_shows_the_studio_of_the_folder_to_whoever_has_the_token(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "voila.py").write_text("raise SystemExit('this was loaded')")
    with started(tmp_path, folder, "--app") as address:
        page = until(lambda: ask(address), DEADLINE)
        assert WIDGET in page, "the Studio was built, and is on the page"
        assert "visitor" not in page.lower()
        for path in ("/", "/voila/files/log.sqlite", "/api/kernels"):
            assert WIDGET not in ask(address + path, token="guessed")
            assert str(folder) not in ask(address + path, token="guessed")
    assert (folder / "log.sqlite").exists(), "it is the workspace that was named"
    assert "ModuleNotFound" not in (tmp_path / "log").read_text()
