"""From a keystroke to its message in JupyterLab, in turns with a bare ipywidgets Text and Label.

``python -m tests.benchmarks widgets`` prints the figures and asserts nothing.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.browser._lab import CHROMIUM_FLAGS, WIDE, Lab, find_browser, guarded_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

KEYS, TURNS = 10, 6
"""Keys of one turn, and turns of each."""
WATCH = """\
() => {
    window.benched = {};
    for (const [name, place, count] of [
        ["ours", ".mw-field-prompt", /^([\\d,]+) \\//], ["plain", ".bench-plain", /^(\\d+) characters/],
    ]) {
        const field = document.querySelector(place);
        const input = field.querySelector("textarea, input");
        const now = () => [...field.querySelectorAll(".widget-html-content, .widget-label")]
            .map(e => e.textContent.trim().match(count)?.[1]).find(Boolean);
        const mine = window.benched[name] = { times: [], start: null, input };
        input.addEventListener("input", () => { mine.start = performance.now(); }, true);
        let before = now();
        new MutationObserver(() => {
            const said = now();
            if (said === undefined || said === before) return;
            before = said;
            if (mine.start !== null) mine.times.push(performance.now() - mine.start);
            mine.start = null;
        }).observe(field, { subtree: true, childList: true, characterData: true });
    }
}"""
CELLS = [
    """\
import motion_widgets as mw
ws = mw.Workspace("workspace", endpoint="sandbox")
samples = ws.samples()
req = mw.MotionRequest(
    model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s,
    character_orientation="image", mode="std", prompt="Waves",
)
mw.RequestForm(ws, request=req)
""",
    """\
import ipywidgets as w
text, label = w.Text(value="Waves"), w.Label("5 characters")
text.observe(lambda _: setattr(label, "value", f"{len(text.value)} characters"), "value")
bare = w.VBox([text, label])
bare.add_class("bench-plain")
bare
""",
]


def typed(lab: Lab, page: Page) -> dict[str, list[float]]:
    """Type a key at a time, in turns; return ms from input event to changed message."""
    page.wait_for_selector(".mw-field-prompt textarea")
    page.wait_for_selector(".bench-plain input")
    page.evaluate(WATCH)
    for turn in range(1, TURNS + 1):
        for name in ("ours", "plain"):
            page.evaluate("name => window.benched[name].input.focus()", name)
            for key in range(1, KEYS + 1):
                lab.idle(page)  # ipywidgets holds a key back until the kernel is done with the one before
                page.keyboard.press("abcdefghij"[key % 10])
                page.wait_for_function(
                    "([name, number]) => window.benched[name].times.length >= number",
                    arg=[name, (turn - 1) * KEYS + key],
                )
    times: dict[str, list[float]] = page.evaluate(
        "() => Object.fromEntries(Object.entries(window.benched).map(([name, one]) => [name, one.times]))"
    )
    return times


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    from playwright.sync_api import sync_playwright

    browser_path, target = find_browser(), "<= 1.5 times"
    if browser_path is None:
        yield "keystroke to message in JupyterLab", "no Chromium", "", target
        return
    site, home = folder / "site", folder / "home"
    site.mkdir()
    home.mkdir()
    lab = Lab(site=site, home=home)
    book = lab.write_notebook("bench", CELLS)
    lab.start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=browser_path, headless=True, args=CHROMIUM_FLAGS)
            page = guarded_page(browser.new_context(viewport=WIDE, reduced_motion="reduce"))
            lab.open(page, book)
            lab.run_all(page)
            # The form is as a person finds it: its clip is measured and its frames are drawn.
            page.locator("img[alt='Clip wave-6s.mp4']").wait_for()
            times = typed(lab, page)
            browser.close()
    finally:
        lab.stop()
    (ours, late), (plain, plain_late) = (
        (statistics.median(times[one]), statistics.quantiles(times[one], n=10)[-1])
        for one in ("ours", "plain")
    )
    yield (
        f"keystroke to message in JupyterLab, median / p90 of {KEYS * TURNS}",
        f"{ours:.0f} / {late:.0f} ms",
        f"bare Text and Label {plain:.0f} / {plain_late:.0f}: {ours / plain:.2f} times",
        target,
    )
