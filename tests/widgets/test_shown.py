"""What a notebook shows at the end of a cell: one line of text, and HTML in which everything is escaped."""

from __future__ import annotations

import html.parser
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import motion_widgets as mw
from motion_widgets.core.html_repr import address_of, card, player, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<img src=x onerror=alert(1)>\u202e$x$"


class Seen(html.parser.HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def shown(value: object) -> Seen:
    """Return what a notebook makes of a value; its text is one line, and nothing in it is a tag of others."""
    assert "\n" not in repr(value)
    seen = Seen(value._repr_html_())  # type: ignore[attr-defined]
    assert not [names for _, names in seen.tags if any(name.startswith("on") for name in names)]
    assert "script" not in dict(seen.tags)
    return seen


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[mw.Workspace]:
    folder = tmp_path_factory.mktemp("shown")
    shutil.copytree(drawn, folder / "samples")
    with mw.Workspace(folder, endpoint="sandbox", speed=300) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(ws: mw.Workspace) -> mw.Run:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s, prompt="<b>hi"
    )
    sweep = mw.Sweep(req, mode=["std", "pro"], character_orientation=["image"])
    return sweep.plan(ws).run().wait()


@pytest.fixture
def hostile(ws: mw.Workspace) -> mw.Job:
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "h", "mode": HOSTILE}
    row, _ = ws.log_store.jobs.add({**values, "prompt": HOSTILE, "error_message": HOSTILE})
    return mw.Job(ws, row.id)


def test_a_job_plays_by_its_address(run: mw.Run, ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ws.folder)
    job = run.jobs[0]
    seen = shown(job)
    video = dict(seen.tags)["video"]
    assert video["src"] == f"results/{job.id}.mp4"
    assert {"controls", "muted"} <= video.keys()
    for said in (job.id, "✔ collected, $0.34", "SANDBOX", "kling-v2-6-motion-control · std · image", "<b>hi"):
        assert said in seen.text


def test_a_job_out_of_the_page_s_reach_is_a_still(
    run: mw.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = dict(shown(run.jobs[0]).tags)["img"]
    assert str(picture["src"]).startswith("data:image/jpeg;base64,")
    assert len(str(picture["src"])) < 60_000


def test_a_job_with_hostile_words_and_no_result(hostile: mw.Job) -> None:
    seen = shown(hostile)
    assert not {"img", "video"} & dict(seen.tags).keys()
    assert seen.text.count("onerror") == 3


def test_a_run_is_a_matrix(run: mw.Run) -> None:
    seen = shown(run)
    assert seen.text.count("✔ collected $") == 2
    assert [tag for tag, _ in seen.tags].count("tr") == 3, "two modes below a head"
    assert "character_orientation image" in seen.text
    assert repr(run)[1:-1] in seen.text


def test_a_plan_has_a_line_per_cell(run: mw.Run, ws: mw.Workspace) -> None:
    req = ws.request_of(run.jobs[0].row)
    plan = mw.Sweep(req, prompt=[f"take {number} {HOSTILE}" for number in range(61)]).plan(ws)
    seen = shown(plan)
    assert "<Plan of 61 cells: 61 new;" in repr(plan)
    assert seen.text.count("onerror") == 60
    assert "the first 60 of 61 cells" in seen.text


def test_findings_are_a_list_and_a_table(run: mw.Run, ws: mw.Workspace) -> None:
    draft = mw.MotionRequest(model=HOSTILE, video_url=ws.samples().clip_12s)
    for findings in (mw.check(draft), ws.check(draft)):
        assert isinstance(findings, list)
        assert findings == list(findings)
        seen = shown(findings)
        assert all(one.message in seen.text for one in findings if HOSTILE not in one.message)
        assert "onerror" in seen.text
        assert shown(findings[0]).text
    assert "Nothing is wrong" in shown(ws.check(ws.request_of(run.jobs[0].row))).text


def test_an_estimate_says_what_it_is_made_of(ws: mw.Workspace) -> None:
    req = mw.MotionRequest(model="kling-v3-motion-control", mode="pro", character_orientation="video")
    clip = mw.measure_clip(ws.samples().clip_12s)
    cost = mw.estimate(req, clip)
    assert repr(cost) == f"<Estimate {cost}>"
    assert "$0.13712" in shown(cost).text
    assert "length unknown" in shown(mw.estimate(req)).text


def test_a_clip_and_an_image(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ws.folder)
    clip, image = mw.measure_clip(ws.samples().clip_6s), mw.measure_image(ws.samples().image)
    assert repr(clip).startswith("<Clip wave-6s.mp4: 6.00 s, 540 × 960, 30 fps, with sound, mp4 avc1, ")
    assert repr(image).startswith("<Image figure.png: 720 × 1280, png, ")
    assert dict(shown(clip).tags)["video"]["src"] == "samples/wave-6s.mp4"
    assert dict(shown(image).tags)["img"]["src"] == "samples/figure.png"
    hostile = mw.Clip(source="https://h/a.mp4", name=HOSTILE, format=HOSTILE, length=5.0, width=9, height=9)
    assert "video" not in dict(shown(hostile).tags), "a link is not opened by looking at it"


def test_the_address_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert address_of(tmp_path / "a b" / "q?.mp4") == "a%20b/q%3F.mp4"
    assert [address_of(one) for one in ("bytes", "https://h/a.mp4")] == [None, None]
    assert address_of(tmp_path / ".hidden" / "c.mp4") is None
    assert address_of(tmp_path.parent / "c.mp4") is None
    assert player(tmp_path.parent / "c.mp4", "c") == ""


@settings(deadline=None, max_examples=50)
@given(st.text(), st.text())
def test_whatever_is_put_in_is_text(title: str, fact: str) -> None:
    def tags(*said: str) -> list[str]:
        page = card(said[0], {said[1]: said[1]}, table([said[0]], [[said[1], said[0]]], named=1))
        return [tag for tag, _ in Seen(page).tags]

    assert tags(title, fact or "x") == tags("a", "b")


MODES = ("Context", "Plain", "Verbose")
CELL = "import motion_widgets as mw\n\nmw.measure_clip('missing.mp4')"


def test_a_mistake_ends_in_one_line_and_the_whole_traceback_is_a_mode_away(tmp_path: Path) -> None:
    script = tmp_path / "cells.ipy"
    cells = [f"%xmode {mode}\nget_ipython().run_cell({CELL!r})\nprint('next')\n" for mode in MODES]
    script.write_text("".join(cells), "utf-8")
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", str(script)]
    ended = subprocess.run(
        command, env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")}, cwd=tmp_path,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    context, plain, verbose = (part.strip().splitlines()[1:] for part in ended.stdout.split("next\n")[:3])
    sentence = "“missing.mp4” was not found here. Check the path, or choose the file again."
    assert context == [f"ClipError (line 3): {sentence}"]
    for whole in (plain, verbose):
        assert any("probe" in line for line in whole)
        assert whole[-1] == f"ClipError: {sentence}"


def test_completion_offers_the_contract(ws: mw.Workspace) -> None:
    assert dir(mw) == sorted(mw.__all__)
    assert {"submit", "attach", "log", "folder", "set_budget", "samples"} <= set(dir(ws))
    assert not {"log_store", "connection", "team", "runner_for", "preparation"} & set(dir(ws))
    assert not [name for name in dir(ws) if name.startswith("_") or not hasattr(ws, name)]


def test_a_saved_notebook_shows_a_still(run: mw.Run, ws: mw.Workspace) -> None:
    form = mw.RequestForm(ws)
    try:
        bundle = form._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        assert bundle["text/plain"] == repr(form)
        assert repr(form).startswith(f"<RequestForm of {ws.folder.name} (SANDBOX, ")
        seen = Seen(bundle["text/html"])
        assert run.jobs[-1].id in seen.text
        assert str(ws.folder) not in bundle["text/html"] + bundle["text/plain"], "a notebook is passed on"
    finally:
        form.close()
