"""The Studio's frame in Lab: tabs by keyboard, a focus that is never lost, and what a restart brings back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.browser._lab import Lab, axe, narrow, shot, wide
from tests.browser.test_studio import STUDIO, studio

if TYPE_CHECKING:
    from playwright.sync_api import Locator

SHAKE = """
import ipywidgets as w
from motion_widgets.widgets import controls as ui
one, two, three = (ui.button(studio.edge, name, lambda: None) for name in ("one", "two", "three"))
other = ui.button(studio.edge, "other", lambda: None)
box = ui.flow(one, two, three)
studio.table.children = (*studio.table.children, other, box)
from motion_widgets.widgets.focus import Focus
others = [Focus() for _ in range(6)]
"""


def assert_open(root: Locator, chosen: str) -> None:
    """The chosen tab is the only one that Tab reaches, and its panel the only one on show."""
    tabs = root.get_by_role("tablist", name="Motion studio")
    expect(tabs.locator('[tabindex="0"]')).to_have_text([chosen])
    expect(root.get_by_role("tabpanel")).to_have_count(1)
    expect(root.get_by_role("tabpanel", name=chosen, exact=True)).to_be_visible()


def assert_menu_keeps_arrows(menu: Locator) -> None:
    """Lab moves between cells by the arrow keys, but not while a menu of the form has the focus."""
    menu.focus()
    before = menu.input_value()
    menu.page.keyboard.press("ArrowDown")
    expect(menu).not_to_have_value(before)
    expect(menu).to_be_focused()


def test_lab_tabs_focus_and_what_a_restart_brings_back(page: Page, lab: Lab) -> None:
    lab.open(page, lab.write_notebook("frame/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    tabs = root.get_by_role("tablist", name="Motion studio")
    expect(root.get_by_role("heading", name="Motion studio", level=2)).to_be_visible()

    # Tabs: one tab stop, arrows go round, the panel is named by its tab.
    tabs.get_by_role("tab", name="Create").focus()
    assert_open(root, "Create")
    for key, name in (
        ("ArrowRight", "Sweep"),
        ("End", "Log"),
        ("ArrowRight", "Create"),
        ("ArrowLeft", "Log"),
    ):
        page.keyboard.press(key)
        expect(tabs.get_by_role("tab", name=name)).to_be_focused()
        assert_open(root, name)

    # A control that goes gives its focus to the next one; the kernel may name another place, though the page
    # has the scripts of other notebooks' kernels as well.
    lab.execute(page, SHAKE)
    root.get_by_role("button", name="two", exact=True).focus()
    lab.execute(page, "ui.show(two, visible=False)")
    expect(root.get_by_role("button", name="three", exact=True)).to_be_focused()
    lab.execute(page, "box.children = (one, two)")
    expect(root.get_by_role("button", name="one", exact=True)).to_be_focused()
    lab.execute(page, "studio.focus(two); ui.show(two, visible=True)")
    expect(root.get_by_role("button", name="two", exact=True)).to_be_focused()
    # Where Lab puts it by itself, nobody went.
    page.keyboard.press("Enter")
    page.locator(".jp-Cell").first.evaluate("cell => { cell.tabIndex = -1; cell.focus(); }")
    lab.execute(page, "studio.focus(two)")
    expect(root.get_by_role("button", name="two", exact=True)).to_be_focused()
    # Somebody who went on to another control stays there.
    root.get_by_role("button", name="other", exact=True).focus()
    lab.execute(page, "studio.focus(two)")
    page.keyboard.press("Tab")
    expect(root.get_by_role("button", name="one", exact=True)).to_be_focused()

    # What a restart brings back.
    page.keyboard.press("Shift+Tab")
    tabs.get_by_role("tab", name="Create").click()
    assert_menu_keeps_arrows(root.get_by_label("Model", exact=True))
    root.get_by_placeholder("Motion, camera, style").fill("turns around once")
    tabs.get_by_role("tab", name="Sweep").click()
    kept = "studio._memory._kept"
    lab.until(page, f"({kept}['tab'], {kept}['request']['prompt']) == ('sweep', 'turns around once')")
    page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()")
    lab.idle(page)
    lab.run_all(page)
    root = studio(page)
    expect(root.get_by_role("tab", name="Sweep")).to_have_attribute("aria-selected", "true")
    expect(root.get_by_role("tabpanel", name="Sweep")).to_be_visible()

    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(page, theme)
        for name in ("Sweep", "Compare", "Log", "Create"):
            root.get_by_role("tab", name=name).click()
            expect(root.get_by_role("tabpanel", name=name)).to_be_visible()
            shot(page, f"frame-{name.lower()}-{theme[11:].lower()}", ".motion-widgets")
            axe(page, ".motion-widgets")
    narrow(page)
    for name in ("Sweep", "Compare", "Log", "Create"):
        root.get_by_role("tab", name=name).click()
        shot(page, f"frame-{name.lower()}-420", ".motion-widgets")
        page.wait_for_function(  # a narrow tab does not scroll sideways
            "() => { const { scrollWidth, clientWidth } = document.querySelector('.motion-widgets');"
            " return scrollWidth - clientWidth <= 1; }"
        )
    wide(page)
    expect(root.get_by_placeholder("Motion, camera, style")).to_have_value("turns around once")
