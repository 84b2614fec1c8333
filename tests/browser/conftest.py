"""Fixtures of the browser tests: a real Lab, a real Voilà, a real Chromium, nothing from outside.

Their scope is this folder, not the session: Playwright's sync API keeps an asyncio loop running in
the main thread, in which `asyncio.run` of a later unit test would fail.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser import _lab
from tests.browser._lab import (
    CHROMIUM_FLAGS,
    SCREENSHOTS,
    WAIT_MS,
    WIDE,
    Lab,
    Voila,
    find_browser,
    guard_of,
    guarded_page,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Playwright

_CALL_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, so that ``-m "not browser"`` leaves all of it out."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test itself failed, for the picture that `page` then takes."""
    report = yield
    if report.when == "call":
        item.stash[_CALL_FAILED] = report.failed
    return report


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)  # its own 5 s are short on two busy cores
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium; without one, CI fails and a developer's run skips."""
    path = find_browser()
    if path is None:
        sentence = (
            f"No Chromium found (looked for {', '.join(_lab.BROWSERS)}); install Debian's package chromium."
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    chromium = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_FLAGS)
    yield chromium
    chromium.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Lab and Voilà serve; tests write notebooks and clips into it."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="package")
def _lab_server(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    server = Lab(site=site, home=tmp_path_factory.mktemp("lab-home"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab(_lab_server: Lab) -> Iterator[Lab]:
    """A running JupyterLab; the kernels that a test started end with it."""
    yield _lab_server
    _lab_server.close_kernels()


@pytest.fixture(scope="package")
def voila(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voila]:
    """A running Voilà over the same folder."""
    server = Voila(site=site, home=tmp_path_factory.mktemp("voila-home"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def write_notebook(site: Path) -> Callable[[str, list[str]], Path]:
    """``write_notebook(name, cells) -> path``, for either server."""
    return Lab(site=site, home=site).write_notebook


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh page, 1280 x 900; page errors and requests to outside fail its test."""
    context = browser.new_context(viewport=WIDE, service_workers="block", reduced_motion="reduce")
    opened = guarded_page(context)
    guard = guard_of(opened)
    yield opened
    if request.node.stash.get(_CALL_FAILED, False):
        name = request.node.name.replace("/", "_")
        opened.screenshot(path=SCREENSHOTS / "failed" / f"{name}.png")
    context.close()
    complaints = guard.complaints()
    if complaints:
        pytest.fail(complaints, pytrace=False)
