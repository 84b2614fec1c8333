"""The real Studio in a real browser, as a newcomer meets it: nothing is prepared but a clip and a picture."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from motion_widgets.media.samples import sample_media
from tests.browser._lab import Lab, Voila, axe, narrow, shot, wide
from tests.browser.test_compare_wall import assert_in_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = 90_000
"""ms for what takes several sandbox jobs on a busy machine."""
TOO_WIDE = """() => {
    const root = document.querySelector('.motion-widgets');
    const right = root.getBoundingClientRect().right + 1;
    const out = e => e.checkVisibility() && e.getBoundingClientRect().right > right;
    return [...root.querySelectorAll('*')]
        .filter(e => out(e) && !e.closest('.mw-scroll'))
        .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`);
}"""
STUDIO = """import motion_widgets as mw
ws = mw.Workspace({folder!r}, endpoint='sandbox')
studio = mw.Studio(ws)
studio"""


@pytest.fixture(scope="package")
def media(site: Path) -> Path:
    """A real png and real mp4s of 6 and 12 s, in the served folder."""
    folder = site / "own"
    folder.mkdir(exist_ok=True)
    samples = sample_media(folder)
    for path, name in (
        (samples.image, "hero.png"),
        (samples.clip_6s, "six.mp4"),
        (samples.clip_12s, "twelve.mp4"),
    ):
        (folder / name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def counting() -> Iterator[list[str]]:
    """A server that stands for the live endpoint and notes every request that reaches it."""
    asked: list[str] = []

    class Counter(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked.append(f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()


def studio(page: Page) -> Locator:
    root = page.locator(".motion-widgets").first
    expect(root.get_by_text("Motion studio")).to_be_visible()
    return root


def tab(root: Locator, name: str) -> None:
    root.get_by_role("tab", name=name).click()


def choose(root: Locator, media: Path, clip: str) -> None:
    root.get_by_label("Character image", exact=True).fill(str(media / "hero.png"))
    root.get_by_label("Reference clip", exact=True).fill(str(media / clip))
    expect(root.get_by_alt_text(f"Frames of {clip}")).to_be_visible()


def assert_plays(page: Page, videos: int) -> None:
    """Every clip on the wall has loaded and shows pictures."""
    page.wait_for_function(
        """count => { const all = [...document.querySelectorAll('.mw-wall video')];
            return all.length === count && all.every(v => v.readyState >= 2 && v.videoWidth > 0); }""",
        arg=videos,
    )


def test_lab_the_whole_way_from_a_clip_too_long_to_four_results_in_step(  # noqa: PLR0915 - one story
    page: Page, lab: Lab, media: Path, counting: list[str]
) -> None:
    live = counting.pop()
    planted = (
        f"import os\nos.environ['APIMART_API_KEY'] = 'sk-planted'\nos.environ['APIMART_BASE_URL'] = {live!r}"
    )
    lab.open(page, lab.write_notebook("way/studio", [planted, STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    expect(root.get_by_text("SANDBOX – nothing leaves this machine")).to_be_visible()

    # A 12 s clip with orientation "image": the error, with length and limit, where it arises.
    choose(root, media, "twelve.mp4")
    error = root.get_by_text("The clip is 12.00 s, 2.00 s too long; orientation “image” allows 3–10 s.")
    expect(error).to_be_visible()
    submit = root.locator(".mw-submit")
    expect(submit).to_be_disabled()
    shot(page, "studio-error-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "studio-error-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "studio-error-420", ".motion-widgets")
    assert page.evaluate(TOO_WIDE) == [], "these stick out of a narrow Studio"
    wide(page)
    lab.theme(page, "JupyterLab Light")

    # One click clears it; the price follows model and mode.
    root.get_by_role("button", name="Use orientation “video” (3–30 s)").click()
    expect(error).to_be_hidden()
    expect(root.get_by_role("radio", name="video – faces as in the clip")).to_be_checked()
    root.get_by_label("Model").select_option("kling-v2-6-motion-control")
    expect(submit).to_have_text("Generate in the SANDBOX ($0.69)")
    root.get_by_role("radio", name="pro – higher quality").check()
    expect(submit).to_have_text("Generate in the SANDBOX ($1.10)")
    root.get_by_role("radio", name="std – balances").check()
    expect(submit).to_have_text("Generate in the SANDBOX ($0.69)")

    # Submit, progress, the result plays.
    submit.click()
    expect(root.get_by_role("progressbar").first).to_be_visible(timeout=LONG)
    shot(page, "studio-running-light", ".motion-widgets")
    root.locator(".mw-row").get_by_role("button", name="Show result").click(timeout=LONG)
    assert_plays(page, 2)
    root.get_by_role("button", name="Play").click()
    assert_in_step(page, 2)

    # The log has the row, with the bill; the form knows that this request was made.
    tab(root, "Log")
    row = root.locator(".mw-log tbody tr")
    expect(row).to_have_count(1)
    expect(row.get_by_text("collected")).to_be_visible()
    expect(row.locator(".mw-number").nth(1)).to_have_text("$0.69")
    shot(page, "studio-log-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    tab(root, "Build")
    expect(root.get_by_role("button", name="Make another ($0.69)")).to_be_visible()
    expect(submit).to_be_hidden()

    # The 6 s clip, a 2 × 2 sweep to the end, four results on the wall.
    root.get_by_label("Reference clip", exact=True).fill(str(media / "six.mp4"))
    expect(submit).to_have_text("Generate in the SANDBOX ($0.34)")
    root.get_by_role("button", name="Sweep these settings…").click()
    run = root.locator(".mw-run")
    expect(run).to_have_text("Run 4 cells in the SANDBOX (up to $1.78)")
    axe(page, ".motion-widgets")
    run.click()
    expect(root.get_by_text("4 of 4 cells collected.")).to_be_visible(timeout=LONG)
    shot(page, "studio-sweep-light", ".motion-widgets")
    expect(run).to_have_text("Nothing new to pay: follow the cells")
    tab(root, "Compare")
    assert_plays(page, 6)
    root.get_by_role("button", name="Play").click()
    assert_in_step(page, 6)
    root.get_by_role("button", name="Pause").click()
    shot(page, "studio-compare-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "studio-compare-dark", ".motion-widgets")
    axe(page, ".motion-widgets")

    # A key in the environment sent nothing anywhere; the panel says what going live would take.
    root.get_by_role("button", name="Go live…").click()
    expect(
        root.get_by_text("A key was found in APIMART_API_KEY. It is used only once you switch to live.")
    ).to_be_visible()
    shot(page, "studio-golive-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    assert counting == []


def test_lab_two_clicks_make_one_job_and_hostile_text_stays_text(page: Page, lab: Lab, media: Path) -> None:
    lab.open(page, lab.write_notebook("twice/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    choose(root, media, "six.mp4")
    hostile = "<img src=x onerror=\"document.title='owned'\"> $x$ \u202eدوران"
    root.get_by_label("Prompt (optional)").fill(hostile)
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled()
    submit.dblclick()  # at once: the text is still on its way to the kernel
    expect(root.locator(".mw-row").get_by_text("collected").first).to_be_visible(timeout=LONG)
    tab(root, "Log")
    expect(root.locator(".mw-log tbody tr")).to_have_count(1)
    expect(root.locator(".mw-log tbody tr")).to_contain_text("<img src=x onerror=")
    # One search finds the row by its prompt; what was typed is shown as text, in the page's title not at all.
    root.get_by_label("Search the log").fill("onerror")
    expect(root.locator(".mw-log tbody tr")).to_have_count(1)
    root.get_by_label("Search the log").fill("nowhere to be found")
    expect(root.locator(".mw-log tbody tr")).to_have_count(0)
    assert page.title() != "owned"
    assert page.locator(".motion-widgets img[src='x']").count() == 0


def test_lab_live_is_named_and_nothing_is_sent_without_its_click(
    page: Page, lab: Lab, media: Path, counting: list[str]
) -> None:
    live = counting.pop()
    planted = f"import os\nos.environ['APIMART_BASE_URL'] = {live!r}"
    lab.open(page, lab.write_notebook("live/studio", [planted, STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    choose(root, media, "six.mp4")
    expect(root.locator(".mw-submit")).to_be_enabled()
    root.get_by_role("button", name="Go live…").click()
    go = root.get_by_role("button", name="Switch to LIVE")
    expect(go).to_be_disabled()
    key = root.get_by_label("API key")
    key.fill("sk-typed-by-hand")
    key.blur()
    expect(root.get_by_text("A key was entered; it is held in this kernel and never shown.")).to_be_visible()
    expect(key).to_have_value("")
    assert counting == []
    go.click()
    expect(root.get_by_text("LIVE – real money")).to_be_visible()
    # A local clip needs hosting there; the button says LIVE and stays shut.
    expect(root.get_by_text("the endpoint has no video upload")).to_be_visible()
    expect(root.locator(".mw-submit")).to_contain_text("Generate LIVE for real money")
    expect(root.locator(".mw-submit")).to_be_disabled()
    shot(page, "studio-live-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    root.get_by_role("button", name="Back to the SANDBOX").click()
    expect(root.locator(".mw-submit")).to_contain_text("SANDBOX")
    assert not any("generations" in path for path in counting)
    model = page.evaluate("() => JSON.stringify(jupyterapp.shell.currentWidget.context.model.toJSON())")
    assert "sk-typed-by-hand" not in model


def test_lab_the_form_works_with_the_keyboard_alone(page: Page, lab: Lab, media: Path) -> None:
    lab.open(page, lab.write_notebook("keys/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    root.get_by_label("Character image", exact=True).focus()
    page.keyboard.type(str(media / "hero.png"))
    root.get_by_label("Reference clip", exact=True).focus()
    page.keyboard.type(str(media / "twelve.mp4"))
    root.get_by_label("Model").focus()
    fix = root.get_by_role("button", name="Use orientation “video” (3–30 s)")
    expect(fix).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(root.get_by_role("button", name="Trim to 9.9 s…")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(fix).to_be_focused()
    shot(page, "studio-focus-light", ".motion-widgets")
    page.keyboard.press("Enter")
    expect(root.get_by_role("radio", name="video – faces as in the clip")).to_be_checked()
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled()
    submit.focus()
    page.keyboard.press("Enter")
    expect(root.locator(".mw-row").get_by_text("collected").first).to_be_visible(timeout=LONG)


def test_voila_builds_submits_and_plays(page: Page, voila: Voila, media: Path) -> None:
    notebook = voila.write_notebook("shown/studio", [STUDIO.format(folder="workspace")])
    voila.open(page, notebook, theme="dark")
    root = studio(page)
    choose(root, media, "six.mp4")
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled()
    submit.click()
    root.locator(".mw-row").get_by_role("button", name="Show result").click(timeout=LONG)
    assert_plays(page, 2)
    sources = page.locator(".mw-wall video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert sources == ["voila"] * 2
    root.get_by_role("button", name="Play").click()
    assert_in_step(page, 2)
    root.get_by_role("button", name="Pause").click()
    shot(page, "studio-voila-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
