"""How soon 2,000 cells stand on the page and change there, and a page of 100,000 rows, in JupyterLab.

``python -m tests.benchmarks.bench_board`` prints the figures and asserts nothing. Every time is the page's
own, from asking the kernel (or from the key) to the frame in which it is drawn, so the kernel is in it.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser._lab import CHROMIUM_FLAGS, WIDE, Lab, find_browser, guarded_page
from tests.browser.test_sweep_board import FILL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

Figure = tuple[str, str, str, str]
CELLS, ROUNDS, ROWS = 2_000, 9, 100_000
BOARD = f"""
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
from IPython.display import display
columns = ['std · image', 'std · video', 'pro · image', 'pro · video']
rows = [f'dance-{{n}}.mp4' for n in range({CELLS} // 4)]
cells = [MatrixCell('collected', '$0.34', result=f'job-{{n}}') for n in range({CELLS})]
def board():
    m = CellMatrix(picture=lambda name: None)
    m.show(rows, columns, cells, 'video')
    return m
m = board()
m
"""
WRITTEN = f"""
import motion_widgets as mw
from motion_widgets.log.engine import now_us
from motion_widgets.sweep.plan import run_id_of
with mw.Workspace("boarded", endpoint="sandbox") as ws:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
    )
    prompts = [f"prompt {{n}}" for n in range({CELLS} // 4)]
    axes = {{"mode": ["std", "pro"], "character_orientation": ["image", "video"], "prompt": prompts}}
    plan = mw.Sweep(req, **axes).plan(ws)
    name = run_id_of(ws, plan.cells)
    head = {{"id": name, "endpoint": ws.endpoint, "account": ws.account, "axes": "{{}}", "cells": "[]"}}
    ws.log_store.sweeps.save({{**head, "paused": now_us()}})  # so that nothing is sent
    jobs = [cell["job_id"] for cell in plan.run().cells]
ws = mw.Workspace("boarded", endpoint="sandbox")
mw.SweepBoard(ws, run=name, watch=False).close()  # the imports are measured elsewhere
"""
ATTACHED = """
board = mw.SweepBoard(ws, run=name)
board
"""


def timed(begin: str) -> str:
    """Return a function of the page that begins something with `asked`.

    It gives the ms to the frame after `done` holds in the notebook in sight (`here`); a minute is too long.
    """
    return f"""async ([asked, done]) => {{
    const found = new Function('here', 'return ' + done).bind(null, jupyterapp.shell.currentWidget.node);
    const test = () => {{ try {{ return found(); }} catch {{ return false; }} }};  // not there yet
    const start = performance.now();
    {begin}
    return new Promise((resolve, reject) => {{
        setTimeout(() => reject(new Error('not drawn within 60 s: ' + done)), 60_000);
        const look = () => requestAnimationFrame(() => test() ? shown() : look());
        const shown = () => requestAnimationFrame(() => resolve(performance.now() - start));
        test() ? shown() : look();
    }});
}}"""


IN_KERNEL = timed(
    "jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.requestExecute({ code: asked });"
)
RUN_ALL = timed("jupyterapp.commands.execute('notebook:run-all-cells');")
ON_PAGE = timed("new Function('here', asked)(jupyterapp.shell.currentWidget.node);")


def ms(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms (most {max(times):.0f})"


def matrix(lab: Lab, page: Page) -> Iterator[Figure]:
    lab.open(page, lab.write_notebook("board", [BOARD]))
    drawn = "here.querySelectorAll('.mw-matrix-cell').length > 20"
    lab.execute(page, "import motion_widgets.widgets.cell_matrix")  # the import is measured elsewhere
    first = page.evaluate(RUN_ALL, ["", drawn])
    yield f"{CELLS:,} cells, run of the cell to first paint", f"{first:.0f} ms", "", "<= 1 s"
    for name, code in (
        ("one cell changed, kernel to paint", "m.change({{0: MatrixCell('running', '{0}', 50)}})"),
        (
            f"all {CELLS:,} cells changed, kernel to paint",
            "m.change({{n: MatrixCell('running', '{0}', 50) for n in range(2000)}})",
        ),
    ):
        times = []
        for number in range(ROUNDS):
            lab.idle(page)
            money = f"${number}.{len(name)}"
            done = f"here.querySelector('.mw-matrix-facts').textContent.startsWith({money!r})"
            times.append(page.evaluate(IN_KERNEL, [code.format(money), done]))
        yield name, ms(times), "", "<= 100 ms"


def attached(lab: Lab, page: Page) -> Iterator[Figure]:
    """Show a run that was begun elsewhere, on a board that was never planned."""
    lab.open(page, lab.write_notebook("attached", [ATTACHED]))
    lab.execute(page, WRITTEN)
    drawn = "here.querySelectorAll('.mw-matrix-cell').length > 20"
    first = page.evaluate(RUN_ALL, ["", drawn])
    yield f"board of a run of {CELLS:,} cells, run of the cell to paint", f"{first:.0f} ms", "", "<= 1 s"
    times = []
    for number in range(1, ROUNDS + 1):
        lab.idle(page)
        code = f"ws.log_store.transitions.record(jobs[0], cost={number}_000_000); board.refresh()"
        done = f"here.querySelector('.mw-matrix-facts').textContent.includes('${number}.00')"
        times.append(page.evaluate(IN_KERNEL, [code, done]))
    yield "one job of it billed, log to paint", ms(times), "", "<= 100 ms"


def log(lab: Lab, page: Page) -> Iterator[Figure]:
    cells = [FILL.format(folder="workspace", rows=ROWS), "table = mw.LogTable(ws)\ntable"]
    lab.open(page, lab.write_notebook("log", cells))
    lab.run_all(page)
    page.get_by_text(f"of {ROWS:,}").wait_for()
    said = "here.querySelector('.mw-grid-at').textContent"
    press = "[...here.querySelectorAll('.mw-grid button')].find(b => b.textContent.startsWith({!r})).click()"
    steps = {
        "next page": (press.format("Older"), f"{said}.startsWith('26')"),
        "sort by what was billed": (
            press.format("Billed"),
            (
                f"{said}.startsWith('1–') && "
                "here.querySelector('.mw-log td.mw-number').textContent.startsWith('$0.89')"
            ),
        ),
        "search in all texts": (
            (
                "const i = here.querySelector('.mw-grid input[type=search]'); i.value = 'take 976';"
                "i.dispatchEvent(new Event('input'))"
            ),
            f"!{said}.endsWith('{ROWS:,}')",
        ),
    }
    for name, step in steps.items():
        lab.idle(page)
        yield f"{ROWS:,} rows, {name}, press to paint", f"{page.evaluate(ON_PAGE, list(step)):.0f} ms", "", ""


def rows(folder: Path) -> Iterator[Figure]:
    """Return the figures."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None:
        yield f"{CELLS:,} cells to first paint", "no Chromium", "", "<= 1 s"
        return
    site, home = folder / "site", folder / "home"
    site.mkdir()
    home.mkdir()
    lab = Lab(site=site, home=home)
    lab.start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_FLAGS)
            page = guarded_page(browser.new_context(viewport=WIDE, reduced_motion="reduce"))
            for figures in (matrix, attached, log):
                yield from figures(lab, page)
                lab.leave(page)
            browser.close()
    finally:
        lab.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-board-", ignore_cleanup_errors=True) as name:
        for row in rows(Path(name)):
            print("{:52} | {:>24} | {:>10} | {:>10}".format(*row), flush=True)
