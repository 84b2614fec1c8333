"""The harness itself: it must notice what it is there to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser._lab import axe, guard_of, narrow

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser._lab import Lab, Voila


def test_lab_runs_this_interpreter_and_switches_themes(page: Page, lab: Lab) -> None:
    book = lab.write_notebook("harness", ["import sys; print(sys.executable)"])
    lab.open(page, book)
    lab.run_all(page)
    import sys

    page.locator(".jp-OutputArea-output", has_text=sys.executable).wait_for()
    lab.theme(page, "JupyterLab Dark")
    assert page.evaluate("() => document.body.dataset.jpThemeLight") == "false"


def test_a_cell_that_raises_fails_the_run(page: Page, lab: Lab) -> None:
    book = lab.write_notebook("raises", ["raise ValueError('the reason')"])
    lab.open(page, book)
    with pytest.raises(AssertionError, match="ValueError: the reason"):
        lab.run_all(page)
    lab.run_all(page, errors=True)


def test_voila_renders_in_both_themes(page: Page, voila: Voila) -> None:
    book = voila.write_notebook("harness-voila", ["print('hello from voila')"])
    voila.open(page, book, theme="dark")
    page.get_by_text("hello from voila").wait_for()
    narrow(page)
    assert page.evaluate("() => innerWidth") == 420


def test_page_errors_and_outside_requests_are_noticed(page: Page) -> None:
    page.set_content("<p>a page</p>")
    with page.expect_event("pageerror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('boom'); }); }")
    page.evaluate("() => fetch('https://example.invalid/x').catch(() => 0)")
    page.evaluate("() => fetch('http://127.0.0.1:9/y').catch(() => 0)")
    guard = guard_of(page)
    assert guard.errors == ["Error: boom"]
    assert guard.outside() == ["http://127.0.0.1:9/y", "https://example.invalid/x"]
    guard.errors.clear()
    guard.asked.clear()


def test_axe_finds_a_control_without_a_name(page: Page) -> None:
    page.set_content("<main lang='en'><div id='w'><input></div></main>")
    with pytest.raises(AssertionError, match="critical: label"):
        axe(page, "#w")
