"""A report as somebody gets it: opened from the disk, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser._lab import CHROMIUM_FLAGS, axe, shot
from tests.study.conftest import host, put  # noqa: F401 - fixtures
from tests.study.test_report import hostile  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Playwright

    from motion_widgets.study import Study


def test_a_report_is_read_from_the_disk_without_a_network(
    playwright: Playwright,
    chromium: str,
    hostile: Study,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    path = hostile.report(tmp_path / "report.html")
    asked: list[str] = []
    wrong: list[str] = []
    with playwright.chromium.launch(executable_path=chromium, headless=True, args=CHROMIUM_FLAGS) as browser:
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 420)):
            context = browser.new_context(
                offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
            )
            page = context.new_page()
            page.on("request", lambda one: asked.append(one.url))
            page.on("pageerror", lambda one: wrong.append(str(one)))
            page.on("dialog", lambda one: wrong.append(one.message))
            page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
            page.goto(path.as_uri(), wait_until="load")
            assert page.locator("h1").count() == 1
            pictures = page.locator("img, svg")
            assert pictures.count() > 0
            assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "fits"
            axe(page, "body")
            shot(page, f"report-{scheme}-{width}", "body")
            context.close()
    assert [one for one in asked if not one.startswith(("data:", path.as_uri()))] == []
    assert wrong == []
