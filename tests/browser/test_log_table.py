"""The log as people use it: found, repeated, compared, decided; clicks are counted."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser._lab import Lab, axe, narrow, shot, wide
from tests.browser.test_studio import LONG, assert_fits

# A real sweep and a real job on the sandbox, older copies to make 40, and a job whose answer got lost.
FORTY = """import dataclasses, time
import motion_widgets as mw
from sqlalchemy import insert
from motion_widgets.log.schema import jobs
ws = mw.Workspace('forty', endpoint='sandbox', speed=200)
samples = ws.samples()
base = dict(model='kling-v2-6-motion-control', image_url=samples.image, video_url=samples.clip_6s)
req = mw.MotionRequest(**base, prompt='waves at the camera')
run = mw.Sweep(req, mode=['std', 'pro'], character_orientation=['image', 'video']).plan(ws).run(budget=3.0)
job = ws.submit(mw.MotionRequest(**base, prompt='bows slowly, the needle'), max_cost=1)
run.wait(120), job.wait(120)
done = [dataclasses.asdict(row) for row in ws.log_store.jobs.rows()]
now, day = int(time.time() * 1e6), 86_400_000_000
def copy(n):
    row = done[n % 4] | dict(id=f'job-00{99 - n:014d}', key=f'k{n}', idempotency_key=f'i{n}')
    row |= dict(sweep_id=None)
    return row | dict(created=now - n * day, prompt=f'dances in place, take {n}', seq=n)
lost = copy(1) | dict(
    id='job-zzzzzzzzzzzzzzzz', key='lost', idempotency_key='lost', state='unknown', cost=None, task_id=None,
    reserved=342_720, sent=now, created=now, result_path=None, error_message='The connection broke.')
with ws.log_store.database.write() as c:
    c.execute(insert(jobs), [*(copy(n) for n in range(1, 36)), lost])
"""
STUDIO = "studio = mw.Studio(ws, tab='log')\nstudio"


class Clicks:
    """Clicks and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Locator) -> None:
        self.count += 1
        target.click()


def test_lab_one_job_of_forty_is_found_repeated_with_another_mode_and_compared(  # noqa: PLR0915 - one story
    page: Page, lab: Lab
) -> None:
    lab.open(page, lab.write_notebook("found/log", [FORTY, STUDIO]))
    lab.run_all(page)
    root = page.locator(".motion-widgets").first
    lines = root.locator(".mw-log tbody tr:has(input[data-control=choose])")
    expect(root.get_by_text("1\u201325 of 41")).to_be_visible(timeout=LONG)
    expect(root.locator(".mw-grid-pictures img").nth(9)).to_be_visible(timeout=LONG)
    head = root.locator(".mw-grid-group").filter(has_text="quality \u00d7 faces")
    expect(head).to_contain_text("4 of 4 cells")
    expect(root.locator(".mw-undecided")).to_contain_text("1 job may have been charged ($0.35 held).")
    shot(page, "log-light", ".motion-widgets")
    axe(page, ".motion-widgets")

    click = Clicks()
    click(root.get_by_label("Search the log"))
    page.keyboard.type("needle")
    expect(lines).to_have_count(1)
    click(lines.get_by_role("button", name=re.compile("^More about")))
    again = root.locator(".mw-grid-editor").get_by_role("button", name=re.compile("^pro"))
    expect(again).to_be_visible(timeout=LONG)
    shot(page, "log-more-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    click(again)
    expect(lines).to_have_count(2, timeout=LONG)
    expect(root.get_by_text("2 chosen:")).to_be_visible()
    expect(lines.first).to_contain_text("collected", timeout=LONG)
    click(root.locator(".mw-grid-acts").get_by_role("button", name="Compare"))
    expect(root.get_by_role("figure").nth(2)).to_be_visible(timeout=LONG)
    assert click.count <= 5
    print(f"found, repeated and compared: {click.count} clicks")

    # Its money is decided on in two clicks, and asking the account is free.
    root.get_by_role("tab", name=re.compile("^Log")).click()
    pinned = root.locator(".mw-undecided")
    pinned.get_by_role("button", name="Ask the account now").click()
    expect(pinned.get_by_role("status").filter(has_text="account")).to_contain_text(
        "account shows", timeout=LONG
    )
    pinned.get_by_role("button", name="Write off\u2026").click()
    expect(pinned.get_by_text("counts as spent, and no result comes")).to_be_visible()
    shot(page, "log-undecided-light", ".motion-widgets")
    pinned.get_by_role("button", name="Write off \u00b7 $0.35").click()
    expect(pinned).to_be_hidden(timeout=LONG)

    # Filters are chips, a view keeps them, hidden rows are found again.
    root.get_by_label("Search the log").fill("")
    expect(root.get_by_text(" of 42")).to_be_visible(timeout=LONG)
    root.get_by_text("+ Filter").click()
    root.get_by_label("Filter by").select_option(label="Time")
    root.get_by_label("Value", exact=True).select_option(label="last 7 days")
    expect(root.locator(".mw-grid-chip")).to_contain_text("Time")
    expect(root.get_by_text("1\u201313 of 13")).to_be_visible(timeout=LONG)
    root.get_by_text("Views").click()
    root.get_by_label("Keep this search as").fill("this week")
    root.get_by_role("button", name="Save view").click()
    expect(root.get_by_text("is kept")).to_be_visible(timeout=LONG)
    root.get_by_role("button", name="Remove the filter Time").click()
    expect(root.get_by_text(" of 42")).to_be_visible(timeout=LONG)
    root.get_by_text("Views").click()
    root.get_by_role("button", name="this week", exact=True).click()
    expect(root.get_by_text("1\u201313 of 13")).to_be_visible(timeout=LONG)
    root.get_by_text("Columns", exact=True).click()
    root.get_by_label("Estimate").check()
    expect(root.get_by_role("columnheader", name="Estimate")).to_be_visible(timeout=LONG)
    shot(page, "log-filters-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    page.keyboard.press("Escape")

    lab.theme(page, "JupyterLab Dark")
    shot(page, "log-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "log-420", ".motion-widgets")
    assert_fits(page)
    wide(page)
