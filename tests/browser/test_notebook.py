"""The Studio and the rating view in Notebook 7, which the Lab's own server serves beside Lab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser._lab import allow, guard_of
from tests.browser.test_rating_view import RUN, TELLING, VIEW
from tests.browser.test_studio import LONG, STUDIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.browser._lab import Lab

ASK = "study.ask('mode', 'pro', 'std', planned=8)\n"
SAMPLE = "[data-view=sample] video"
OWN = "TypeError: Cannot read properties of undefined (reading 'schema')"
"""What Notebook 7.6 raises while it loads, in its own shortcuts, with or without a widget."""

CONNECTED = """() => {
    const session = window.jupyterapp?.shell.currentWidget?.context?.sessionContext;
    const kernel = session?.isReady && session.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
"""Notebook's own mark says idle before it has a kernel, and it begins with one that it ends at once."""


@pytest.fixture
def server(_lab_server: Lab) -> Iterator[Lab]:
    """The Lab's server without its page: Notebook is a page of its own."""
    yield _lab_server
    _lab_server.close_kernels()


def test_a_pair_is_rated_by_key_and_the_studios_sample_plays(page: Page, server: Lab) -> None:
    page.emulate_media(reduced_motion="no-preference")  # else the sample waits for a click
    allow(page, server.url)
    cells = [STUDIO.format(folder="empty"), RUN.replace("['waves', 'bows']", "['waves']"), ASK + VIEW]
    book = server.write_notebook("notebook/seven", cells)
    page.goto(f"{server.url}/notebooks/{server.address(book)}")
    page.wait_for_function(CONNECTED)
    run = page.get_by_role("button", name=re.compile("^Run this cell and advance"))
    run.click()
    sample = page.locator(SAMPLE)
    expect(sample).to_have_attribute("data-source", "files", timeout=LONG)
    sample.scroll_into_view_if_needed()
    page.wait_for_function(f"() => document.querySelector('{SAMPLE}').currentTime > 0.1")

    run.click()
    expect(page.get_by_text("[2]:")).to_be_visible(timeout=LONG)
    run.click()
    pair = page.get_by_test_id("pair")
    expect(page.get_by_text("Practice: two sample clips")).to_be_visible(timeout=LONG)
    expect(pair).to_have_attribute("data-state", "playing")
    pair.focus()
    page.keyboard.press("3")
    expect(page.get_by_text("Practice: two sample clips")).to_be_hidden()
    expect(pair).to_have_attribute("data-state", "playing")
    clips = page.locator(".mw-pair-clip video")
    expect(clips).to_have_count(2)
    for clip in clips.all():
        expect(clip).to_have_attribute("data-source", "files")
    assert page.evaluate(TELLING) == []
    expect(page.get_by_role("button", name="Both bad")).to_be_enabled()
    page.keyboard.press("1")
    expect(page.get_by_text(re.compile("^1 stored"))).to_be_visible()
    guard_of(page).errors[:] = [one for one in guard_of(page).errors if one != OWN]
