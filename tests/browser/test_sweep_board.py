"""The live board and the log's table in a real browser: thousands of cells, a hundred thousand rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser._lab import Lab, Voila, axe, narrow, shot, wide
from tests.browser.test_studio import TOO_WIDE

if TYPE_CHECKING:
    from pathlib import Path

LONG = 60_000
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> $x$"
# A log filled directly, with no endpoint: `rows` jobs in all states, as a long sweep leaves them.
FILL = """import random, time
import motion_widgets as mw
from sqlalchemy import insert
from motion_widgets.log.schema import jobs, ratings
ws = mw.Workspace({folder!r}, endpoint='sandbox')
chance = random.Random(7)
states = ['collected'] * 7 + ['failed', 'rejected', 'expired']
now = int(time.time() * 1e6)
def row(n):
    state = chance.choice(states)
    cost = chance.choice([340_000, 550_000, 890_000]) if state == 'collected' else None
    began = now - ({rows} - n) * 60_000_000
    return dict(
        id=f'job-{{n:016d}}', seq=n + 1, state=state, endpoint='sandbox', account='sandbox', sandbox=True,
        model='kling-v2-6-motion-control', character_orientation=chance.choice(['image', 'video']),
        mode=chance.choice(['std', 'pro']), prompt=f'Waves at the camera, take {{n % 977}}',
        keep_original_sound='yes', key=f'k{{n}}', repeat=1, attempt=1, image_name='hero.png',
        clip_name=f'dance-{{n % 12}}.mp4', clip_length=6.0, estimate_low=340_000, estimate_high=550_000,
        cost=cost, reserved=0, created=began, submitted=began,
        completed=began + chance.randint(60, 400) * 10**6,
        error_message='content policy' if state == 'failed' else None, idempotency_key=f'i{{n}}',
    )
with ws.log_store.database.write() as c:
    for start in range(0, {rows}, 5000):
        c.execute(insert(jobs), [row(n) for n in range(start, min(start + 5000, {rows}))])
"""
MATRIX = """from ipywidgets import VBox
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
import io, time
from PIL import Image
def picture(name):
    n, out = int(name[4:]), io.BytesIO()
    Image.new('RGB', (90, 104), (60 + n % 120, 90, 140 - n % 90)).save(out, 'JPEG')
    return out.getvalue()
kinds = ['collected', 'collected', 'running', 'planned', 'failed', 'unknown', 'collected']
def square(n):
    state, end = kinds[n % len(kinds)], time.time()
    low, high = (end + 60 + n % 50, end + 100 + n % 50) if state == 'running' else (None, None)
    note = {hostile!r} if state == 'failed' else ''
    return MatrixCell(state, '$0.34', n % 100 if state == 'running' else None, low, high, note,
                  f'job-{{n}}' if state == 'collected' else '')
opened = []
m = CellMatrix(picture=picture, on_open=opened.append)
rows = [f'dance-{{n}}.mp4' for n in range({rows})]
m.show(rows, ['std · image', 'std · video', 'pro · image', 'pro · video'],
       [square(n) for n in range({rows} * 4)], 'video ↓  mode · orientation →')
from motion_widgets.widgets.base import Panel
panel = Panel(mw.Workspace({folder!r}, endpoint='sandbox'), watch=False)
panel.fill(m)
panel"""


def grid(page: Page) -> Locator:
    return page.locator(".mw-matrix")


def test_lab_two_thousand_cells_are_drawn_where_they_are_in_sight_and_reached_by_keyboard(
    page: Page, lab: Lab
) -> None:
    source = MATRIX.format(rows=500, hostile=HOSTILE, folder="workspace")
    lab.open(page, lab.write_notebook("matrix/board", ["import motion_widgets as mw", source]))
    lab.run_all(page)
    cells = grid(page).get_by_role("gridcell")
    expect(cells.first).to_be_visible()
    assert cells.count() < 80, "of 2,000"
    expect(grid(page).get_by_role("grid")).to_have_attribute("aria-rowcount", "501")
    expect(grid(page).locator("img:visible").first).to_be_visible()
    shot(page, "board-matrix-light", ".motion-widgets")
    axe(page, ".motion-widgets")

    # One tab stop; arrows, pages, ends.
    assert grid(page).locator('[role="gridcell"][tabindex="0"]').count() == 1
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    detail = grid(page).locator(".mw-matrix-detail")
    expect(detail).to_contain_text("dance-1.mp4 · std · video")
    page.keyboard.press("Control+End")
    expect(detail).to_contain_text("dance-499.mp4 · pro · video")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("aria-colindex", "5")
    expect(focused).to_be_in_viewport()
    assert cells.count() < 80
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    expect(detail).to_contain_text(re.compile(r"dance-49\d.mp4 · std · image"))
    page.keyboard.press("Control+Home")
    expect(detail).to_contain_text("dance-0.mp4 · std · image")
    page.keyboard.press("Enter")
    lab.execute(
        page, "import time\nend = time.time() + 20\nwhile not opened and time.time() < end: time.sleep(.05)"
    )
    lab.execute(page, "assert opened == ['job-0'], opened")

    # A change arrives; the focus stays where it is; what a server said is text.
    lab.execute(page, "m.change({0: MatrixCell('running', '$0.34', 42), 1: square(4)})")
    expect(cells.first).to_contain_text("running, 42 %")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(detail).to_contain_text("<img src=x onerror=")
    assert page.title() != "owned"
    lab.execute(page, "m.finished = 'The run has ended'")
    page.wait_for_function("() => document.title.startsWith('✔ The run has ended')")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => !document.title.startsWith('✔')")

    lab.theme(page, "JupyterLab Dark")
    # The theme lays the page out anew, and the matrix is drawn again for the width that it has then.
    expect(grid(page).get_by_role("columnheader")).to_have_count(5)
    expect(grid(page).get_by_role("rowheader").nth(5)).to_be_visible()
    shot(page, "board-matrix-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "board-matrix-420", ".motion-widgets")
    axe(page, ".motion-widgets")


@pytest.fixture
def table(page: Page, lab: Lab) -> Locator:
    """The table over 100,000 rows."""
    cells = [
        FILL.format(folder="workspace", rows=100_000),
        "loaded = []\nmw.LogTable(ws, on_load=loaded.append)",
    ]
    lab.open(page, lab.write_notebook("hundred/log", cells))
    lab.run_all(page)
    root = page.locator(".motion-widgets").first
    expect(root.get_by_text("1–25 of 100,000")).to_be_visible(timeout=LONG)
    return root


def test_lab_a_hundred_thousand_rows_page_sort_filter_and_take_marks(  # noqa: PLR0915 - one story
    page: Page, lab: Lab, table: Locator
) -> None:
    lines = table.locator(".mw-log tbody tr")
    expect(lines).to_have_count(25)
    shot(page, "log-table-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    table.get_by_role("button", name="Older").click()
    expect(table.get_by_text("26–50 of 100,000")).to_be_visible()

    # Sorting, by keyboard.
    billed = table.get_by_role("columnheader", name="Billed")
    billed.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(billed).to_have_attribute("aria-sort", "descending")
    expect(table.get_by_text("1–25 of 100,000")).to_be_visible()
    expect(lines.first.locator(".mw-number").nth(1)).to_have_text("$0.89, outside the estimate")
    page.keyboard.press("Enter")
    expect(billed).to_have_attribute("aria-sort", "ascending")
    expect(lines.first.locator(".mw-number").nth(1)).to_have_text("$0.34")

    # Search and filter.
    table.get_by_label("Search the log").fill("take 976")
    expect(table.get_by_text(re.compile(r"1–25 of 102"))).to_be_visible()
    table.get_by_text("Filters", exact=True).click()
    table.get_by_label("State").select_option(label="failed")
    expect(table.get_by_text("Filters (1)")).to_be_visible()
    expect(lines.first).to_contain_text("failed")
    shot(page, "log-filters-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    table.get_by_role("button", name="Clear filters").click()
    expect(table.get_by_text("1–25 of 100,000")).to_be_visible()
    table.get_by_text("Filters", exact=True).click()

    # Stars, a note and a tag in place, with the keyboard.
    lines.first.get_by_label(re.compile("^Stars of")).select_option("4")
    edit = lines.first.get_by_role("button", name=re.compile("^Note and tags"))
    edit.focus()
    page.keyboard.press("Enter")
    expect(table.locator(".mw-grid-whole").first).to_have_text(
        re.compile(r"^prompt: Waves at the camera, take \d+$")
    )
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Tab")
    page.keyboard.type("keeper, dance")
    page.keyboard.press("Enter")
    expect(edit).to_be_focused()
    expect(lines.first.locator(".mw-grid-note")).to_have_text(HOSTILE)
    expect(lines.first.locator(".mw-grid-tag")).to_have_text(["dance", "keeper"])
    assert page.title() != "owned"
    lab.execute(page, "assert list(ws.log_store.annotations.of().values())[0].stars == 4")

    # Choose, load, delete, undo.
    first = lines.nth(0).get_by_role("checkbox")
    first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(table.get_by_text("2 selected")).to_be_visible()
    shot(page, "log-chosen-light", ".motion-widgets")
    table.get_by_role("button", name="Delete").click()
    expect(table.get_by_text("1–25 of 99,998")).to_be_visible()
    table.get_by_role("button", name="Undo").click()
    expect(table.get_by_text("1–25 of 100,000")).to_be_visible()
    first.check()
    table.get_by_role("button", name="Load into the form").click()
    expect(table.get_by_text("is in the form.")).to_be_visible()
    lab.execute(page, "assert loaded[0].prompt.startswith('Waves'), loaded")

    lab.theme(page, "JupyterLab Dark")
    shot(page, "log-chosen-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "log-chosen-420", ".motion-widgets")
    assert page.evaluate(TOO_WIDE) == []
    axe(page, ".motion-widgets")
    wide(page)


def test_voila_a_sweep_runs_to_its_end_on_the_board(page: Page, voila: Voila, site: Path) -> None:
    source = """import motion_widgets as mw
ws = mw.Workspace('workspace', endpoint='sandbox', speed=200)
s = ws.samples()
req = mw.MotionRequest(model='kling-v2-6-motion-control', image_url=s.image, video_url=s.clip_6s)
mw.SweepBoard(ws, request=req)"""
    voila.open(page, voila.write_notebook("board/run", [source]), theme="dark")
    root = page.locator(".motion-widgets").first
    expect(root.get_by_role("gridcell")).to_have_count(4)
    root.get_by_role("button", name=re.compile("^Run 4 cells in the SANDBOX")).click()
    expect(root.get_by_text("4 of 4 cells collected.")).to_be_visible(timeout=LONG)
    expect(root.get_by_text("The run has ended: 4 of 4 collected, 0 failed.")).to_be_attached()
    expect(root.locator(".mw-matrix img:visible")).to_have_count(4, timeout=LONG)
    shot(page, "board-voila-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
