"""The form without a browser: what it says, what it gates, and what it never does twice."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.media.probe import measure as measuring
from motion_widgets.request.fields import FIELD, MODELS, WIRE_FIELDS
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets import submit_card
from motion_widgets.widgets.code_card import KINDS, snippet
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


def measured(form: mw.RequestForm) -> None:
    until(lambda: not form.measuring)
    with form.lock:  # it is drawn
        pass


def fill(form: mw.RequestForm, clip: Path) -> None:
    samples = form.ws.samples()
    form.image_field.box.value, form.clip_field.box.value = str(samples.image), str(clip)
    measured(form)


def text_of(form: mw.RequestForm, field: str) -> str:
    return form._fields[field].said


def test_every_wire_field_has_a_control_that_keeps_its_values(form: mw.RequestForm) -> None:
    assert sorted(form.controls) == sorted(WIRE_FIELDS), "a field without a place in the form"
    for name, one in form.controls.items():
        for value in FIELD[name].choices or ("https://example.com/a",):
            one.value = value
            assert (one.value, getattr(form.request, name)) == (value, value), name
        one.value = object()
        assert one.value == FIELD[name].unset_means, f"{name}: what it does not offer is unchosen"


def test_an_empty_form_is_cheap_and_says_nothing_is_wrong_until_generate_is_pressed(
    form: mw.RequestForm,
) -> None:
    assert form.request.model == "kling-v2-6-motion-control"
    assert form.request.mode == "std"
    assert "$0.17\u2013$0.58" in form.card._price.value
    assert [one.said for one in form._fields.values()] == [""] * len(form._fields)
    assert "Add a picture and a clip." in form.card.summary.value
    assert not any(one["wrong"] for one in form.media.cards.fields.values())
    led: list[Any] = []
    form.media.cards.focus_on = led.append  # type: ignore[method-assign]
    form.card.submit.click()
    assert len(form.ws.log) == 0
    assert led == ["image"], "to the first that is missing"
    assert form.card.submit.disabled, "all that holds it is shown"
    assert form.media.cards.fields["image_url"]["wrong"]
    assert form.media.cards.fields["image_url"]["by"] in text_of(form, "image_url")
    assert "There is no link or path for the character image yet" in text_of(form, "image_url")
    assert "There is no link or path for the reference clip yet" in text_of(form, "video_url")


def test_a_pasted_path_is_the_same_request(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    plain = form.request.key
    for field in (form.image_field, form.clip_field):
        field.box.value = f" '{field.box.value}' "
    measured(form)
    assert "not found" not in text_of(form, "image_url") + text_of(form, "video_url")
    assert form.request.key == plain
    assert not form.card.submit.disabled


def test_a_clip_too_long_is_said_in_its_field_and_mended_by_one_click(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_12s)
    assert "The clip is 12.00 s, 2.00 s too long" in text_of(form, "video_url")
    trim, fix = form._fields["video_url"].buttons
    assert (trim.description, fix.description) == ("Trim to 9.9 s", "Use orientation “video” (3–30 s)")
    fix.click()
    assert form.controls["character_orientation"].value == "video"
    assert "too long" not in text_of(form, "video_url")
    assert not form.card.submit.disabled


def test_the_price_follows_model_mode_and_clip(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    assert form.card.submit.description == "Generate · free"
    assert "$0.35" in form.card._price.value
    form.controls["mode"].value = "pro"
    assert "$0.55" in form.card._price.value
    modes = form.controls["mode"].widget
    assert [label for label, _ in modes.options] == ["std\n$0.057 a second", "pro\n$0.091 · slower"]
    form.controls["model"].value = "kling-v3-motion-control"
    assert (form.request.mode, modes.options[0][0]) == ("pro", "std\n$0.103 a second")


def test_a_click_while_submitting_does_nothing(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    for _ in range(3):
        form.card.submit.click()
    until(lambda: not form.card.submitting)
    assert len(form.ws.log) == 1


def test_text_that_arrives_after_its_click_is_submitted_with_it(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page holds changes back while the kernel is busy, and a click overtakes them.
    fill(form, form.ws.samples().clip_6s)
    with monkeypatch.context() as patient:  # what arrives is what ends the waiting, however slow this is
        patient.setattr(submit_card, "SETTLE", 60.0)
        form.card.submit.click()
    form.controls["prompt"].value = "typed before the click, arrived after it"
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    frame = form.ws.log.frame()
    assert list(frame["prompt"]) == ["typed before the click, arrived after it"]


def test_a_price_that_changes_with_the_click_sends_nothing(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(form, form.ws.samples().clip_6s)
    with monkeypatch.context() as patient:
        patient.setattr(submit_card, "SETTLE", 60.0)
        form.card.submit.click()
    form.controls["mode"].value = "pro"
    until(lambda: not form.card.submitting)
    assert len(form.ws.log) == 0
    assert "Nothing was sent; check it" in form.notice.value
    assert not form.card.submit.disabled


def test_the_same_request_again_offers_its_result_or_another_one(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    form.card.submit.click()
    until(lambda: not form.card.submitting and form.card.earlier is not None)
    until(lambda: form.card.submit.layout.display == "none")
    earlier = form.card.earlier
    assert earlier is not None
    assert earlier.wait(60).state == "collected"
    form.redraw()
    until(lambda: ui.is_shown(form.card.shown))
    assert "Submitted as" not in form.notice.value, "that it continues is no news any more"
    form.card.point_at(earlier.id)  # it stands beside the form already
    assert not ui.is_shown(form.card.shown)
    form.card.point_at("job-other")
    assert ui.is_shown(form.card.shown)
    assert form.card.again.description == "Make another · free"
    form.controls["prompt"].value = "another content"
    until(lambda: form.card.submit.layout.display is None)
    form.controls["prompt"].value = ""
    until(lambda: form.card.submit.layout.display == "none")
    form.card.again.click()
    until(lambda: not form.card.submitting and len(form.ws.log) == 2)


def submitted(form: mw.RequestForm) -> mw.Job:
    """Submit the sample and wait until it ended; the form has not looked yet."""
    fill(form, form.ws.samples().clip_6s)
    form.card.submit.click()
    until(lambda: form.card.earlier is not None and not form.card.submitting)
    (job,) = form.ws.jobs()
    return job.wait(60)


def test_that_a_job_continues_is_said_until_it_ended(form: mw.RequestForm) -> None:
    said: list[str] = []
    form.notice.observe(lambda change: said.append(change["new"]), "value")
    job = submitted(form)
    assert job.state == "collected"
    form.clip_field.use("")  # also while the form holds something else by then
    form.redraw()
    until(lambda: said and job.id not in form.notice.value)
    assert any(f"Submitted as {job.id}." in one for one in said)


def test_a_job_that_ended_takes_no_other_sentence_away(form: mw.RequestForm) -> None:
    submitted(form)
    form.announce("something newer")
    form.redraw()
    until(lambda: form.card._sent is None and ui.is_shown(form.card.shown))
    assert "something newer" in form.notice.value


def test_a_job_that_is_under_way_has_no_result_to_show(ws: mw.Workspace) -> None:
    shown: list[bool] = []
    form = mw.RequestForm(ws, on_submit=lambda _: shown.append(ui.is_shown(form.card.shown)), watch=False)
    fill(form, ws.samples().clip_6s)
    form.card.submit.click()
    until(lambda: shown)
    assert shown == [False]
    form.close()


def test_what_is_missing_is_an_error_only_once_somebody_wants_to_submit(ws: mw.Workspace) -> None:
    form = mw.RequestForm(
        ws, request=mw.MotionRequest(model=MODELS[0], mode="std", prompt="turns"), watch=False
    )
    assert not any(one.findings for one in form._fields.values())
    assert "Add a picture and a clip." in form.card.summary.value
    form.load(form.request.replace(image_url=str(ws.samples().image)))
    until(lambda: "Add a clip." in form.card.summary.value)
    form.card.submit.click()
    assert form._fields["video_url"].findings
    form.load(form.request.replace(prompt="x" * 2501))
    assert form._fields["prompt"].findings, "what is wrong with what it has is shown"
    form.close()


def test_a_stale_measurement_never_overwrites_a_newer_one(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = form.ws.samples()
    slow, go, done = threading.Event(), threading.Event(), threading.Event()
    real = form.ws.preparation.measure

    def measure(req: mw.MotionRequest) -> Any:
        if req.video_url != str(samples.clip_12s):
            return real(req)
        slow.set()
        go.wait(30)
        try:
            return real(req)
        finally:
            done.set()

    monkeypatch.setattr(form.ws.preparation, "measure", measure)
    form.clip_field.box.value = str(samples.clip_12s)
    until(slow.is_set)
    form.clip_field.box.value = str(samples.clip_6s)
    until(lambda: isinstance(form.clip_field.fact, mw.Clip))
    go.set()
    until(done.is_set)
    assert isinstance(form.clip_field.fact, mw.Clip)
    assert form.clip_field.fact.name == samples.clip_6s.name


def test_what_comes_late_overwrites_no_newer_choice(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = form.ws.samples()
    begun, go, found = threading.Event(), threading.Event(), list[object]()

    def late(what: Callable[..., Any]) -> Callable[..., Any]:
        def call(*told: Any) -> Any:
            begun.set()
            go.wait(30)
            return what(*told)

        return call

    taken = form.clip_field._use_instead
    monkeypatch.setattr(form.clip_field, "_use_instead", lambda *told: (taken(*told), found.append(told)))
    monkeypatch.setattr(form.ws, "samples", late(form.ws.samples))
    form.clip_field.act("sample")
    assert begun.wait(30)
    form.clip_field.use(str(samples.clip_12s))
    go.set()
    until(lambda: found)
    assert form.clip_field.value() == str(samples.clip_12s)


def test_an_earlier_result_that_was_looked_for_another_draft_is_not_offered(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(form, form.ws.samples().clip_6s)
    form.card.submit.click()
    until(lambda: not form.card.submitting and form.card.earlier is not None)
    begun, go, done, find = threading.Event(), threading.Event(), threading.Event(), form.ws.find

    def late(req: mw.MotionRequest) -> Any:
        begun.set()
        go.wait(30)
        try:
            return find(req)
        finally:
            done.set()

    monkeypatch.setattr(form.ws, "find", late)
    form.card.look_up()
    assert begun.wait(30)
    form.clip_field.use("")  # a draft for which nothing is looked up
    until(lambda: form.card.earlier is None)
    go.set()
    until(done.is_set)
    passed = threading.Event()
    form.later("other", lambda: None, lambda _: passed.set())
    assert passed.wait(30)
    assert form.card.earlier is None
    assert ui.is_shown(form.card.submit)


def test_what_was_looked_for_before_a_submit_does_not_hide_its_job(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()
    looking, find, run = list[int](), form.ws.find, form.edge.run
    fill(form, form.ws.samples().clip_6s)

    def late(req: mw.MotionRequest) -> Any:
        found = find(req)
        if not looking:
            looking.append(threading.get_ident())
            begun.set()
            go.wait(60)
        return found

    def watched(call: Callable[[], object], *source: str) -> bool:
        went_well = run(call, *source)
        if [threading.get_ident()] == looking and go.is_set():
            ended.set()
        return went_well

    monkeypatch.setattr(form.ws, "find", late)
    monkeypatch.setattr(form.edge, "run", watched)
    form.card.look_up()
    assert begun.wait(60)
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    go.set()
    until(ended.is_set)
    assert form.card.earlier is not None
    assert not ui.is_shown(form.card.submit)


def test_a_keystroke_touches_neither_disk_nor_network(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(form, form.ws.samples().clip_6s)
    monkeypatch.setattr(measuring, "measure_clip", lambda *_: pytest.fail("measured on a keystroke"))
    opened: list[object] = []
    real = open

    def watched(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            opened.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr("builtins.open", watched)
    form.controls["prompt"].value = "a"
    form.controls["prompt"].value = "ab"
    assert opened == []


def test_any_text_is_accepted_and_shown_escaped(form: mw.RequestForm) -> None:
    form.clip_field.box.value = "<img src=x onerror=alert(1)>.mp4"
    measured(form)
    assert "<img src=x" not in text_of(form, "video_url")
    assert "&lt;img src=x" in text_of(form, "video_url")
    form.controls["webhook"].value = "<b>no address</b>"
    assert "&lt;b&gt;" in text_of(form, "webhook")
    form.controls["prompt"].value = "x" * 2501
    assert "1 too many" in text_of(form, "prompt")


def test_a_pasted_request_fills_the_form_and_a_wrong_one_says_why(form: mw.RequestForm) -> None:
    wire = {
        "model": "kling-v2-6-motion-control",
        "prompt": "手を振る",
        "character_orientation": "video",
        "mode": "pro",
    }
    form.code.paste.value = json.dumps(wire)
    form.code.take.click()
    req = form.request
    assert (req.prompt, req.character_orientation, req.mode) == ("手を振る", "video", "pro")
    form.code.paste.value = '{"duration": 5}'
    form.code.take.click()
    assert "The endpoint has no field duration" in form.notice.value
    assert form.code.paste.value
    form.code.paste.value = "{"
    form.code.take.click()
    assert "This is not valid JSON" in form.notice.value


def test_the_code_shown_is_the_exact_request_and_names_no_key(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIMART_API_KEY", "sk-planted-key")
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url="https://example.com/i.png", video_url="https://example.com/v.mp4",
        prompt="it's a \"test\"",
    )  # fmt: skip
    assert json.loads(snippet("JSON", req, form.ws)) == req.to_wire()
    for kind in KINDS:
        assert "planted" not in snippet(kind, req, form.ws)
    names: dict[str, Any] = {}
    lines = snippet("Python", req, form.ws).split("job = ")[0].replace("ws = ", "ws = None and ")
    exec(lines, names)
    assert names["req"] == req


@pytest.mark.parametrize("field", ["prompt", "webhook", "image_url", "video_url"])
def test_pasted_megabytes_are_said_in_one_sentence_and_drawn_nowhere(
    form: mw.RequestForm, field: str
) -> None:
    """5 MB took 18 s and came back as 18 MB of code."""
    form.controls[field].widget.value = "https://h.example/" + "\u00e9<b>x " * 1_000_000
    assert "text_long" in [one.code for one in form.findings if one.field == field]
    form.code.head.click()
    assert 0 < len(form.code._code.value) < 200_000
    form.controls[field].widget.value = ""


def test_a_pasted_request_of_megabytes_is_not_read(form: mw.RequestForm) -> None:
    form.code.paste.value = "[" * 1_000_000
    form.code.take.click()
    assert len(form.code.paste.value) == 1_000_000  # the person decides
    assert form.request.model is not None
