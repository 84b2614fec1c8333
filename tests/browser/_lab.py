"""Real Jupyter servers and a real Chromium, for tests: nothing here knows a widget.

Everything waits for a condition. A server's own folders (settings, data, runtime, HOME) lie in a
temporary folder, so that a developer's Jupyter is neither read nor written.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from axe_playwright_python.sync_playwright import Axe

from motion_widgets.cli.jupyter_server import FLAGS
from tests.loopback import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import BrowserContext, Page, Request

REPO = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPO / "screenshots"
WIDE = {"width": 1280, "height": 900}
START_SECONDS = 60
WAIT_MS = 30_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # Nothing outside is reached. A route that aborts would do as well, but with one nothing is cached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# The one thing Voilà's own template loads from elsewhere: FontAwesome's two stylesheets.
FONT_AWESOME = re.compile(r"^https://[^/]+/.*font-?awesome.*\.css$")
ANSI = re.compile(r"\x1b\[[0-9;]*m")

Theme = Literal["JupyterLab Dark", "JupyterLab Light"]


def find_browser() -> str | None:
    """Return the path of the system's Chromium, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


# --- what a page asked for --------------------------------------------------------------------------


@dataclass
class Guard:
    """What went wrong on a page, and where it may ask: judged at the end of its test."""

    allowed: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> list[tuple[str, Callable[[Any], None]]]:
        """Collect the errors and the requests of a page; return what listens to it."""
        listening: list[tuple[str, Callable[[Any], None]]] = [
            ("pageerror", lambda error: self.errors.append(f"{error.name}: {error.message}")),
            ("websocket", lambda sock: self.asked.append(sock.url)),
        ]
        for event, note in listening:
            page.on(event, note)
        return listening

    def request(self, request: Request) -> None:
        """Note one request."""
        if not (FONT_AWESOME.match(request.url) and request.resource_type == "stylesheet"):
            self.asked.append(request.url)

    def outside(self) -> list[str]:
        """Return the requests that went anywhere but to the allowed origins."""
        return sorted({url for url in self.asked if not self._inside(url)})

    def _inside(self, url: str) -> bool:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in {"data", "blob", "about"}:
            return True
        return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}" in self.allowed

    def complaints(self) -> str:
        """Return what went wrong, or nothing."""
        lines = [f"page error: {error}" for error in self.errors]
        lines += [f"request to outside: {url[:300]}" for url in self.outside()]
        return "\n".join(lines)


_GUARDS: WeakKeyDictionary[Any, Guard] = WeakKeyDictionary()


def guard_of(page: Page) -> Guard:
    """Return the guard of a page, e.g. to expect a page error: ``guard_of(page).errors.clear()``."""
    return _GUARDS[page]


def allow(page: Page, origin: str) -> None:
    """List one more origin (``http://127.0.0.1:1234``) that a page may ask."""
    guard_of(page).allowed.add(origin)


@contextmanager
def guarding(page: Page) -> Iterator[Guard]:
    """Collect the errors and requests of a page and of those that it opens, which are closed at the end."""
    guard, context = Guard(), page.context
    before = set(context.pages)
    idle = before - {page}

    def note(request: Request) -> None:
        if _page_of(request) not in idle:
            guard.request(request)

    watched = (("request", note), ("page", guard.watch))
    for event, heard in watched:
        context.on(event, heard)
    noted = guard.watch(page)
    _GUARDS[page] = guard
    yield guard
    for event, heard in noted:
        page.remove_listener(event, heard)
    for event, heard in watched:
        context.remove_listener(event, heard)
    for other in set(context.pages) - before:
        other.close()


def _page_of(request: Request) -> Page | None:
    """Return the page that asked; None: it is only about to be there."""
    from playwright.sync_api import Error

    try:
        return request.frame.page
    except Error:
        return None


def guarded_page(context: BrowserContext) -> Page:
    """Open a page of its own whose errors and requests are collected until its context is closed."""
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    _GUARDS[page] = guard = Guard()
    context.on("request", guard.request)
    context.on("page", guard.watch)
    guard.watch(page)
    return page


# --- servers ----------------------------------------------------------------------------------------


@dataclass
class Server:
    """A Jupyter server as a process of its own, on a free loopback port.

    Attributes
    ----------
    site
        Its root folder: notebooks and clips that tests write are served from here.
    home
        The temporary folder with its settings, data and runtime files, and its log.
    kernel
        The command that starts a kernel.
    """

    site: Path
    home: Path
    port: int = field(default_factory=free_port)
    extra_env: Mapping[str, str] = field(default_factory=dict)
    kernel: tuple[str, ...] = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    process: subprocess.Popen[bytes] | None = None
    ready_path = "/api"

    @property
    def url(self) -> str:
        """The server's origin, with no slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the server and its kernels printed."""
        return self.home / "server.log"

    def command(self) -> list[str]:
        """Return the command line; each kind of server has its own."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return an environment in which every Jupyter folder is a temporary one."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("JUPYTER", "IPYTHON", "JPY_", "APIMART", "MOTION_WIDGETS"))
        }
        home = str(self.home)
        folders = {
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/xdg-config",
            "XDG_DATA_HOME": f"{home}/xdg-data",
            "IPYTHONDIR": f"{home}/ipython",
            "JUPYTER_CONFIG_DIR": f"{home}/config",
            "JUPYTER_DATA_DIR": f"{home}/data",
            "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
            "JUPYTERLAB_SETTINGS_DIR": f"{home}/lab/user-settings",
            "JUPYTERLAB_WORKSPACES_DIR": f"{home}/lab/workspaces",
            # Searched first: our kernelspec wins over the one that the environment brings.
            "JUPYTER_PATH": f"{home}/first",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(REPO), os.environ.get("PYTHONPATH")])),
        }
        return kept | folders | dict(self.extra_env)

    def start(self) -> None:
        """Start it and wait until it answers; a server that ends early says why."""
        self._write_settings()
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.site,
                env=self.environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        for _ in range(START_SECONDS * 5):
            if self._answers():
                return
            try:
                self.process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            break
        tail = self.log.read_text(errors="replace")[-4000:]
        self.stop()
        raise RuntimeError(f"{type(self).__name__} did not start. Its log ends:\n{tail}")

    def stop(self) -> None:
        """End it and its kernels."""
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(timeout=10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def write_notebook(self, name: str, cells: list[str]) -> Path:
        """Write a notebook of code cells into the root folder and give its path.

        Parameters
        ----------
        name
            Path below the root folder, with or without ``.ipynb``.
        cells
            Python source of each cell.
        """
        import nbformat  # takes 2 s, in every worker that collects the tests

        path = self.site / (name if name.endswith(".ipynb") else f"{name}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                },
                "language_info": {"name": "python"},
            },
        )
        nbformat.write(book, path)
        return path

    def address(self, notebook: Path | str) -> str:
        """Return a notebook's path below the root folder, quoted for an address."""
        path = Path(notebook)
        relative = path.relative_to(self.site) if path.is_absolute() else path
        return urllib.parse.quote(relative.as_posix())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self.ready_path, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _write_settings(self) -> None:
        spec = {
            "argv": list(self.kernel),
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
        }
        kernel = self.home / "first" / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True, exist_ok=True)
        kernel.write_text(json.dumps(spec))


class Lab(Server):
    """A JupyterLab server, and how a test drives it."""

    def command(self) -> list[str]:
        """Return the command line of a Lab as `motion-widgets studio` starts it, on an open port."""
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.site}",
            "--ServerApp.terminals_enabled=False",
            "--IdentityProvider.token=",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            *FLAGS,
        ]

    def open(self, page: Page, notebook: Path | str) -> None:
        """Open a notebook alone, in the light theme, and wait until its kernel is idle.

        A page with this Lab in it opens the notebook there: loading Lab anew costs seconds of two cores.
        """
        allow(page, self.url)
        if page.url.startswith(f"{self.url}/lab"):
            path = urllib.parse.unquote(self.address(notebook))
            _command(page, "docmanager:open", path=path)
        else:
            page.goto(f"{self.url}/lab/tree/{self.address(notebook)}?reset")
        # Another notebook may be open, of whose kernel the status bar still speaks.
        page.wait_for_function(
            """path => {
                const context = window.jupyterapp?.shell?.currentWidget?.context;
                return context?.isReady && context.path === path && !!context.sessionContext?.session?.kernel;
            }""",
            arg=urllib.parse.unquote(self.address(notebook)),
        )
        self.idle(page)
        page.evaluate("() => { jupyterapp.shell.collapseLeft(); jupyterapp.shell.collapseRight(); }")
        if page.evaluate("() => document.body.dataset.jpThemeName") != "JupyterLab Light":
            self.theme(page, "JupyterLab Light")

    def idle(self, page: Page) -> None:
        """Wait for the status bar to say idle; the notebook's own mark says so too early."""
        page.locator("#jp-main-statusbar").get_by_text(re.compile(r"ipykernel\) \| Idle")).wait_for(
            state="attached"
        )

    def run_all(self, page: Page, *, errors: bool = False) -> None:
        """Run all cells to the end; a cell that raised fails the test, unless `errors`."""
        _command(page, "notebook:run-all-cells")
        self.idle(page)
        raised = page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.widgets]
                .flatMap(cell => cell.model.toJSON().outputs ?? [])
                .filter(out => out.output_type === 'error')
                .map(out => [out.ename + ': ' + out.evalue, ...out.traceback].join('\\n'))"""
        )
        if raised and not errors:
            raise AssertionError(ANSI.sub("", "\n".join(raised)))

    def execute(self, page: Page, code: str) -> None:
        """Run code in the open notebook's kernel, outside its cells; an error fails the test."""
        reply = page.evaluate(
            """async code => {
                const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
                return (await kernel.requestExecute({ code, stop_on_error: false }).done).content;
            }""",
            code,
        )
        if reply["status"] != "ok":
            raise AssertionError(ANSI.sub("", "\n".join(reply.get("traceback", [str(reply)]))))

    def until(self, page: Page, condition: str) -> None:
        """Wait for a condition in the open notebook's kernel, which goes on with its work in between."""
        reply = page.evaluate(
            """async code => {
                const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
                for (let left = 600, reply; ; left -= 1) {
                    reply = (await kernel.requestExecute({ code, stop_on_error: false }).done).content;
                    if (reply.status === 'ok' || !left) return reply;
                    await new Promise(done => setTimeout(done, 50));
                }
            }""",
            f"assert {condition}",
        )
        if reply["status"] != "ok":
            raise AssertionError(ANSI.sub("", "\n".join(reply.get("traceback", [str(reply)]))))

    def theme(self, page: Page, name: Theme) -> None:
        """Switch the theme and wait until the page wears it."""
        _command(page, "apputils:change-theme", theme=name)
        page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        page.locator("#jupyterlab-splash").wait_for(state="detached")

    def leave(self, page: Page) -> None:
        """Close what is open in the page and end its kernels; Lab itself stays, for the next notebook."""
        if page.url.startswith(f"{self.url}/lab"):
            page.evaluate(
                """async () => {
                    for (const widget of [...jupyterapp.shell.widgets('main')]) {
                        await widget.context?.sessionContext?.shutdown().catch(() => {});
                        widget.dispose();
                    }
                }"""
            )

    def close_kernels(self) -> None:
        """End every kernel, so that one test's does not slow the next."""
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        opener.open(f"{self.url}/lab", timeout=START_SECONDS).close()
        xsrf = next(cookie.value or "" for cookie in jar if cookie.name == "_xsrf")
        with opener.open(f"{self.url}/api/sessions", timeout=START_SECONDS) as answer:
            sessions = json.load(answer)
        for session in sessions:
            address = f"{self.url}/api/sessions/{session['id']}"
            request = urllib.request.Request(address, method="DELETE", headers={"X-XSRFToken": xsrf})
            opener.open(request, timeout=START_SECONDS).close()


def _command(page: Page, name: str, **told: str) -> None:
    """Have Lab do something. What it returns stays there: sending a notebook's objects takes seconds."""
    page.evaluate("async ([name, told]) => { await jupyterapp.commands.execute(name, told); }", [name, told])


class Voila(Server):
    """A Voilà server over the same folder, and how a test drives it."""

    ready_path = "/voila/templates/lab/static/voila.js"

    def command(self) -> list[str]:
        """Return the command line; kernels are culled, because Voilà never ends one on its own."""
        return [
            *(sys.executable, "-m", "voila", "--no-browser"),
            f"--Voila.root_dir={self.site}",
            "--Voila.ip=127.0.0.1",
            f"--Voila.port={self.port}",
            "--Voila.port_retries=0",
            "--show_tracebacks=True",
            r"--VoilaConfiguration.file_allowlist=['.*\.(mp4|png|jpg|jpeg)']",
            "--MappingKernelManager.cull_idle_timeout=20",
            "--MappingKernelManager.cull_interval=10",
            "--MappingKernelManager.cull_connected=False",
        ]

    def open(self, page: Page, notebook: Path | str, theme: Literal["light", "dark"] = "light") -> None:
        """Open a notebook as an app and wait until its cells have run."""
        allow(page, self.url)
        # It answers only once the cells have run, which takes a busy machine its time.
        page.goto(f"{self.url}/voila/render/{self.address(notebook)}?theme={theme}", timeout=3 * WAIT_MS)
        page.locator("#loading").wait_for(state="detached")
        page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str(theme == "light").lower()
        )


# --- looking at a page ------------------------------------------------------------------------------


def narrow(page: Page, width: int = 420, height: int = 900) -> None:
    """Make the page as narrow as a phone or a side panel."""
    page.set_viewport_size({"width": width, "height": height})


def wide(page: Page) -> None:
    """Make the page as wide as at the start of a test."""
    page.set_viewport_size(WIDE)


def shot(page: Page, name: str, selector: str | None = None) -> Path:
    """Save a picture of the page, or of one whole element, as ``screenshots/NAME.png``; give its path."""
    path = SCREENSHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if selector is None:
        page.screenshot(path=path)
        return path
    target = page.locator(selector).first
    box, size = target.bounding_box(), page.viewport_size
    assert box is not None, f"{selector} is not to be seen"
    assert size is not None
    # A notebook scrolls inside the page: make the page high enough for all of it.
    page.set_viewport_size({"width": size["width"], "height": int(box["height"]) + 500})
    target.screenshot(path=path)
    page.set_viewport_size(size)
    return path


def axe(page: Page, selector: str) -> None:
    """Fail on any serious or critical WCAG A/AA violation inside `selector`, and say which."""
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"], "preload": False}
    response = Axe().run(page, context=selector, options=options).response
    found = [v for v in response["violations"] if v["impact"] in {"serious", "critical"}]
    assert not found, "\n" + "\n".join(_violation_lines(found))


def _violation_lines(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        yield f"{violation['impact']}: {violation['id']}: {violation['help']}"
        for node in violation["nodes"]:
            why = "; ".join(check["message"] for check in node["any"] + node["all"] + node["none"])
            yield f"    {' '.join(map(str, node['target']))}\n    {node['html'][:200]}\n    {why}"
