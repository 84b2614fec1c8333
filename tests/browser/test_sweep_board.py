"""The live board and the log's table in a real browser: thousands of cells, a hundred thousand rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser._lab import Lab, Voila, axe, narrow, shot, wide
from tests.browser.test_studio import assert_fits

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
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell, Sums
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
    failed = state == 'failed'
    return MatrixCell(state, '$0.34', n % 100 if state == 'running' else None, low, high,
                      {hostile!r} if failed else '', f'job-{{n}}' if state == 'collected' else '',
                      'refused' if failed else '', 'content policy, refunded' if failed else '',
                      n % 5 + 1 if state == 'collected' else None, f'job-{{n}}' if failed else '')
opened, edited = [], []
m = CellMatrix(picture=picture, on_open=opened.append, on_change=edited.append)
rows = [f'dance-{{n}}.mp4' for n in range({rows})]
faces = ['faces as in the picture', 'faces as in the clip']
columns = [[one, two] for one in faces for two in ('std', 'pro')]
m.show(rows, columns, [square(n) for n in range({rows} * 4)], 'Clip',
       Sums(['2 ✓ 1 ✕\\n$0.34, mean of 2\\n★ 3.0, of 2'] * {rows}, ['9 ✓\\n$0.34, mean of 9'] * 4))
from motion_widgets.widgets.base import Panel
panel = Panel(mw.Workspace({folder!r}, endpoint='sandbox'), watch=False)
panel.fill(m)
panel"""


def grid(page: Page) -> Locator:
    return page.locator(".mw-matrix")


def test_lab_two_thousand_cells_are_drawn_where_they_are_in_sight_and_reached_by_keyboard(  # noqa: PLR0915
    page: Page, lab: Lab
) -> None:
    source = MATRIX.format(rows=500, hostile=HOSTILE, folder="workspace")
    lab.open(page, lab.write_notebook("matrix/board", ["import motion_widgets as mw", source]))
    lab.run_all(page)
    cells = grid(page).get_by_role("gridcell")
    expect(cells.first).to_be_visible()
    assert cells.count() < 80, "of 2,000"
    table = grid(page).get_by_role("grid")
    expect(table).to_have_attribute("aria-rowcount", "502")
    # A real table, whose heads say what they stand over.
    outer = table.locator("th[scope=colgroup]")
    assert outer.evaluate_all("all => all.map(one => [one.textContent, one.colSpan])") == [
        ["faces as in the picture", 2],
        ["faces as in the clip", 2],
    ]
    expect(table.locator("th[scope=col]")).to_have_count(4)
    expect(table.locator("th[scope=row]").nth(1)).to_contain_text("$0.34, mean of 2")
    expect(grid(page).locator("img:visible").first).to_be_visible()
    shot(page, "board-matrix-light", ".motion-widgets")
    axe(page, ".motion-widgets")

    # One tab stop; arrows, pages, ends.
    expect(grid(page).locator('td[tabindex="0"]')).to_have_count(1)
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    detail = grid(page).locator(".mw-matrix-detail")
    expect(detail).to_contain_text("dance-1.mp4 · faces as in the picture · pro")
    page.keyboard.press("ArrowUp")  # Lab would go to the cell above
    expect(detail).to_contain_text("dance-0.mp4 · faces as in the picture · pro")
    page.keyboard.press("Control+End")
    expect(detail).to_contain_text("dance-499.mp4 · faces as in the clip · pro")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("aria-colindex", "5")
    expect(focused).to_be_in_viewport()
    assert cells.count() < 80
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    expect(detail).to_contain_text(re.compile(r"dance-49\d.mp4 · faces as in the picture · std"))
    page.keyboard.press("Control+Home")
    expect(detail).to_contain_text("dance-0.mp4 · faces as in the picture · std")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # a refused one goes back into the form
    lab.until(page, "(opened, edited) == (['job-0'], ['job-4']), (opened, edited)")

    # A change arrives; the focus stays where it is; what a server said is text.
    page.keyboard.press("ArrowUp")
    lab.execute(page, "m.change({0: MatrixCell('running', '$0.34', 42), 1: square(4)})")
    expect(cells.first).to_contain_text("42 %")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(detail).to_contain_text("<img src=x onerror=")
    assert page.title() != "owned"
    lab.execute(page, "m.finished = 'The run has ended'")
    page.wait_for_function("() => document.title.startsWith('✔ The run has ended')")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => !document.title.startsWith('✔')")

    lab.theme(page, "JupyterLab Dark")
    expect(cells.first).to_be_visible()
    shot(page, "board-matrix-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    # It scrolls sideways in its own box.
    assert_fits(page)
    shot(page, "board-matrix-420", ".motion-widgets")
    axe(page, ".motion-widgets")


STUDIO = """import motion_widgets as mw
ws = mw.Workspace('below/workspace', endpoint='sandbox', speed=200)
refused = dict(on='status', kind='failed', match='bad', reason='moderation', times=0)
ws.connection.sandbox.faults = dict(fault=[refused])
s = ws.samples()
media = dict(image_url=s.image, video_url=s.clip_6s)
req = mw.MotionRequest(model='kling-v2-6-motion-control', prompt='waves', **media)
studio = mw.Studio(ws, tab='sweep')
studio.form.load(req)
studio.board.load(req)
studio.board.axes.vary('prompt')
studio.board.axes.lists['prompt'].value = 'a bad idea'
studio"""


def test_lab_a_sweep_is_planned_run_in_part_and_compared_from_a_subfolder(  # noqa: PLR0915 - one story
    page: Page, lab: Lab
) -> None:
    lab.open(page, lab.write_notebook("deep/down/sweep", [STUDIO]))
    lab.run_all(page)
    root = page.locator(".motion-widgets").first
    expect(root.get_by_text("2 × 2 × 2 = 8 cells")).to_be_visible(timeout=LONG)
    # A value goes and comes back, and an axis is added, by keyboard alone.
    pro = root.get_by_role("checkbox", name="pro")
    pro.focus()
    page.keyboard.press("Space")
    expect(root.get_by_text("2 × 2 = 4 cells")).to_be_visible(timeout=LONG)
    page.keyboard.press("Space")
    expect(root.get_by_text("2 × 2 × 2 = 8 cells")).to_be_visible(timeout=LONG)
    root.get_by_label("Budget").fill("3.00")
    start = root.get_by_role("button", name=re.compile("^Run 6 of 8 cells in the SANDBOX"))
    expect(start).to_be_enabled(timeout=LONG)
    shot(page, "board-plan-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    start.click()
    compare = root.get_by_role("button", name=re.compile(r"^Compare \d results"))
    expect(compare).to_be_visible(timeout=LONG)
    expect(root.get_by_role("button", name=re.compile("^Add the other 2"))).to_be_visible(timeout=LONG)
    expect(root.get_by_text("content policy, refunded").first).to_be_visible(timeout=LONG)
    expect(root.locator(".mw-matrix img:visible").first).to_be_visible(timeout=LONG)
    expect(root.locator(".mw-sum").get_by_text(re.compile("of \\$3.00"))).to_be_visible()
    # What comes next is the last button, and in sight; the run has a name, and takes another.
    root.locator(".mw-matrix").scroll_into_view_if_needed()
    expect(compare).to_be_in_viewport()
    title = root.locator(".mw-run-title")
    expect(title).to_contain_text("quality × faces")
    title.get_by_role("button", name="Rename…").click()
    name = title.get_by_label("Name of this run")
    expect(name).to_be_focused()
    name.fill("the first eight")
    title.get_by_role("button", name="Save").click()
    expect(title.get_by_text("the first eight", exact=True)).to_be_visible(timeout=LONG)
    shot(page, "board-run-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    expect(root.locator(".mw-matrix img:visible").first).to_be_visible(timeout=LONG)
    shot(page, "board-run-dark", ".motion-widgets")
    narrow(page)
    assert_fits(page)
    expect(root.get_by_text("There are more columns beside")).to_be_visible()
    beside = root.get_by_role("region", name="Cells of the sweep")
    beside.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.mw-matrix-scroll').scrollLeft > 0")
    shot(page, "board-run-420", ".motion-widgets")
    axe(page, ".motion-widgets")
    wide(page)
    lab.theme(page, "JupyterLab Light")

    # The wall: by address although the session's path is absolute and the workspace lies below the root.
    lab.execute(page, "import os\nassert os.path.isabs(os.environ['JPY_SESSION_NAME'])")
    compare.click()
    wall = root.locator(".mw-wall[data-view=wall]")
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.mw-wall[data-view=wall] video')];"
        " return all.length > 2 && all.every(v => v.readyState >= 2 && v.dataset.source); }"
    )
    sources = wall.locator("video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert set(sources) == {"files"}
    expect(root.get_by_text(re.compile(r"not shown: \d refused"))).to_be_visible()
    # The focus went to the wall's tab, and the pictures gave way to the clips' own first frames.
    expect(page.locator("[role=tabpanel]:focus")).to_have_count(1)
    expect(wall.locator("video[poster]")).to_have_count(0)
    stars = wall.get_by_role("radiogroup").first
    stars.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    lab.until(page, "[one.stars for one in ws.log_store.annotations.of().values() if one.stars] == [3.0]")
    shot(page, "wall-run-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "wall-run-dark", ".motion-widgets")
    narrow(page)
    assert_fits(page)
    shot(page, "wall-run-420", ".motion-widgets")
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
    expect(lines.first.locator(".mw-number")).to_have_text("$0.89, outside the estimate")
    page.keyboard.press("Enter")
    expect(billed).to_have_attribute("aria-sort", "ascending")
    expect(lines.first.locator(".mw-number")).to_have_text("$0.34")

    # Search and filter.
    table.get_by_label("Search the log").fill("take 976")
    expect(table.get_by_text(re.compile(r"1–25 of 102"))).to_be_visible()
    table.get_by_text("+ Filter").click()
    table.get_by_label("Filter by").select_option(label="State")
    table.get_by_label("Value", exact=True).select_option(label="failed")
    expect(table.locator(".mw-grid-chip")).to_contain_text("State")
    expect(lines.first).to_contain_text("failed")
    shot(page, "log-filters-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    table.get_by_role("button", name="Remove the filter State failed").click()
    table.get_by_label("Search the log").fill("")
    expect(table.get_by_text("1–25 of 100,000")).to_be_visible()

    # Stars, a note and a tag in place, with the keyboard.
    lines.first.get_by_label(re.compile("^Stars of")).select_option("4")
    edit = lines.first.get_by_role("button", name=re.compile("^More about"))
    edit.focus()
    page.keyboard.press("Enter")
    expect(table.locator(".mw-grid-whole").nth(1)).to_have_text(
        re.compile(r"^Prompt: Waves at the camera, take \d+$")
    )
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Tab")
    page.keyboard.type("keeper, dance")
    page.keyboard.press("Enter")
    expect(edit).to_be_focused()
    expect(lines.first.locator(".mw-grid-note")).to_have_text(HOSTILE)
    expect(lines.first.locator(".mw-grid-tag")).to_have_text(["dance", "keeper"])
    assert page.title() != "owned"
    lab.until(page, "list(ws.log_store.annotations.of().values())[0].stars == 4")

    # Choose, load, delete, undo.
    first = lines.nth(0).get_by_role("checkbox")
    first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(table.get_by_text("2 chosen:")).to_be_visible()
    shot(page, "log-chosen-light", ".motion-widgets")
    table.get_by_role("button", name="Hide").click()
    expect(table.get_by_text("1–25 of 99,998")).to_be_visible()
    table.get_by_role("button", name="Undo").click()
    expect(table.get_by_text("1–25 of 100,000")).to_be_visible()
    first.check()
    table.get_by_role("button", name="Edit and repeat…").click()
    expect(table.get_by_text("is in the form.")).to_be_visible()
    lab.until(page, "loaded[0].prompt.startswith('Waves'), loaded")

    lab.theme(page, "JupyterLab Dark")
    shot(page, "log-chosen-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "log-chosen-420", ".motion-widgets")
    assert_fits(page)
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
    expect(root.get_by_text("4 in this run: 4 ✓")).to_be_visible(timeout=LONG)
    expect(root.get_by_text("The run has ended: 4 of 4 collected, 0 failed.")).to_be_attached()
    expect(root.locator(".mw-matrix img:visible")).to_have_count(4, timeout=LONG)
    shot(page, "board-voila-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
