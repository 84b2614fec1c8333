"""Build and open what Binder would, without Docker: ``python -m tests.binder_rehearsal FOLDER``.

An environment of the Python of `binder/runtime.txt`, with `binder/requirements.txt`, a copy of what git has,
`postBuild` and `binder/start`, all as a user without rights where this one is root, behind a base URL and a
token; then both links in Chromium. Prints how many seconds a visitor waits. FOLDER is made anew but for its
environment, and lies where that user may go.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from motion_widgets.core.messages import say
from tests.browser._lab import find_browser
from tests.every_python import ROOT, interpreter
from tests.loopback import free_port

BASE, TOKEN = "/user/somebody-motion-abc/", "rehearsal"
NOBODY = 65534
LIMIT = 180_000
"""ms after which something is taken for broken."""
_SHOWN = "[...document.querySelectorAll('SELECTOR video')].filter(one => one.checkVisibility())"
_PLAYS = f"""() => {{ const all = {_SHOWN.replace("SELECTOR", ".mw-wall")};
    return all.length >= 4 && all.every(one => one.readyState >= 2 && one.currentTime > 0); }}"""
_RESULT = f"""() => {{ const all = {_SHOWN.replace("SELECTOR", ".mw-stage")};
    return all.length >= 1 && all.every(one => one.readyState >= 2 && one.videoWidth > 0); }}"""


def environment(folder: Path) -> Path:
    """Return the Python of the environment that Binder would make; the interpreter is copied beside it."""
    version = (ROOT / "binder/runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    inside = folder / "env" / "bin" / "python"
    if not inside.exists():
        found = interpreter(version)
        if found is None:
            raise SystemExit(f"No Python {version} was found.")
        home = Path(
            subprocess.run(
                [found, "-c", "import sys; print(sys.base_prefix)"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
        )
        # Root's own installations are closed to others; those of the system are open.
        python = found if home == Path("/usr") else folder / "python" / "bin" / f"python{version}"
        if python != found:
            shutil.copytree(home, folder / "python", symlinks=True)
        subprocess.run([python, "-m", "venv", folder / "env"], check=True)
    pins = ROOT / "binder/requirements.txt"
    subprocess.run([inside, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", pins], check=True)
    return inside


def copy_tree(target: Path) -> None:
    """Copy what git has."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def own(*folders: Path) -> list[str]:
    """Hand folders over to the user without rights; return what runs a command as that user."""
    if os.geteuid() != 0:
        return []
    for folder in folders:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"The server ended with {server.returncode}.")


def page_to_wall(page: Page, address: str) -> float:
    """Open the page of Voilà; return s until the wall plays."""
    began = time.perf_counter()
    page.goto(address, timeout=LIMIT)
    page.wait_for_function(_PLAYS, timeout=LIMIT)
    return time.perf_counter() - began


def click_to_result(page: Page) -> float:
    """Ask for a result of one's own of the samples; return s from the click until it is there to play."""
    page.get_by_role("tab", name=say("tab_create")).click()
    for medium in ("Character", "Motion"):
        page.get_by_role("group", name=medium).get_by_role("button", name="sample").click()
    page.get_by_label("Prompt, optional").fill("a visitor's own")  # else it would be a cell of the example
    button = page.get_by_role("button", name="Generate · free")
    page.get_by_text("0.0571").first.wait_for(timeout=LIMIT)  # both are measured: the price is exact
    began = time.perf_counter()
    button.click()
    billed = re.compile(r"std · as in the picture · \$[0-9.]+ billed")
    shown = page.locator(".mw-stage").filter(has_text=billed)
    shown.get_by_role("link", name="Download mp4").wait_for(timeout=LIMIT)
    page.wait_for_function(_RESULT, timeout=LIMIT)
    return time.perf_counter() - began


def visit(base: str) -> None:
    """Open both links as a visitor does, and print what it takes."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        voila = f"{base}voila/render/notebooks/shared/studio.ipynb?token={TOKEN}"
        page = browser.new_context().new_page()
        print(f"Voilà page -> playing wall, cold: {page_to_wall(page, voila):.1f} s (wanted: 10)", flush=True)
        page = browser.new_context().new_page()
        print(f"Voilà page -> playing wall, warm: {page_to_wall(page, voila):.1f} s (wanted: 5)", flush=True)
        print(f"click -> own result: {click_to_result(page):.1f} s (wanted: 20)", flush=True)
        page = browser.new_context().new_page()
        began = time.perf_counter()
        page.goto(f"{base}lab/tree/notebooks/studio.ipynb?token={TOKEN}", timeout=LIMIT)
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=LIMIT)
        print(f"JupyterLab -> notebook: {time.perf_counter() - began:.1f} s", flush=True)
        browser.close()


def rehearse(folder: Path) -> None:
    """Do all of it."""
    for name in ("repo", "home"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    inside = environment(folder)
    repo, home = folder / "repo", folder / "home"
    copy_tree(repo)
    user = own(repo, home, folder / "env")
    environ = {
        "LD_LIBRARY_PATH": str(folder / "python" / "lib"),  # a copied interpreter looks where it came from
        "HOME": str(home), "PATH": f"{inside.parent}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }  # fmt: skip
    began = time.perf_counter()
    subprocess.run([*user, "bash", "binder/postBuild"], cwd=repo, env=environ, check=True)
    print(f"postBuild: {time.perf_counter() - began:.1f} s", flush=True)
    port = free_port()
    command = [
        *user, "bash", "binder/start", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}",
    ]  # fmt: skip
    base = f"http://127.0.0.1:{port}{BASE}"
    log = (folder / "server.log").open("wb")
    with log, subprocess.Popen(
        command, cwd=repo, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    ) as server:  # fmt: skip
        try:
            wait_for(f"{base}api", server)
            visit(base)
        finally:
            os.killpg(server.pid, signal.SIGTERM)


if __name__ == "__main__":
    rehearse(Path(sys.argv[1]).absolute())
