"""Errors that nobody expected: said in one line, logged with their traceback, and the widget works on."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.core import logging as our_logging
from motion_widgets.core.errors import LogError
from motion_widgets.log.jobs import Jobs
from motion_widgets.log.states import State
from motion_widgets.widgets import GoLive
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.cell_matrix import CellMatrix, MatrixCell
from motion_widgets.widgets.edge import DRAWING, WATCHING, Edge
from motion_widgets.widgets.row_grid import RowGrid
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in
from tests.widgets.test_request_form import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ipywidgets as w

LINE = "Something went wrong here (OSError: [Errno 28] No space left on device). Jobs go on."


@pytest.fixture(autouse=True)
def fresh(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was logged yet."""
    monkeypatch.setattr(our_logging, "_seen", {})
    caplog.set_level(logging.WARNING, "motion_widgets")


def fail(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


def unexpected(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the records with a traceback."""
    return [one for one in caplog.records if one.name.startswith("motion_widgets") and one.exc_info]


# Every callback goes through an edge.


def callbacks(widget: w.Widget) -> Iterator[Any]:
    """Yield all that a widget calls back."""
    for by_type in widget._trait_notifiers.values():
        for found in by_type.values():
            yield from found
    for name in ("_msg_callbacks", "_click_handlers", "_submission_callbacks", "_display_callbacks"):
        yield from getattr(getattr(widget, name, None), "callbacks", ())


def is_ours(callback: Any) -> bool:
    if isinstance(callback, functools.partial):
        return is_ours(callback.func)
    if isinstance(callback, traitlets.EventHandler):
        return str(callback.this_class.__module__).startswith("motion_widgets")
    return str(getattr(callback, "__module__", "")).startswith("motion_widgets")


def test_every_callback_of_every_widget_goes_through_an_edge(ws: mw.Workspace) -> None:
    job = ws.submit(request_of(ws, mode="std", character_orientation="image")).wait(60)
    ws.library.add(ws.samples().clip_6s)
    before = set(_instances)
    studio = mw.Studio(ws)
    table, board = mw.LogTable(ws, watch=False), mw.SweepBoard(ws, watch=False)
    table.grid.chosen = [job.id]
    table._message({"type": "act", "what": "compare"})  # makes its wall
    axis = board.axes.library["video_url"]
    axis._toggle()
    until(lambda: axis.boxes and len(table._body.children) > 4)
    others = [mw.RequestForm(ws, watch=False), mw.JobMonitor(ws, watch=False), mw.CompareWall(ws), GoLive(ws)]
    made = [widget for key, widget in list(_instances.items()) if key not in before]
    ours = [(widget, one) for widget in made for one in callbacks(widget) if is_ours(one)]
    loose = [f"{type(widget).__name__}: {one}" for widget, one in ours if not hasattr(one, "edge")]
    assert not loose, "these raise into nowhere; make them with `edge.guard`"
    assert len(ours) > 100
    for one in (studio, table, board, *others):
        one.close()


# The edge itself.


def test_what_failed_is_said_until_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    edge = Edge("Test", said.append)
    assert not edge.run(fail, DRAWING)
    assert said[-1].startswith(LINE)
    assert "motion_widgets" in said[-1]
    assert edge.run(lambda: None, "plan")
    assert edge.run(lambda: None)
    assert said[-1].startswith(LINE), "what draws by itself still fails"
    assert edge.run(lambda: None, DRAWING)
    assert said[-1] == ""
    (record,) = unexpected(caplog)
    assert (record.levelname, "Test: drawing" in record.getMessage()) == ("ERROR", True)


def test_the_next_action_takes_back_what_an_earlier_one_brought() -> None:
    said: list[str] = []
    edge = Edge("Test", said.append)
    edge.run(fail, "plan")
    edge.run(fail, WATCHING)
    assert edge.run(lambda: None)
    assert said[-1].startswith(LINE)
    assert edge.run(lambda: None, WATCHING)
    assert said[-1] == ""


def test_an_action_does_not_hide_what_failed_in_a_callback_that_it_brought_about() -> None:
    said: list[str] = []
    edge = Edge("Test", said.append)
    edge.guard(edge.guard(fail))()
    assert said[-1].startswith(LINE)
    edge.guard(lambda: None)()
    assert said[-1] == ""


def test_an_error_of_ours_is_said_in_its_own_words_and_one_that_cannot_be_printed_by_its_class() -> None:
    class Broken(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError

    def broken() -> None:
        raise Broken

    def ours() -> None:
        raise LogError.of("no_run", found="x")

    said: list[str] = []
    edge = Edge("Test", said.append)
    edge.run(ours)
    assert said[-1] == str(LogError.of("no_run", found="x"))
    edge.run(broken)
    assert "(Broken)" in said[-1]


def test_a_key_in_an_error_is_not_shown() -> None:
    def leak() -> None:
        raise ValueError("Authorization: Bearer sk-abcdefghijklmnopqrstuvwxyz012345")

    said: list[str] = []
    Edge("Test", said.append).run(leak)
    assert "sk-abcdefghijklmnopqrstuvwxyz012345" not in said[-1]


# Refreshing.


def test_a_monitor_whose_log_fails_says_so_once_and_draws_again_later(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monitor, looks = mw.JobMonitor(ws), list[object]()
    with monkeypatch.context() as broken:
        broken.setattr(Jobs, "rows", fail)
        again = monitor.draw_again

        def looked() -> None:  # by this panel; the runner reads the same log
            looks.append(None)
            again()

        broken.setattr(monitor, "draw_again", looked)
        row_in(ws, State.FAILED, error_message="the endpoint said no")
        until(lambda: len(looks) > 3)
        assert LINE in monitor._trouble.value
        assert 'role="status"' in monitor._trouble.value
        # The runner may complain as well, in a line of its own.
        said = [one.name for one in unexpected(caplog) if "JobMonitor" in one.getMessage()]
        assert len(said) == 1, "the same cause once, not at every look"
    until(lambda: "Something" not in monitor._trouble.value)
    until(lambda: any("the endpoint said no" in one._text.value for one in monitor._rows))
    monitor.close()


def test_a_log_that_cannot_be_looked_at_does_not_end_the_looking(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = mw.CompareWall(ws)
    with monkeypatch.context() as broken:
        broken.setattr(Jobs, "version", fail)
        until(lambda: LINE in wall._trouble.value)
    until(lambda: LINE not in wall._trouble.value)
    wall.close()


@pytest.mark.parametrize("name", ["form", "stage", "history", "board", "compare", "table"])
def test_a_panel_that_fails_leaves_the_others_of_the_studio_alone(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    studio = mw.Studio(ws)
    panel = getattr(studio, name)
    monkeypatch.setattr(panel, "refresh", fail)
    job_id = row_in(ws, State.FAILED)
    until(lambda: LINE in panel._trouble.value)
    if name != "stage":
        until(lambda: job_id in studio.stage.line._text.value)
    if name != "history":
        until(lambda: any(one["id"] == job_id for one in studio.history.strip.items))
    if name != "table":
        until(lambda: any(one["id"] == job_id for one in studio.table.grid.view.get("rows", ())))
    monkeypatch.undo()
    until(lambda: LINE not in panel._trouble.value)
    assert LINE not in studio._trouble.value
    studio.close()


def test_a_panel_opens_although_its_log_fails(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Jobs, "totals", fail)
        broken.setattr(Jobs, "rows", fail)
        studio = mw.Studio(ws)
        assert LINE in studio.stage._trouble.value
        assert LINE in studio.history._trouble.value
        assert LINE in studio._trouble.value
    panels = (studio, studio.stage, studio.history)
    until(lambda: not any(LINE in one._trouble.value for one in panels))
    assert "Spent" in studio._facts.value
    studio.close()


# Work in the background.


@pytest.fixture
def panel(ws: mw.Workspace) -> Iterator[Panel]:
    made = Panel(ws, watch=False)
    yield made
    made.close()


def test_work_that_fails_is_said_and_the_next_is_drawn(
    panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: list[object] = []
    panel.later("a", fail, drawn.append)
    until(lambda: LINE in panel._trouble.value)
    assert len(unexpected(caplog)) == 1
    panel.later("a", lambda: 1, drawn.append)
    until(lambda: drawn == [1] and LINE not in panel._trouble.value)


def test_a_drawing_that_fails_after_the_work_is_said(panel: Panel) -> None:
    panel.later("a", lambda: 1, fail)
    until(lambda: LINE in panel._trouble.value)
    taken: list[str] = []
    panel.later("b", lambda: 1, fail, failed=taken.append)
    until(lambda: taken)
    assert taken[0].startswith(LINE)


# Busy states end, whatever happens.


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


def test_a_submit_that_fails_frees_its_button(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(form, form.ws.samples().clip_6s)
    with monkeypatch.context() as broken:
        broken.setattr(mw.Workspace, "submit", fail)
        form.card.submit.click()
        until(lambda: LINE in form.notice.value)
    assert not form.card.submitting
    until(lambda: not form.card.submit.disabled)
    assert len(unexpected(caplog)) == 1
    form.card.submit.click()
    until(lambda: "Submitted" in form.notice.value or form.card.earlier is not None)
    assert LINE not in form.notice.value
    assert len(form.ws.log) == 1


def test_a_button_that_cannot_be_drawn_is_usable_later(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(form, form.ws.samples().clip_6s)
    with monkeypatch.context() as broken:
        broken.setattr(form.card, "draw", fail)
        form.card.submit.click()
        until(lambda: not form.card.submitting)
        assert LINE in form._trouble.value
    assert len(form.ws.log) == 1, "the click was on a button that named the price"


def test_a_medium_that_cannot_be_measured_is_said_in_its_field(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = form.ws.samples()
    with monkeypatch.context() as broken:
        broken.setattr(form.ws.preparation, "measure", fail)
        form.clip_field.box.value = str(samples.clip_6s)
        until(lambda: LINE in form._fields["video_url"].said)
    fill(form, samples.clip_6s)
    form.clip_field.measure()
    until(lambda: LINE not in form._fields["video_url"].said)


def test_a_mend_that_fails_can_be_tried_again(form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(form, form.ws.samples().clip_6s)
    repair = form.clip_field.repair
    operation = mw.Operation("trim_clip", {"start": 0.0, "length": 4.0})
    with monkeypatch.context() as broken:
        broken.setattr(mw.Workspace, "mend", fail)
        repair._run(operation)
        until(lambda: LINE in repair._said.value)
    assert repair._cancel is None
    assert not repair.is_busy
    repair._run(operation)
    until(lambda: repair._made is not None)
    assert LINE not in repair._said.value


def test_a_publishing_that_fails_can_be_tried_again(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(form, form.ws.samples().clip_6s)
    monkeypatch.setattr(mw.Workspace, "publish", fail)
    form.publishing._publish()
    until(lambda: LINE in form.publishing._said.value)
    assert not form.publishing._busy
    assert not form.publishing.now.disabled


def test_a_run_that_does_not_start_can_be_started_again(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    until(lambda: not board.start.disabled)
    with monkeypatch.context() as broken:
        broken.setattr(mw.Plan, "run", fail)
        board.start.click()
        until(lambda: LINE in board.notice.value)
    until(lambda: not board.start.disabled)
    board.start.click()
    until(lambda: board.run is not None)
    assert LINE not in board.notice.value
    board.close()


def test_a_plan_that_fails_is_made_again_at_the_next_change(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = mw.SweepBoard(ws, request=request_of(ws), watch=False)
    with monkeypatch.context() as broken:
        broken.setattr(mw.Sweep, "plan", fail)
        board.axes.boxes["mode"]["pro"].value = False
        until(lambda: LINE in board._trouble.value)
    board.axes.boxes["mode"]["pro"].value = True
    until(lambda: not board.start.disabled)
    assert LINE not in board._trouble.value
    board.close()


def test_running_again_that_fails_frees_its_button(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ws.submit(request_of(ws, mode="std", character_orientation="image")).wait(60)
    table = mw.LogTable(ws, watch=False)
    table.grid.chosen = [job.id]
    until(lambda: table.grid.actions["rerun"] and table.grid.actions["rerun"]["ready"])
    with monkeypatch.context() as broken:
        broken.setattr(mw.Workspace, "submit", fail)
        table._message({"type": "act", "what": "rerun"})
        until(lambda: LINE in table.notice.value)
    assert not table.repeats.busy
    table.close()


def test_a_switch_that_fails_is_said_and_tried_again(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = GoLive(ws)
    with monkeypatch.context() as broken:
        broken.setattr(mw.Workspace, "switch", fail)
        panel._back()
        until(lambda: LINE in panel._trouble.value)
    panel._back()
    until(lambda: LINE not in panel._trouble.value)
    panel.close()


def test_a_library_that_fails_is_said_and_opened_again(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = form.clip_field.library
    with monkeypatch.context() as broken:
        broken.setattr(type(form.ws.library), "items", fail)
        library.toggle()
        until(lambda: LINE in form._trouble.value)
    library.refresh()
    until(lambda: LINE not in form._trouble.value)


def test_a_library_that_cannot_be_read_is_not_said_to_be_empty(form: mw.RequestForm) -> None:
    form.ws.library.folder.write_bytes(b"a file")
    form.clip_field.library.toggle()
    until(lambda: "cannot be read (Not a directory)" in form.notice.value)


# Clicks and messages of the page.


def test_a_click_that_fails_is_said_and_the_next_one_works(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    form.code.paste.value = '{"model": "kling-v3-motion-control"}'
    with monkeypatch.context() as broken:
        broken.setattr(mw.MotionRequest, "from_wire", fail)
        form.code.take.click()
    assert LINE in form._trouble.value
    assert len(unexpected(caplog)) == 1
    form.code.take.click()
    assert LINE not in form._trouble.value
    assert form.request.model == "kling-v3-motion-control"


def test_a_message_that_fails_is_said_by_the_widget_in_the_page(caplog: pytest.LogCaptureFixture) -> None:
    grid = RowGrid(on_message=fail)
    grid._msg_callbacks(grid, {"type": "act"}, [])
    assert grid._trouble.startswith(LINE)
    assert len(unexpected(caplog)) == 1
    handled: list[object] = []
    grid._handle = handled.append
    grid._msg_callbacks(grid, {"type": "act"}, [])
    assert (grid._trouble, handled) == ("", [{"type": "act"}])
    grid.close()


def test_a_picture_that_fails_is_logged_and_the_next_is_drawn(caplog: pytest.LogCaptureFixture) -> None:
    def picture(name: str) -> bytes | None:
        return fail() if name == "bad" else b"\xff\xd8"

    matrix = CellMatrix(picture=picture)
    sent: list[dict[str, Any]] = []
    matrix.send = lambda content, **_: sent.append(content)  # type: ignore[method-assign]
    cells = [MatrixCell("collected", result=name) for name in ("bad", "good")]
    matrix.show(["1"], ["a", "b"], cells)
    matrix._msg_callbacks(matrix, {"type": "pictures", "names": ["bad", "good"]}, [])
    until(lambda: len(sent) == 2)
    assert [(one["name"], one["ok"]) for one in sent] == [("bad", False), ("good", True)]
    assert len(unexpected(caplog)) == 1
    matrix.close()


def test_an_upload_that_fails_is_refused_and_the_next_arrives(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    picker = form.media.cards
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(picker, "send", lambda content, **_: sent.append(content))
    data = form.ws.samples().image.read_bytes()

    def upload(name: str) -> None:
        picker._receive(
            {"type": "begin", "which": "image", "id": name, "name": "a.png", "size": len(data)}, []
        )
        picker._receive({"type": "piece", "which": "image", "id": name, "offset": 0}, [data])

    with monkeypatch.context() as broken:
        broken.setattr("motion_widgets.widgets.upload.kind_of", fail_value)
        upload("one")
        until(lambda: sent and sent[-1]["type"] == "refused")
    assert "ValueError: odd" in sent[-1]["message"]
    upload("two")
    until(lambda: sent[-1]["type"] == "done")
    until(lambda: form.image_field.value().endswith("a.png"))


def fail_value(*_: object) -> Any:
    raise ValueError("odd")


def test_a_function_of_the_callers_that_fails_is_said(ws: mw.Workspace) -> None:
    form = mw.RequestForm(ws, on_submit=fail_value, watch=False)
    fill(form, ws.samples().clip_6s)
    form.card.submit.click()
    until(lambda: "ValueError: odd" in form.notice.value)
    assert form.card.earlier is not None
    assert not form.card.submitting
    form.close()


def test_the_package_sets_up_no_output() -> None:
    logger = logging.getLogger("motion_widgets")
    assert [type(one) for one in logger.handlers] == [logging.NullHandler]
    assert logger.propagate
