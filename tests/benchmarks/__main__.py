"""Speed and memory beside peers, as one table: ``python -m tests.benchmarks [room ...]``; asserts nothing."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets import MotionRequest, check, measure_clip, measure_image
from motion_widgets.media.samples import sample_media
from tests.benchmarks import bench_media
from tests.browser._lab import CHROMIUM_FLAGS, WIDE, Lab, find_browser, guarded_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

ROUNDS = 15
KEYS = 30
FORM_ROUNDS = 7


class Row(NamedTuple):
    figure: str
    measured: str
    beside: str = ""
    target: str = ""


class Cost(NamedTuple):
    """Of one fresh interpreter: s for the code, MB of memory at its peak (VmHWM, so Linux only)."""

    seconds: float
    megabytes: float


PROBE = """\
import time
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(peak) / 1024)
"""
FORM = """\
import motion_widgets as mw
form = mw.RequestForm(mw.Workspace({folder!r}, endpoint="sandbox"))
"""


def fresh(code: str) -> Cost:
    """Run code in a fresh interpreter."""
    command = [sys.executable, "-c", PROBE.format(code=code)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, ran.stdout.splitlines()[0].split())
    return Cost(seconds, megabytes)


def interleaved(*codes: str, rounds: int) -> list[Cost]:
    """Return each code's medians over fresh interpreters that are taken in turn."""
    costs = [[fresh(code) for code in codes] for _ in range(rounds)]
    return [Cost(*map(statistics.median, zip(*column, strict=True))) for column in zip(*costs, strict=True)]


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def imports(folder: Path) -> Iterator[Row]:
    ours, json = interleaved("import motion_widgets", "import json", rounds=ROUNDS)
    more = ours.seconds - json.seconds
    yield Row(
        "import motion_widgets, more than import json", ms(more), f"json {ms(json.seconds)}", "<= 60 ms"
    )
    form, peer = interleaved(FORM.format(folder=str(folder / "ws")), "import ipywidgets", rounds=FORM_ROUNDS)
    yield Row("import and first RequestForm", ms(form.seconds), f"import ipywidgets {ms(peer.seconds)}")
    yield Row(
        "memory of it, at its peak", f"{form.megabytes:.0f} MB", f"import ipywidgets {peer.megabytes:.0f} MB"
    )


def checking(folder: Path) -> Iterator[Row]:
    samples = sample_media(folder / "samples")
    clip, image = measure_clip(samples.clip_6s), measure_image(samples.image)
    req = MotionRequest(
        model="kling-v2-6-motion-control",
        image_url=samples.image,
        video_url=samples.clip_6s,
        character_orientation="image",
        mode="std",
        prompt="Waves at the camera, steady framing",
        keep_original_sound="no",
        watermark_info={"enabled": False},
        webhook="https://example.com/hook",
    )
    for _ in range(100):
        check(req, clip=clip, image=image)
    times = []
    for _ in range(2_000):
        start = time.perf_counter()
        check(req, clip=clip, image=image)
        times.append(time.perf_counter() - start)
    yield Row("check of a full request", f"{statistics.median(times) * 1e6:.0f} µs", "", "<= 100 µs")


WATCH = """\
label => {
    const area = [...document.querySelectorAll('.jp-OutputArea textarea')]
        .find(one => one.labels?.[0]?.textContent.startsWith(label));
    const field = area.closest('.mw-field') ?? area.closest('.widget-vbox');
    const count = () => field.textContent.match(/([\\d,]+) of [\\d,]+ characters/)?.[1];
    window.benched = { times: [], start: null, count };
    area.addEventListener('input', () => { window.benched.start = performance.now(); }, true);
    let before = count();
    new MutationObserver(() => {
        const now = count();
        if (now === undefined || now === before || window.benched.start === null) return;
        before = now;
        window.benched.times.push(performance.now() - window.benched.start);
        window.benched.start = null;
    }).observe(field, { subtree: true, childList: true, characterData: true });
    area.focus();
}"""
LAB_CELLS = [
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
area, count = w.Textarea(value="Waves", description="Plain"), w.HTML("5 of 9 characters")
area.observe(lambda _: setattr(count, "value", f"{len(area.value)} of 9 characters"), "value")
w.VBox([area, count])
""",
]


def typed(lab: Lab, page: Page, label: str) -> tuple[float, float]:
    """Type into a text area, a key at a time; give median and p90 in ms from input event to changed count."""
    page.evaluate(WATCH, label)
    for number in range(1, KEYS + 1):
        lab.idle(page)  # ipywidgets holds a key back until the kernel is done with the one before
        page.keyboard.press("abcdefghij"[number % 10])
        page.wait_for_function("number => window.benched.times.length >= number", arg=number)
    times = page.evaluate("() => window.benched.times")
    return statistics.median(times), statistics.quantiles(times, n=10)[-1]


def keystrokes(folder: Path) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    browser_path = find_browser()
    if browser_path is None:
        yield Row("keystroke to message in JupyterLab", "no Chromium", "", "<= 40 / 80 ms")
        return
    site, home = folder / "site", folder / "home"
    site.mkdir()
    home.mkdir()
    lab = Lab(site=site, home=home)
    book = lab.write_notebook("bench", LAB_CELLS)
    lab.start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=browser_path, headless=True, args=CHROMIUM_FLAGS)
            page = guarded_page(browser.new_context(viewport=WIDE, reduced_motion="reduce"))
            lab.open(page, book)
            lab.run_all(page)
            # The form is as a person finds it: its clip is measured and its frames are drawn.
            page.locator("img[alt='Frames of wave-6s.mp4']").wait_for()
            ours, plain = typed(lab, page, "Prompt"), typed(lab, page, "Plain")
            browser.close()
    finally:
        lab.stop()
    yield Row(
        f"keystroke to message in JupyterLab, median / p90 of {KEYS}",
        "{:.0f} / {:.0f} ms".format(*ours),
        "plain Textarea {:.0f} / {:.0f}".format(*plain),
        "<= 40 / 80 ms",
    )


def rows() -> Iterator[Row]:
    """Return all figures, the small ones first; each is measured with nothing else at work."""
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        yield from imports(folder)
        yield from checking(folder)
        yield from keystrokes(folder)
    for figure, measured, target in bench_media.run():
        yield Row(figure, measured, "", target)


def rooms() -> list[str]:
    """Return the rooms that have a module of figures of their own."""
    found = (path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    return sorted(set(found) - {"media"})


def rows_of(room: str) -> Iterator[Row]:
    """Return the figures of one room."""
    module = importlib.import_module(f"tests.benchmarks.bench_{room}")
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as name:
        for row in module.rows(Path(name)):
            yield Row(*row)


def table(*wanted: str) -> None:
    """Print every row as soon as it is measured; of some rooms only, or of all."""
    line = "{:60} | {:>14} | {:>26} | {:>14}"
    print(line.format("figure", "measured", "beside it", "target"))
    print(line.format(*["-" * width for width in (60, 14, 26, 14)]), flush=True)
    for found in [] if wanted else [rows()]:
        for row in found:
            print(line.format(*row), flush=True)
    for room in wanted or rooms():
        for row in rows_of(room):
            print(line.format(*row), flush=True)


if __name__ == "__main__":
    table(*sys.argv[1:])
