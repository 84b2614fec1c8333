"""The form without a browser: what it says, what it gates, and what it never does twice."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.media.probe import measure as measuring
from motion_widgets.request.fields import FIELD, WIRE_FIELDS
from motion_widgets.widgets.code_card import KINDS, snippet
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


def measured(form: mw.RequestForm) -> None:
    until(lambda: not form.measuring)


def fill(form: mw.RequestForm, clip: Path) -> None:
    samples = form.ws.samples()
    form.image_field.box.value, form.clip_field.box.value = str(samples.image), str(clip)
    measured(form)


def text_of(form: mw.RequestForm, field: str) -> str:
    return str(form._fields[field]._said.value)


def test_every_wire_field_has_a_control_that_keeps_its_values(form: mw.RequestForm) -> None:
    assert sorted(form.controls) == sorted(WIRE_FIELDS), "a field without a place in the form"
    for name, one in form.controls.items():
        for value in FIELD[name].choices or ("https://example.com/a",):
            one.value = value
            assert (one.value, getattr(form.request, name)) == (value, value), name
        one.value = object()
        assert one.value == FIELD[name].unset_means, f"{name}: what it does not offer is unchosen"


def test_an_empty_form_names_what_is_missing_and_gates_the_button(form: mw.RequestForm) -> None:
    assert form.card.submit.disabled
    assert "There is no link or path for the character image yet" in text_of(form, "image_url")
    assert "There is no link or path for the reference clip yet" in text_of(form, "video_url")


def test_a_clip_too_long_is_said_in_its_field_and_mended_by_one_click(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_12s)
    assert "The clip is 12.00 s, 2.00 s too long" in text_of(form, "video_url")
    assert form.card.submit.disabled
    fix = form._fields["video_url"]._fixes.buttons[0]
    assert fix.description == "Use orientation “video” (3–30 s)"
    fix.click()
    assert form.controls["character_orientation"].value == "video"
    assert "too long" not in text_of(form, "video_url")
    assert not form.card.submit.disabled


def test_the_price_follows_model_mode_and_clip(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    form.controls["model"].value = "kling-v2-6-motion-control"
    assert form.card.submit.description == "Generate in the SANDBOX ($0.34)"
    form.controls["mode"].value = "pro"
    assert form.card.submit.description == "Generate in the SANDBOX ($0.55)"


def test_a_click_while_submitting_does_nothing(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
    for _ in range(3):
        form.card.submit.click()
    until(lambda: not form.card.submitting)
    assert len(form.ws.log) == 1


def test_text_that_arrives_after_its_click_is_submitted_with_it(form: mw.RequestForm) -> None:
    # The page holds changes back while the kernel is busy, and a click overtakes them.
    fill(form, form.ws.samples().clip_6s)
    form.card.submit.click()
    form.controls["prompt"].value = "typed before the click, arrived after it"
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    frame = form.ws.log.frame()
    assert list(frame["prompt"]) == ["typed before the click, arrived after it"]


def test_a_price_that_changes_with_the_click_sends_nothing(form: mw.RequestForm) -> None:
    fill(form, form.ws.samples().clip_6s)
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
    assert form.card.submit.layout.display == "none"
    assert form.card.shown.layout.display is None
    assert form.card.again.description == "Make another ($0.62)"
    form.controls["prompt"].value = "another content"
    until(lambda: form.card.submit.layout.display is None)
    form.controls["prompt"].value = ""
    until(lambda: form.card.submit.layout.display == "none")
    form.card.again.click()
    until(lambda: not form.card.submitting and len(form.ws.log) == 2)


def test_a_stale_measurement_never_overwrites_a_newer_one(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = form.ws.samples()
    slow, go = threading.Event(), threading.Event()
    real = form.ws.preparation.measure

    def measure(req: mw.MotionRequest) -> Any:
        if req.video_url == str(samples.clip_12s):
            slow.set()
            go.wait(30)
        return real(req)

    monkeypatch.setattr(form.ws.preparation, "measure", measure)
    form.clip_field.box.value = str(samples.clip_12s)
    until(slow.is_set)
    form.clip_field.box.value = str(samples.clip_6s)
    until(lambda: isinstance(form.clip_field.fact, mw.Clip))
    go.set()
    until(lambda: threading.active_count() >= 1)
    assert isinstance(form.clip_field.fact, mw.Clip)
    assert form.clip_field.fact.name == samples.clip_6s.name


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
