"""A repair in the form while something else happens: a second click, another choice, the wrong moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTE = mw.Operation("mute_clip")


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    made.clip_field.use(str(ws.samples().clip_6s))
    until(lambda: isinstance(made.clip_field.fact, mw.Clip))
    yield made
    made.close()


def test_one_repair_at_a_time(form: mw.RequestForm) -> None:
    repair, before = form.clip_field.repair, form.clip_field.value()
    with form.lock:  # so that the first one cannot end before the others were asked for
        repair._run(MUTE)
        repair._run(mw.Operation("trim_clip", {"start": 1.0, "length": 4.0}))
        with pytest.raises(mw.RequestError, match="running"):
            repair.mend_now(MUTE)
        assert repair.is_busy
    until(lambda: not repair.is_busy)
    assert form.clip_field.value() != before
    assert len(list(form.ws.folder.glob("mended/*.mp4"))) == 1


def test_a_repair_is_not_put_over_what_was_chosen_meanwhile(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair, real = form.clip_field.repair, form.ws.mend
    other = str(form.ws.samples().clip_12s)

    def mend(*given: Any, **how: Any) -> object:
        made = real(*given, **how)
        form.clip_field.use(other)  # a person, while ffmpeg was at work
        return made

    monkeypatch.setattr(form.ws, "mend", mend)
    with pytest.raises(mw.RequestError, match="changed as you clicked"):
        repair.mend_now(MUTE)
    assert not repair.is_busy
    assert form.clip_field.value() == other


def test_a_repair_that_fails_is_said_and_the_next_one_runs(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair, before = form.clip_field.repair, form.clip_field.value()
    with pytest.raises(mw.ClipError, match="turn_the_world"):
        repair.mend_now(mw.Operation("turn_the_world"))
    assert not repair.is_busy
    assert form.clip_field.value() == before
    assert not repair.mend_now(MUTE).has_audio  # type: ignore[union-attr]


def test_what_is_no_file_here_is_not_offered_a_repair(form: mw.RequestForm) -> None:
    repair, before = form.clip_field.repair, form.clip_field.value()
    assert repair.offer(MUTE) is not None
    repair._stop()  # there is nothing to stop and nothing to undo
    repair._undo()
    assert form.clip_field.value() == before
    form.clip_field.use("https://example.com/dance.mp4")
    assert repair.offer(MUTE) is None


def test_a_repair_is_taken_back_unless_something_else_was_chosen(form: mw.RequestForm) -> None:
    repair, before = form.clip_field.repair, form.clip_field.value()
    repair.mend_now(MUTE)
    other = str(form.ws.samples().clip_12s)
    with form.lock:
        repair._undo()
        form.clip_field.use(other)
    until(lambda: repair._made is None)
    assert form.clip_field.value() == other
    form.clip_field.use(before)
    repair.mend_now(MUTE)
    repair._undo()
    until(lambda: form.clip_field.value() == before)
