"""Rating pairs blind by the keyboard alone, in a real Lab: nothing tells the setting before the reveal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser._lab import axe, narrow, shot, wide
from tests.browser.test_studio import assert_fits

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser._lab import Lab, Voila

RUN = """import motion_widgets as mw
ws = mw.Workspace('study', endpoint='sandbox', speed=200)
samples = ws.samples()
req = mw.MotionRequest(model='kling-v2-6-motion-control', image_url=samples.image, video_url=samples.clip_6s)
req = req.replace(character_orientation='image')
run = mw.Sweep(req, mode=['std', 'pro'], prompt=['waves', 'bows']).plan(ws).run().wait(timeout=120)
study = mw.Study(ws, run)"""
VIEW = "view = mw.RatingView(study)\nview"
TELLING = """() => {
    const root = document.querySelector('[data-testid=pair]');
    const told = [...root.querySelectorAll('*')].flatMap(node => [
        ...[...node.attributes].map(one => one.value), node.currentSrc ?? '',
        ...[...node.childNodes].filter(one => one.nodeType === 3).map(one => one.data),
    ]).join(' ');
    return told.match(/\\b(std|pro|job-\\w+|wave-6s|results)\\b/g) ?? [];
}"""
SAME = """() => {
    const boxes = [...document.querySelectorAll('.mw-pair-clip')].map(node => node.getBoundingClientRect());
    const [one, other] = boxes;
    return other && one.width === other.width && one.height === other.height;
}"""
APART = """() => {
    const times = [...document.querySelectorAll('.mw-pair-clip video')].map(video => video.currentTime);
    return times.length > 1 && Math.min(...times) > 0.3 && Math.max(...times) - Math.min(...times) < 1 / 24;
}"""
ANEW = """() => {
    const times = [...document.querySelectorAll('.mw-pair-clip video')].map(video => video.currentTime);
    return Math.max(...times) < 0.3;
}"""


def test_a_blind_session_by_the_keyboard_alone(page: Page, lab: Lab) -> None:
    lab.open(page, lab.write_notebook("rating/view", [RUN, VIEW]))
    lab.run_all(page)
    page.get_by_label("Ratings planned").fill("8")
    start = page.get_by_role("button", name="Start rating")
    start.focus()
    page.keyboard.press("Enter")

    pair = page.get_by_test_id("pair")
    expect(page.get_by_text("Practice: two sample clips")).to_be_visible()
    expect(pair).to_be_focused()
    expect(pair).to_have_attribute("data-state", "playing")
    shot(page, "rating-practice-light", ".motion-widgets")
    page.keyboard.press("3")
    expect(page.get_by_text("Practice: two sample clips")).to_be_hidden()
    expect(pair).to_have_attribute("data-state", "playing")
    expect(pair).to_be_focused()
    expect(page.locator(".mw-pair-hidden")).to_have_count(0)
    assert page.evaluate(TELLING) == []
    page.wait_for_function(SAME)
    page.wait_for_function(APART)
    sources = page.eval_on_selector_all(".mw-pair-clip video", "all => all.map(one => one.dataset.source)")
    assert sources == ["files", "files"]
    axe(page, ".motion-widgets")
    shot(page, "rating-pair-light", ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    shot(page, "rating-pair-dark", ".motion-widgets")
    narrow(page)
    shot(page, "rating-pair-420", ".motion-widgets")
    wide(page)
    lab.theme(page, "JupyterLab Light")

    pair.focus()  # Lab may take what it draws anew at another width out of the page for a moment
    page.keyboard.press("1")
    expect(page.get_by_text(re.compile("^1 stored"))).to_be_visible()
    expect(pair).to_have_attribute("data-state", "playing")
    page.keyboard.press("2")
    expect(page.get_by_text("Round 1 of 4 is complete.")).to_be_visible()
    expect(page.get_by_text(re.compile("^2 stored"))).to_be_visible()
    page.get_by_role("button", name="Show which was which").press("Enter")
    expect(page.get_by_text(re.compile(r"(pro|std) \(left\) or (pro|std) \(right\): left"))).to_be_visible()
    axe(page, ".motion-widgets")
    shot(page, "rating-round-light", ".motion-widgets")

    # A restarted kernel knows what was stored.
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lab.idle(page)
    lab.run_all(page)
    expect(page.get_by_text(re.compile("^2 stored"))).to_be_visible()


def test_every_key_is_stored_or_taken_back_and_the_clip_may_stand_beside(page: Page, lab: Lab) -> None:
    ask = "study.ask('mode', 'pro', 'std', planned=8)\n"
    lab.open(page, lab.write_notebook("keys/view", [RUN, ask + VIEW]))
    lab.run_all(page)
    pair, clip = page.get_by_test_id("pair"), page.locator(".mw-pair-clip video").first
    said = [("3", []), ("0", ["both_bad"]), ("u", ["both_bad", "undone"])]  # the first one is practice
    said += [("S", [*said[-1][1], "skip"]), ("U", [*said[-1][1], "skip", "undone"])]
    for key, choices in said:
        expect(page.get_by_role("button", name="Both bad")).to_be_enabled()
        address = clip.get_attribute("src")
        assert address
        pair.press(key)
        lab.until(page, f"[one.choice for one in study.ratings()] == {choices}")
        expect(clip).not_to_have_attribute("src", address)  # each pair has names of its own
    expect(page.get_by_role("button", name="Both bad")).to_be_enabled()
    page.wait_for_function(APART)
    pair.press("r")
    page.wait_for_function(ANEW)
    beside = page.get_by_label("Show the motion clip beside them")
    beside.press("Space")
    expect(page.locator(".mw-pair-clip video[data-source=files]")).to_have_count(3)
    assert page.evaluate(TELLING) == []
    beside.press("Space")
    expect(page.locator(".mw-pair-clip video")).to_have_count(2)


def test_voila_puts_the_pairs_of_a_run_side_by_side(page: Page, voila: Voila) -> None:
    ask = "study.ask('mode', 'pro', 'std', planned=8)\n"
    run = RUN.replace("['waves', 'bows']", "['waves']")
    voila.open(page, voila.write_notebook("rating/app", [run, ask + VIEW]), theme="dark")
    pair = page.get_by_test_id("pair")
    expect(pair).to_have_attribute("data-state", "playing", timeout=90_000)
    assert page.evaluate(TELLING) == []
    page.get_by_role("button", name="No difference").click()
    expect(page.get_by_text("Practice: two sample clips")).to_be_hidden()
    shot(page, "rating-voila-dark", ".motion-widgets")


BEYOND = """() => Math.max(...[...document.querySelectorAll('.mw-study-answer [role=img]')].flatMap(bar =>
    [...bar.children].map(one =>
        one.getBoundingClientRect().right - bar.getBoundingClientRect().right)), 0)"""
KNOWN = """import json
import numpy as np
from sqlalchemy import insert
import motion_widgets as mw
from motion_widgets.log.columns import FIDELITY
from motion_widgets.log.schema import jobs
from motion_widgets.study.fidelity.difference import COMPARED
from motion_widgets.study.fidelity.measures import VERSION
from tests.study.conftest import columns_of, rate_all
ws = mw.Workspace('known', endpoint='sandbox')
rows = [columns_of(mode, clip, result_sha=f'{mode}{clip}') for clip in range(6) for mode in ('std', 'pro')]
with ws.log_store.database.write() as connection:
    for row in rows:
        connection.execute(insert(jobs), row)
written = json.dumps([{'values': {}, 'job_id': row['id'], 'order': 1} for row in rows])
ws.log_store.sweeps.save(
    {'id': 'run-1', 'endpoint': 'sandbox', 'account': 'sandbox', 'axes': '{}', 'cells': written})
study = mw.Study(ws, 'run-1')
study.ask('mode', 'pro', 'std', planned=12)
rate_all(study, lambda pro: pro)
chance = np.random.default_rng(1)
for row in rows:
    better = row['mode'] == 'pro'
    measured = {name: 0.5 + 0.2 * better + 0.1 * chance.random() for name in COMPARED}
    measured['lag_ms'] = 80.0 - 60 * better + 20 * chance.random()
    shas = row['clip_sha'], row['result_sha']
    ws.log_store.fidelity.add(shas, VERSION, enough_motion=True, **measured)"""
PANEL = "from motion_widgets.widgets.study_panel import StudyPanel\nStudyPanel(ws)"


def test_what_is_known_is_read_in_every_theme_and_width(page: Page, lab: Lab) -> None:
    lab.open(page, lab.write_notebook("known/panel", [KNOWN, PANEL]))
    lab.run_all(page)
    panel = page.locator(".motion-widgets").first
    expect(panel.get_by_role("heading", name="How the motion follows the clip")).to_be_visible()
    assert page.evaluate(BEYOND) == 0
    axe(page, ".motion-widgets")
    shot(page, "study-known-light", ".motion-widgets")
    lab.theme(page, "JupyterLab Dark")
    axe(page, ".motion-widgets")
    shot(page, "study-known-dark", ".motion-widgets")
    narrow(page)
    assert_fits(page)
    shot(page, "study-known-420", ".motion-widgets")
    wide(page)
    lab.theme(page, "JupyterLab Light")
