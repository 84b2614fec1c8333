"""From running a cell in JupyterLab to the pictures of a wall of 3 x 4 clips of 5 MB that no cache has.

``python -m tests.benchmarks wall`` prints the figures and asserts nothing.
"""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING

from motion_widgets.media import ffmpeg
from tests.browser._lab import CHROMIUM_FLAGS, WIDE, Lab, find_browser, guarded_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS, COLUMNS = ["a", "b", "c"], ["reference", "std", "pro", "other"]
BYTES, SECONDS, TIMES = 5_000_000, 6, 3
SETUP = f"""\
from motion_widgets.widgets.player_wall import PlayerWall
places = [(row, name) for row in {ROWS} for name in {COLUMNS}]
cells = [{{"row": row, "column": name, "path": f"clips/{{row}}-{{name}}.mp4"}} for row, name in places]"""
WALL = f"PlayerWall(cells, read=None, rows={ROWS}, columns={COLUMNS}, fps=30)"
RUN = """async () => {
    const start = performance.now(), times = {};
    jupyterapp.commands.execute("notebook:run-cell");
    while (times.all === undefined) {
        await new Promise(requestAnimationFrame);
        const videos = [...document.querySelectorAll(".mw-wall video")];
        const shown = videos.filter(one => one.readyState >= 2).length;
        if (shown) times.first ??= performance.now() - start;
        if (shown === 12) times.all = performance.now() - start;
    }
    return [times.first / 1000, times.all / 1000];
}"""


def write_clips(site: Path) -> None:
    """Write clips of 5 MB each, 720p."""
    (site / "clips").mkdir()
    made, rate = site / "made.mp4", str(8 * BYTES // SECONDS)
    source = ["-f", "lavfi", "-i", f"testsrc2=s=720x1280:r=30:d={SECONDS},noise=alls=20:allf=t"]
    limited = ["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate]
    limited += ["-x264-params", "nal-hrd=cbr"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    ffmpeg.run([*source, *coded, *limited, f"file:{made}"], name=made.name, deadline=120)
    for row, column in itertools.product(ROWS, COLUMNS):
        (site / f"clips/{row}-{column}.mp4").write_bytes(made.read_bytes())


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    from playwright.sync_api import sync_playwright

    browser_path, figure = find_browser(), "first picture of a wall of 3 x 4 clips of 5 MB in Lab"
    if browser_path is None:
        yield figure, "no Chromium", "", "<= 1.5 s"
        return
    site, home = folder / "wall-site", folder / "wall-home"
    site.mkdir()
    home.mkdir()
    write_clips(site)
    size = (site / f"clips/{ROWS[0]}-{COLUMNS[0]}.mp4").stat().st_size / 1e6
    lab = Lab(site=site, home=home)
    lab.start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=browser_path, headless=True, args=CHROMIUM_FLAGS)
            taken = []
            for turn in range(TIMES):
                context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
                page = guarded_page(context)
                lab.open(page, lab.write_notebook(f"wall-{turn}", [SETUP, WALL]))
                lab.execute(page, SETUP)
                page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
                taken.append(page.evaluate(RUN))
                context.close()
            browser.close()
    finally:
        lab.stop()
    first, every = (statistics.median(times) for times in zip(*taken, strict=True))
    yield (
        figure, f"{first:.2f} s", f"all 12 in {every:.2f} s; {size:.1f} MB each",
        f"<= 1.5 s: {'reached' if first <= 1.5 else 'not reached'}",
    )  # fmt: skip
