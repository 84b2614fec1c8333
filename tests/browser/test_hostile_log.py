"""A log made to do harm, opened in a real Lab and a real Voilà: no script, no request, every tab drawn."""

from __future__ import annotations

import http.server
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests import hostile
from tests.browser._lab import shot
from tests.browser.test_studio import LONG, STUDIO, studio, tab
from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser._lab import Lab, Voila

CELLS = [
    STUDIO.replace("endpoint='sandbox'", "endpoint='sandbox', visitor=False"),
    """rows = ws.log_store.jobs.rows(newest=True)
studio.compare.show_jobs([row.id for row in rows if row.id.startswith("zz-")])""",
]
DAMAGED = "This row of the log is damaged"


@pytest.fixture
def link() -> Iterator[str]:
    """A link that bad rows name; nobody may ask for it."""
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = LoopbackServer(Listener)
    yield f"{server.url}/result.mp4"
    server.stop()
    assert asked == []


def received(server: Lab | Voila, name: str, link: str) -> Path:
    """Return a notebook over a folder that somebody sent, its log full of bad rows."""
    folder = server.site / name / "received"
    folder.mkdir(parents=True)
    hostile.fill(folder / "log.sqlite", link=link)
    return server.write_notebook(f"{name}/studio", [cell.format(folder="received") for cell in CELLS])


def go_through(page: Page, name: str) -> None:
    """Look at every tab of the Studio: bad rows are shown as such, and what they hold stays text."""
    root = studio(page)
    tab(root, "Log")
    search, rows = root.get_by_label("Search the log"), root.locator(".mw-log tbody tr")
    expect(rows.filter(has_text=DAMAGED).first).to_be_visible(timeout=LONG)
    search.fill("onerror")
    expect(rows.filter(has_text="<img src=x onerror=").nth(2)).to_be_visible(timeout=LONG)
    shot(page, f"hostile-log-{name}", ".motion-widgets")
    search.fill("job-good")
    expect(rows.first.get_by_text("collected")).to_be_visible(timeout=LONG)
    drawn = {
        "Create": root.get_by_test_id("history-job").first,
        "Sweep": root.locator(".mw-run"),
        "Compare": root.get_by_text(re.compile("not shown: .*file missing")),
    }
    for title, part in drawn.items():
        tab(root, title)
        expect(part).to_be_visible(timeout=LONG)
        shot(page, f"hostile-{title.lower()}-{name}", ".motion-widgets")
    assert page.locator(".motion-widgets").locator("img[src='x'], script").count() == 0
    assert page.evaluate("() => window.ran") is None


def test_lab_draws_a_hostile_log_and_runs_none_of_it(page: Page, lab: Lab, link: str) -> None:
    lab.open(page, received(lab, "hostile-lab", link))
    lab.run_all(page)
    go_through(page, "light")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "hostile-compare-dark", ".motion-widgets")


def test_voila_draws_a_hostile_log_and_runs_none_of_it(page: Page, voila: Voila, link: str) -> None:
    voila.open(page, received(voila, "hostile-voila", link), theme="dark")
    go_through(page, "voila-dark")
