"""The real Studio in a real browser, as a newcomer meets it: nothing is prepared but a clip and a picture."""

from __future__ import annotations

import http.server
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect

from motion_widgets.core.messages import say
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
OVERLAPS = """() => {
    const controls = 'button, select, textarea, a[href], h3, .widget-label, .widget-text input, .mw-finding';
    const all = [...document.querySelectorAll(`.motion-widgets :is(${controls})`)]
        .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.mw-pay, .mw-scroll'))
        .map(e => [e, e.getBoundingClientRect()])
        .filter(([, box]) => box.width > 1);
    const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1
        && b.top < a.bottom - 1;
    const name = e => e.textContent || e.tagName;
    return all.flatMap(([one, box], at) => all.slice(at + 1)
        .filter(([other, its]) => over(box, its) && !one.contains(other))
        .map(([other]) => `${name(one)} | ${name(other)}`));
}"""
STUDIO = """import motion_widgets as mw
ws = mw.Workspace({folder!r}, endpoint='sandbox', speed=200)
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


def assert_fits(page: Page) -> None:
    """Nothing sticks out of the panel."""
    with suppress(PlaywrightError):  # what sticks out is said below
        page.wait_for_function(f"() => !({TOO_WIDE})().length")
    assert page.evaluate(TOO_WIDE) == [], "these stick out"


def tab(root: Locator, name: str) -> None:
    root.get_by_role("tab", name=name).click()


def choose(root: Locator, media: Path, clip: str) -> None:
    put(root, "Character", media / "hero.png")
    put(root, "Motion", media / clip)
    expect(root.get_by_alt_text(f"Clip {clip}")).to_be_visible()


def put(root: Locator, card: str, path: Path | str) -> None:
    """Put a path into a medium's card: ``"Character"`` or ``"Motion"``."""
    box = root.get_by_label(say("form_image" if card == "Character" else "form_clip"), exact=True)
    if not box.is_visible():
        group = root.get_by_role("group", name=card, exact=True).first
        group.get_by_role("button", name="link", exact=True).click()
    box.fill(str(path))


def assert_plays(page: Page, videos: int) -> None:
    """Every clip of the tab that is open has loaded and shows pictures."""
    page.wait_for_function(
        """count => { const there = [...document.querySelectorAll('.mw-wall video')];
            const all = there.filter(v => v.checkVisibility());
            return all.length === count && all.every(v => v.readyState >= 2 && v.videoWidth > 0); }""",
        arg=videos,
    )


def result(page: Page, root: Locator) -> Locator:
    """The stage, once a result stands there beside its clip."""
    stage = root.locator(".mw-stage")
    expect(stage.get_by_role("link", name="Download mp4")).to_be_visible(timeout=LONG)
    assert_plays(page, 2)
    return stage


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
    expect(root.get_by_text("SANDBOX · free")).to_be_visible()

    # A 12 s clip with orientation "image": the error, with length and limit, where it arises.
    choose(root, media, "twelve.mp4")
    error = root.get_by_text("The clip is 12.00 s, 2.00 s too long; orientation “image” allows 3–10 s.")
    expect(error).to_be_visible()
    submit = root.locator(".mw-submit")
    expect(submit).to_have_text("Trim and generate · free")
    shot(page, "studio-error-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "studio-error-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "studio-error-420", ".motion-widgets")
    assert_fits(page)
    wide(page)
    lab.theme(page, "JupyterLab Light")

    # One click clears it; the price follows model and mode.
    root.get_by_role("button", name="Use orientation “video” (3–30 s)").click()
    expect(error).to_be_hidden()
    expect(root.get_by_role("radio", name=re.compile("^as in the clip"))).to_be_checked()
    price = root.locator(".mw-pay .mw-price")
    expect(price).to_have_text("$0.69")
    root.get_by_role("radiogroup", name="Quality").get_by_role("radio", name=re.compile("^pro")).check()
    expect(price).to_have_text("$1.10")
    root.get_by_label("Model").select_option("v3")
    expect(price).to_have_text("$1.65")
    root.get_by_label("Model").select_option("v2.6")
    root.get_by_role("radio", name=re.compile("^std")).check()
    expect(price).to_have_text("$0.69")
    expect(submit).to_have_text("Generate · free")

    # Submit, progress, the result plays.
    submit.click()
    result(page, root).get_by_role("button", name="Play", exact=True).click()
    assert_in_step(page, 2)

    # The log has the row, with the bill; the form knows that this request was made.
    tab(root, "Log")
    row = root.locator(".mw-log tbody tr")
    expect(row).to_have_count(1)
    expect(row.get_by_text("collected")).to_be_visible()
    expect(row.locator(".mw-number")).to_have_text("$0.69")
    shot(page, "studio-log-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    tab(root, "Create")
    expect(root.get_by_role("button", name="Make another · free")).to_be_visible()
    expect(submit).to_be_hidden()

    # The 6 s clip, a 2 × 2 sweep to the end, four results on the wall.
    put(root, "Motion", media / "six.mp4")
    expect(price).to_have_text("$0.35")
    root.get_by_role("button", name="Sweep…").click()
    run = root.locator(".mw-run")
    expect(run).to_have_text("Run 4 cells in the SANDBOX (up to $1.79)")
    axe(page, ".motion-widgets")
    run.click()
    expect(root.get_by_text("4 in this run: 4 ✓")).to_be_visible(timeout=LONG)
    shot(page, "studio-sweep-light", ".motion-widgets")
    expect(run).to_be_hidden()
    root.get_by_role("button", name="Compare 4 results").click()
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
    root.get_by_label("Prompt, optional").fill(hostile)
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled()
    submit.dblclick()  # at once: the text is still on its way to the kernel
    result(page, root)
    tab(root, "Log")
    expect(root.locator(".mw-log tbody tr")).to_have_count(1)
    expect(root.locator(".mw-log tbody tr")).to_contain_text("<img src=x onerror=")
    # One search finds the row by its prompt; what was typed is shown as text, in the page's title not at all.
    root.get_by_label("Search the log").fill("nowhere to be found")
    expect(root.locator(".mw-log tbody tr")).to_have_count(0)
    root.get_by_label("Search the log").fill("onerror")
    expect(root.locator(".mw-log tbody tr")).to_have_count(1)
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
    expect(root.get_by_text("LIVE · real money")).to_be_visible()
    # A local clip needs hosting there; the button says LIVE and stays shut.
    expect(root.get_by_text("the endpoint has no video upload")).to_be_visible()
    expect(root.locator(".mw-submit")).to_contain_text("Generate LIVE")
    expect(root.locator(".mw-submit")).to_be_disabled()
    shot(page, "studio-live-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    root.get_by_role("button", name="Back to the SANDBOX").click()
    expect(root.locator(".mw-submit")).to_have_text("Generate · free")
    assert not any("generations" in path for path in counting)
    model = page.evaluate("() => JSON.stringify(jupyterapp.shell.currentWidget.context.model.toJSON())")
    assert "sk-typed-by-hand" not in model


def reach(page: Page, target: Locator, key: str = "Tab") -> None:
    """Go to a control by the keyboard."""
    expect(target).to_be_visible(timeout=LONG)
    for _ in range(90):
        if target.evaluate("e => document.activeElement === e"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never came to {target}")


def act(page: Page, target: Locator, key: str = "Enter", *, way: str = "Tab") -> None:
    """Go to a control and press it; the keyboard has a place afterwards."""
    expect(target).to_be_enabled(timeout=LONG)
    reach(page, target, way)
    page.keyboard.press(key)
    page.wait_for_function("() => document.activeElement?.closest('.motion-widgets')")


def turn(page: Page, root: Locator, key: str, name: str) -> None:
    """Go up to the tabs and turn to another one."""
    reach(page, root.locator("[role=tab][aria-selected=true]"), "Shift+Tab")
    page.keyboard.press(key)
    expect(root.get_by_role("tab", name=name, exact=True)).to_be_focused()
    expect(root.get_by_role("tabpanel", name=name, exact=True)).to_be_visible()


def ignore(_: object) -> None:
    """Take note of nothing."""


def zoomed(page: Page, name: str) -> None:
    """Look at the Studio at 200 %: nothing sticks out, scrolls sideways or lies over another thing."""
    narrow(page, 640, 450)
    shot(page, f"studio-{name}-200", ".motion-widgets")
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(OVERLAPS) == []
    root = page.locator(".motion-widgets").first
    assert root.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    wide(page)


@pytest.mark.timeout(300)  # a Lab, four results and a wall, on a busy machine
def test_lab_the_whole_job_with_the_keyboard_alone(  # noqa: PLR0915 - one story
    page: Page, lab: Lab, media: Path
) -> None:
    lab.open(page, lab.write_notebook("keys/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    root = studio(page)
    page.on("filechooser", ignore)  # a key opens one faster than Playwright begins to look for it
    root.get_by_role("tab", name="Create").focus()
    for label, name in (("Choose a picture…", "hero.png"), ("Choose a clip…", "twelve.mp4")):
        reach(page, root.get_by_role("button", name=label, exact=True))
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(media / name)
        expect(root.locator(".mw-media").get_by_text(name, exact=True)).to_be_visible(timeout=LONG)
        page.wait_for_function("() => document.activeElement?.closest('.mw-media')")
    trim = root.get_by_role("button", name="Trim to 9.9 s")
    fix = root.get_by_role("button", name="Use orientation “video” (3–30 s)")
    reach(page, trim)
    page.keyboard.press("Tab")
    expect(fix).to_be_focused()
    shot(page, "studio-focus-light", ".motion-widgets")
    zoomed(page, "create")
    page.keyboard.press("Enter")
    chosen = root.get_by_role("radio", name=re.compile("^as in the clip"))
    submit = root.locator(".mw-submit")
    expect(chosen).to_be_checked()
    expect(submit).to_be_focused()  # nothing is left to fix
    # A group is one stop of the keyboard, and arrows choose in it.
    reach(page, chosen, "Shift+Tab")
    page.keyboard.press("ArrowLeft")
    picture = root.get_by_role("radio", name=re.compile("^as in the picture"))
    expect(picture).to_be_checked()
    page.keyboard.press("Tab")
    expect(root.get_by_role("radio", name=re.compile("^std"))).to_be_focused()
    # So they do in a menu, which Lab's own arrow keys leave alone too.
    page.keyboard.press("Tab")
    model = root.get_by_label("Model")
    expect(model).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(model.locator("option:checked")).to_have_text("v3")
    page.keyboard.press("ArrowUp")
    expect(model.locator("option:checked")).to_have_text("v2.6")

    # A shorter part, trimmed and sent by one key; the keyboard goes on at the stage.
    reach(page, root.get_by_role("slider", name="End"), "Shift+Tab")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowLeft")
    expect(root.get_by_role("button", name="Trim to 3.9 s")).to_be_visible()
    expect(submit).to_have_text("Trim and generate · free")
    act(page, submit)
    stage = result(page, root)
    expect(stage).to_be_focused()
    expect(root.locator(".mw-media").nth(1)).to_contain_text("twelve (0.0–3.9 s).mp4")
    act(page, stage.get_by_role("button", name="Play", exact=True), "Space")
    assert_in_step(page, 2)
    reach(page, stage.get_by_role("radio", name="1 of 5 stars"))
    page.keyboard.press("ArrowRight")
    jobs = root.get_by_test_id("history-job")
    expect(jobs.first).to_contain_text("★★")
    act(page, stage.get_by_role("button", name="Usable"), "Space")
    expect(stage.get_by_role("button", name="Usable")).to_have_attribute("aria-pressed", "true")
    axe(page, ".motion-widgets")
    act(page, stage.get_by_role("button", name=re.compile("^as in the clip · ")))
    expect(jobs).to_have_count(2)
    expect(stage.locator(".mw-wall")).to_contain_text("as in the clip", timeout=LONG)
    result(page, root)

    # Two more settings in a sweep, all four compared, and the log of them.
    turn(page, root, "ArrowRight", "Sweep")
    run = root.locator(".mw-run")
    expect(run).to_contain_text("Run")
    act(page, run)
    compare = root.get_by_role("button", name="Compare 4 results")
    act(page, compare)
    expect(root.get_by_role("tabpanel", name="Compare")).to_be_visible()
    assert_plays(page, 6)
    act(page, root.get_by_role("tabpanel", name="Compare").get_by_role("button", name="Play"), "Space")
    assert_in_step(page, 6)
    turn(page, root, "End", "Log")
    expect(root.locator(".mw-log tbody tr.mw-grid-row, .mw-log tbody tr")).not_to_have_count(0)
    page.remove_listener("filechooser", ignore)
    zoomed(page, "log")
    axe(page, ".motion-widgets")


def test_voila_builds_submits_and_plays(page: Page, voila: Voila, media: Path) -> None:
    own = STUDIO.replace("endpoint='sandbox'", "endpoint='sandbox', visitor=False")
    notebook = voila.write_notebook("shown/studio", [own.format(folder="workspace")])
    voila.open(page, notebook, theme="dark")
    root = studio(page)
    choose(root, media, "six.mp4")
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled()
    submit.click()
    stage = result(page, root)
    sources = stage.locator("video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert sources == ["voila"] * 2
    stage.get_by_role("button", name="Play", exact=True).click()
    assert_in_step(page, 2)
    stage.get_by_role("button", name="Pause", exact=True).click()
    shot(page, "studio-voila-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
