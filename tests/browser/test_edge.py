"""What fails in a widget's script is said in the widget, and the widget works on. In a real page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

import motion_widgets.widgets
from motion_widgets.widgets.page_widget import _STATIC, PageWidget
from tests.browser._lab import WAIT_MS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser._lab import Voila

CELL = """
import ipywidgets as w
from IPython.display import display
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
from motion_widgets.widgets.row_grid import RowGrid

matrix = CellMatrix()
matrix.table = {**matrix.table, "rows": None}

def mend(_):
    matrix.table = {**matrix.table, "rows": []}
    matrix.show(["one"], ["two"], [MatrixCell("collected", note="drawn")])

def spoil(_):
    matrix.table = {**matrix.table, "columns": None, "serial": 99}

def heard(content):
    if content.get("what") == "load":
        raise OSError(28, "No space left on device")

row = {"id": "job-1", "group": "", "state": "failed", "past": False, "why": "", "pictures": []}
row |= {"cells": {}, "titles": {}, "whole": [], "stars": 0, "mean": "", "usable": None}
row |= {"note": "", "tags": []}
grid = RowGrid(on_message=heard)
grid.actions = {"board": False, "load": True, "rerun": None, "again": None}
view = {"columns": [], "offered": [], "rows": [row], "groups": {}, "filters": [], "views": []}
view |= {"exports": True, "deleted": False, "said": "", "same": ""}
grid.view = {**view, "first": 0, "total": 1, "size": 25}
buttons = [w.Button(description="mend"), w.Button(description="spoil")]
buttons[0].on_click(mend)
buttons[1].on_click(spoil)
display(*buttons, matrix, grid)
"""


def test_every_script_draws_through_the_edge() -> None:
    assert motion_widgets.widgets  # so that all subclasses are known
    for cls in PageWidget.__subclasses__():
        assert "export default page({" in cls.script, cls
    for script in _STATIC.glob("*.js"):
        text = script.read_text("utf-8")
        taken_back = re.findall(r"removeEventListener\([^,]+, (\w+)[,)]", text)
        guarded = re.findall(r"const (\w+) = guard\(", text)
        for handler in re.findall(r"addEventListener\([^,]+, ([^,)]+)", text):
            assert handler in (*taken_back, *guarded, "guard(event"), f"{script.name}: listen with `on`"


def test_a_script_that_fails_says_so_and_draws_again(page: Page, voila: Voila) -> None:
    with page.expect_console_message(
        lambda one: one.type == "error" and "motion_widgets: render" in one.text, timeout=3 * WAIT_MS
    ):
        voila.open(page, voila.write_notebook("edge", [CELL]))
    line = page.locator(".mw-note.mw-error", has_text="Something went wrong here in the page")
    expect(line).to_be_visible()
    expect(line).to_contain_text("browser's console")
    page.get_by_role("button", name="mend").click()
    expect(page.locator(".mw-matrix-cell")).to_be_visible()
    expect(line).to_be_hidden()
    page.get_by_role("button", name="spoil").click()
    expect(line).to_be_visible()
    page.get_by_role("button", name="mend").click()
    expect(line).to_be_hidden()
    expect(page.locator(".mw-matrix-cell")).to_have_count(1)


def test_what_fails_in_the_kernel_is_said_in_the_widget(page: Page, voila: Voila) -> None:
    voila.open(page, voila.write_notebook("edge-kernel", [CELL]))
    page.locator(".mw-grid input[data-control=choose]").check()
    grid = page.locator(".mw-grid")
    grid.get_by_role("button", name="Edit and repeat…").click()
    line = page.locator(".mw-note.mw-error", has_text="No space left on device")
    expect(line).to_be_visible()
    grid.get_by_role("button", name="Compare").click()
    expect(line).to_be_hidden()
