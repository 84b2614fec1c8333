"""The Studio's Create tab in a real Lab: a newcomer's first result, and the way out of a refusal."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page, expect

import motion_widgets as mw
from tests.browser._lab import Lab, axe, narrow, shot, wide
from tests.browser.test_studio import LONG, STUDIO, assert_fits, result, studio

ROOT = ".motion-widgets"


REFUSED = """s = ws.samples()
req = mw.MotionRequest(model='kling-v2-6-motion-control', image_url=s.image, video_url=s.clip_6s,
                       character_orientation='image', mode='std')
ws.connection.sandbox.faults = {'fault': [
    dict(on='submit', kind='reset', accepted=True, match='lost'),
    dict(on='status', kind='failed', reason='moderation', match='bad', times=0, billed='silent')]}
for prompt in ('lost', 'bad', 'fine'):
    ws.submit(req.replace(prompt=prompt)).wait(60)"""


class Clicks:
    """Counts what a person clicks."""

    def __init__(self) -> None:
        self.count, self.began = 0, time.monotonic()

    def __call__(self, target: Locator) -> None:
        expect(target).to_be_enabled(timeout=LONG)
        target.click()
        self.count += 1

    def say(self, story: str) -> None:
        print(f"\n{story}: {self.count} clicks, {time.monotonic() - self.began:.1f} s")


def looks(page: Page, lab: Lab, name: str) -> None:
    """Take pictures in light, dark and narrow, and let axe look at both themes."""
    shot(page, f"stage-{name}-light", ROOT)
    axe(page, ROOT)
    lab.theme(page, "JupyterLab Dark")
    shot(page, f"stage-{name}-dark", ROOT)
    axe(page, ROOT)
    narrow(page)
    shot(page, f"stage-{name}-420", ROOT)
    assert_fits(page)
    wide(page)
    lab.theme(page, "JupyterLab Light")


def test_a_newcomer_sees_a_result_play_after_one_click_and_takes_it_home(page: Page, lab: Lab) -> None:
    slow = STUDIO.replace("speed=200", "speed=20")  # its progress is looked at
    lab.open(page, lab.write_notebook("stage/studio", [slow.format(folder="workspace")]))
    page.emulate_media(reduced_motion="no-preference")
    click = Clicks()
    lab.run_all(page)
    root = studio(page)
    stage = root.locator(".mw-stage")
    sample = stage.locator("[data-view=sample] video")
    expect(sample).to_be_visible(timeout=LONG)
    page.wait_for_function("() => document.querySelector('[data-view=sample] video').currentTime > 0.1")
    looks(page, lab, "welcome")

    click(stage.get_by_role("button", name=re.compile("Try it with the sample")))
    expect(stage.get_by_role("progressbar").first).to_be_visible(timeout=LONG)
    shot(page, "stage-running-light", ROOT)
    videos = stage.locator("[data-view=stage] video")
    expect(videos).to_have_count(2, timeout=LONG)
    page.wait_for_function(
        """() => { const all = [...document.querySelectorAll('.mw-stage [data-view=stage] video')];
            return all.length === 2 && all.every(v => v.currentTime > 0.1 && v.muted && !v.paused); }"""
    )
    click.say("newcomer to a result that plays")
    assert click.count <= 2
    looks(page, lab, "result")

    # Stars and the divider by keyboard, a note, and the file itself under a good name.
    stage.get_by_role("radio", name="1 of 5 stars").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(root.get_by_test_id("history-job").first).to_contain_text("★★★★")
    stage.get_by_role("button", name="Usable").click()
    stage.get_by_role("button", name="Note…").click()
    stage.get_by_label("Note", exact=True).fill("<i>good arms</i> ")
    stage.get_by_role("button", name="Save").click()
    expect(stage.locator(".mw-result-note")).to_have_text("<i>good arms</i>")
    expect(stage.get_by_role("button", name="Usable")).to_have_attribute("aria-pressed", "true")
    stage.get_by_role("radio", name="Wipe").check()
    divider = stage.get_by_role("slider", name=re.compile("^Divider"))
    divider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(divider).to_have_value("58")
    looks(page, lab, "wipe")
    with page.expect_download() as taken:
        stage.get_by_role("link", name="Download mp4").click()
    assert taken.value.suggested_filename == "figure-wave-6s-std.mp4"
    assert mw.measure_clip(taken.value.path()).length > 5.9


def test_a_refused_job_is_shown_from_the_history_changed_and_made_in_two_clicks(page: Page, lab: Lab) -> None:
    lab.open(page, lab.write_notebook("refused/studio", [STUDIO.format(folder="workspace")]))
    lab.run_all(page)
    lab.execute(page, REFUSED)
    root = studio(page)
    strip, stage = root.locator(".mw-strip"), root.locator(".mw-stage")
    jobs = strip.get_by_test_id("history-job")
    expect(jobs).to_have_count(3, timeout=LONG)
    expect(jobs.nth(1)).to_contain_text("Refused: content policy")
    expect(jobs.nth(2)).to_contain_text("Charged? Decide…")

    # One stop by keyboard: the arrows move, Enter shows.
    jobs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(jobs.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(jobs.nth(1)).to_have_attribute("aria-current", "true")
    expect(stage.locator(".mw-row")).to_contain_text("Change the image, the clip or the prompt")
    looks(page, lab, "refused")

    click = Clicks()
    click(stage.get_by_role("button", name="Change or repeat…"))
    prompt = root.get_by_label("Prompt", exact=False).first
    expect(prompt).to_have_value("bad")
    prompt.fill("good")
    click(root.locator(".mw-submit"))
    result(page, root)
    click.say("refusal to a result")
    assert click.count == 2
    expect(jobs).to_have_count(4)
