"""The Studio's job view when things go wrong: what is known, the real reason, the next step that works."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser._lab import Lab, axe, narrow, shot, wide
from tests.browser.test_studio import LONG, assert_fits, media, studio, tab  # noqa: F401 - a fixture among them

if TYPE_CHECKING:
    from pathlib import Path

ROOT = ".fault-page"
CELL = """import ipywidgets
import motion_widgets as mw
ws = mw.Workspace({folder!r}, endpoint='sandbox', speed=200)
req = mw.MotionRequest(model='kling-v2-6-motion-control', image_url={image!r}, video_url={clip!r},
                       character_orientation='image', mode='std')
ws.connection.sandbox.faults = {plan!r}
studio = mw.Studio(ws)
monitor = mw.JobMonitor(ws, on_show=studio.stage.show_job, on_edit=studio._edit)
page = ipywidgets.VBox([studio, monitor])
page.add_class("fault-page")
page"""


def fault(on: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"on": on, "kind": kind, **more}


class Stage:
    """One notebook with a Studio on a sandbox that plays a plan."""

    def __init__(self, page: Page, lab: Lab, media: Path) -> None:  # noqa: F811
        self.page, self.lab, self._media = page, lab, media

    def open(self, name: str, *rules: dict[str, Any]) -> Locator:
        told = {"image": str(self._media / "hero.png"), "clip": str(self._media / "six.mp4")}
        cell = CELL.format(folder=f"faults-{name}", plan={"fault": list(rules)}, **told)
        self.lab.open(self.page, self.lab.write_notebook(f"faults/{name}", [cell]))
        self.lab.run_all(self.page)
        return studio(self.page)

    def run(self, code: str) -> None:
        self.lab.execute(self.page, code)

    def submit(self) -> None:
        self.run("job = ws.submit(req)")

    def look(self, name: str) -> None:
        shot(self.page, f"fault-{name}", ROOT)
        axe(self.page, ROOT)


@pytest.fixture
def stage(page: Page, lab: Lab, media: Path) -> Stage:  # noqa: F811
    return Stage(page, lab, media)


def rows(root: Locator) -> Locator:
    """The rows of the job monitor below the Studio."""
    return root.page.locator(".mw-jobs .mw-row")


def row(root: Locator, word: str) -> Locator:
    """The newest job, once it is in the state that `word` says."""
    found = rows(root).first
    expect(found).to_contain_text(word, timeout=LONG)
    return found


def test_an_unknown_outcome_waits_for_a_person_who_can_leave_it_send_it_again_or_write_it_off(
    stage: Stage,
) -> None:
    root = stage.open("unknown", fault("submit", "reset", accepted=True))
    stage.submit()
    found = row(root, "unknown")
    for said in (
        "it may have been charged: $0.35 stays reserved",
        "nothing is sent again automatically",
        "Writing off counts $0.35 as spent",
    ):
        expect(found).to_contain_text(said)
    stage.look("unknown-light")
    narrow(stage.page)
    assert_fits(stage.page)
    stage.look("unknown-narrow")
    wide(stage.page)
    stage.lab.theme(stage.page, "JupyterLab Dark")
    stage.look("unknown-dark")
    found.get_by_role("button", name="Keep waiting").click()
    expect(found).to_contain_text("Left as it is")
    found.get_by_role("button", name="Decide…").click()
    # The same key and body: the sandbox, which took it the first time, charges once.
    found.get_by_role("button", name="Send again, same key").click()
    row(root, "collected")
    stage.run("assert len(ws.connection.sandbox.charges) == 1, ws.connection.sandbox.charges")


def test_402_says_what_is_missing_pauses_the_sweep_and_goes_on_once_it_is_there(stage: Stage) -> None:
    root = stage.open("402")
    stage.run("ws.connection.sandbox.set_balance(0.10)")
    stage.run(
        "from motion_widgets.jobs.scheduling import timing; timing.CALLS = 1\n"
        "ws.connection.runner.context.limiter._concurrency = 1\n"
        "run = mw.Sweep(req, prompt=['a', 'b', 'c']).plan(ws).run(budget=2)"
    )
    rejected = rows(root).filter(has_text="rejected")
    planned = rows(root).filter(has_text="planned")
    expect(rejected).to_have_count(1, timeout=LONG)
    expect(planned).to_have_count(2)
    for one in (rejected.first, planned.first, planned.last):
        expect(one).to_contain_text("$0.10 is left: $0.25 is missing.")
    expect(rejected).to_contain_text("Not accepted, so it cost nothing.")
    expect(root.locator(".mw-head")).to_contain_text("$0.10 left")
    stage.look("402-light")
    stage.run("ws.connection.sandbox.set_balance(5)")
    rejected.get_by_role("button", name="Retry ($0.35)").click()
    expect(rows(root).filter(has_text="collected")).to_have_count(1, timeout=LONG)
    planned.first.get_by_role("button", name="Continue ($0.35)").click()
    expect(rows(root).filter(has_text="collected")).to_have_count(2, timeout=LONG)


def test_a_moderation_failure_gives_the_reason_the_refund_and_the_way_back_into_the_form(
    stage: Stage,
) -> None:
    root = stage.open(
        "moderation", fault("status", "failed", reason="moderation", match="bad", times=0, billed="silent")
    )
    stage.run("job = ws.submit(req.replace(prompt='bad'))")
    found = row(root, "failed")
    for said in ("1301", "It was refunded.", "Change the image, the clip or the prompt"):
        expect(found).to_contain_text(said)
    stage.look("moderation-light")
    found.get_by_role("button", name="Change or repeat…").click()
    prompt = root.get_by_label("Prompt, optional")
    expect(prompt).to_have_value("bad")
    prompt.fill("good")
    expect(root.locator(".mw-balance").first).to_have_text(re.compile(r"^SANDBOX balance \$\d+\.\d\d$"))
    root.locator(".mw-submit").click()
    row(root, "collected")

    # A sweep whose failures lie on one value says which.
    stage.run(
        "run = mw.Sweep(req, prompt=['fine', 'bad'], mode=['std', 'pro'],\n"
        "               character_orientation=['image', 'video']).plan(ws).run().wait(90)"
    )
    expect(root.page.locator(ROOT)).to_contain_text(
        "bad failed in 4 of 4 cells; the others in 0 of 4.", timeout=LONG
    )
    stage.look("cluster-light")


def test_an_expired_result_says_that_it_was_paid_and_what_is_left_to_do(stage: Stage) -> None:
    died = {"result.videos.0.expires_at": 1_600_000_000}
    told = fault("status", "fields", set=died, when="completed", times=0)
    root = stage.open("expired", fault("result", "expired", times=0), told)
    stage.run("from motion_widgets.jobs.scheduling import timing; timing.STEP = 0.01")
    stage.submit()
    found = row(root, "expired")
    for said in (
        "its link expired before it was downloaded. It was billed $0.34.",
        "ask the endpoint again, which is free, or the provider about task",
    ):
        expect(found).to_contain_text(said)
    stage.look("expired-light")
    stage.run("ws.connection.sandbox.faults = None")
    found.get_by_role("button", name="Change or repeat…").click()
    again = root.get_by_role("button", name="Make another · free")
    expect(again).to_be_enabled()
    again.click()
    row(root, "collected")


def test_an_endpoint_that_is_away_for_a_minute_loses_nothing_and_comes_back_by_itself(stage: Stage) -> None:
    root = stage.open("down")
    stage.run("from motion_widgets.jobs.scheduling import timing; timing.BACKOFF = (0.3, 2.0)")
    stage.run("ws.connection.sandbox.faults = {'fault': [dict(on='status', kind='down', seconds=1e6)]}")
    stage.submit()
    found = row(root, "The endpoint has not responded since")
    expect(found).to_contain_text("Nothing is lost: the task continues there.")
    expect(found).to_contain_text("it is tried again automatically")
    expect(found.get_by_role("button")).to_have_count(0)
    tab(root, "Log")
    tab(root, "Create")
    stage.look("down-light")
    # A minute of the provider's time, at this sandbox's clock factor; then it is back.
    stage.run(
        "ws.connection.sandbox.faults = {'fault': [dict(on='any', kind='down', seconds=60, how='close')]}"
    )
    found = row(root, "collected")
    expect(found).not_to_contain_text("does not respond")
    expect(found.locator(".mw-note")).to_have_count(0)
    tab(root, "Log")
    expect(root.locator(".mw-log tbody tr")).to_have_count(1)
