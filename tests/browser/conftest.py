"""Fixtures of the browser tests: a real Lab, a real Voilà, a real Chromium, nothing from outside.

Their scope is this folder, not the session: Playwright's sync API keeps an asyncio loop running in
the main thread, in which `asyncio.run` of a later unit test would fail.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser import _lab
from tests.browser._kernels import kernels
from tests.browser._lab import (
    CHROMIUM_FLAGS,
    SCREENSHOTS,
    WAIT_MS,
    WIDE,
    Lab,
    Voila,
    find_browser,
    guarding,
    wide,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

_CALL_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, so that ``-m "not browser"`` leaves all of it out."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a picture of the page of a test that failed, before its fixtures end."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[_CALL_FAILED] = True
        page: Page | None = getattr(item, "funcargs", {}).get("page")
        if page is not None and not page.is_closed():
            page.screenshot(path=SCREENSHOTS / "failed" / f"{item.name.replace('/', '_')}.png")
    return report


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)  # its own 5 s are short on two busy cores
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of the system's Chromium; without one, CI fails and a developer's run skips."""
    path = find_browser()
    if path is None:
        sentence = (
            f"No Chromium found (looked for {', '.join(_lab.BROWSERS)}); install Debian's package chromium."
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A Chromium for people who share nothing: each gets a context of its own."""
    launched = playwright.chromium.launch(
        executable_path=chromium, headless=True, args=CHROMIUM_FLAGS, timeout=3 * WAIT_MS
    )
    yield launched
    launched.close()


@pytest.fixture(scope="package")
def profile(
    playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A profile that all pages share, so that Lab's scripts come compiled from its cache: half the work."""
    context = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"), executable_path=chromium, headless=True, args=CHROMIUM_FLAGS,
        viewport=WIDE, service_workers="block", reduced_motion="reduce", timeout=3 * WAIT_MS,
    )  # fmt: skip
    yield context
    context.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Lab and Voilà serve; tests write notebooks and clips into it."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="package")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """The command that starts a kernel for Lab and Voilà, at once."""
    with kernels(tmp_path_factory.mktemp("kernels")) as command:
        yield tuple(command)


@pytest.fixture(scope="package")
def _lab_server(
    site: Path, kernel: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    server = Lab(site=site, home=tmp_path_factory.mktemp("lab-home"), kernel=kernel)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab(_lab_server: Lab, page: Page) -> Iterator[Lab]:
    """A running JupyterLab; what a test opened and the kernels that it started end with it."""
    yield _lab_server
    _lab_server.leave(page)
    _lab_server.close_kernels()


@pytest.fixture(scope="package")
def voila(site: Path, kernel: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voila]:
    """A running Voilà over the same folder."""
    server = Voila(site=site, home=tmp_path_factory.mktemp("voila-home"), kernel=kernel)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def write_notebook(site: Path) -> Callable[[str, list[str]], Path]:
    """``write_notebook(name, cells) -> path``, for either server."""
    return Lab(site=site, home=site).write_notebook


@pytest.fixture(scope="package")
def _lab_page(profile: BrowserContext) -> Iterator[Page]:
    """The page that holds Lab for the tests of a worker, one after another; loading it anew costs seconds."""
    yield from _opened(profile)


@pytest.fixture(scope="package")
def _other_page(profile: BrowserContext) -> Iterator[Page]:
    """The page that the tests of a worker use for all but Lab."""
    yield from _opened(profile)


def _opened(profile: BrowserContext) -> Iterator[Page]:
    opened = profile.new_page()
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, 1280 x 900, with no notebook open; page errors and requests to outside fail its test."""
    in_lab = "lab" in request.fixturenames
    page: Page = request.getfixturevalue("_lab_page" if in_lab else "_other_page")
    page.bring_to_front()
    page.emulate_media(reduced_motion="reduce")  # a test that looks at motion says so itself
    with guarding(page) as guard:
        yield page
        if not in_lab or request.node.stash.get(_CALL_FAILED, False):
            page.goto("about:blank")
    wide(page)
    complaints = guard.complaints()
    if complaints:
        pytest.fail(complaints, pytrace=False)
