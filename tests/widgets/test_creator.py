"""Mending, publishing and the library in the form: what they offer, do, undo, and never do unasked."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.widgets import controls
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.media.samples import SampleMedia


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


def fill(form: mw.RequestForm, clip: Path) -> None:
    form.image_field.box.value, form.clip_field.box.value = str(form.ws.samples().image), str(clip)
    measured(form)


def selfie(folder: Path) -> Path:
    """Draw a picture that says where it was taken."""
    from PIL import Image

    path, exif = folder / "selfie.jpg", Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (500, 400), "teal").save(path, exif=exif)
    return path


def measured(form: mw.RequestForm) -> None:
    """Wait until what is in the form is measured and drawn."""
    until(lambda: not form.measuring)
    with form.lock:
        pass


def mended(form: mw.RequestForm, which: str = "clip") -> None:
    """Wait until what was mended is in the form and measured; its name comes before it is."""
    field = form.clip_field if which == "clip" else form.image_field

    def there() -> bool:
        fact = field.fact
        return isinstance(fact, mw.Clip | mw.Image) and "/mended/" in fact.source == field.value()

    until(there)
    measured(form)


def opened(form: mw.RequestForm) -> None:
    """Choose a clip that is too long, which opens the trim bar."""
    fill(form, form.ws.samples().clip_12s)
    until(lambda: form.clip_field.repair.part is not None)
    assert form.clip_field.buttons[0].description == "Trim to 9.9 s"


def test_a_clip_too_long_is_trimmed_and_the_trim_undone(form: mw.RequestForm) -> None:
    long = form.ws.samples().clip_12s
    opened(form)
    mender = form.clip_field.repair
    until(lambda: mender.trim.editor.strip.startswith("data:image/jpeg;base64,"))
    go = form.clip_field.buttons[0]
    assert (mender.trim.editor.start, mender.trim.editor.end) == (0.0, 9.9)
    mender.trim.editor.start = 7.0
    mender.trim.editor.end = 9.0
    assert go.disabled, "2 s is too short"
    mender.trim.editor.end = 11.5
    assert go.description == "Trim to 4.5 s"
    assert not go.disabled
    go.click()
    mended(form)
    fact = form.clip_field.fact
    assert isinstance(fact, mw.Clip)
    assert fact.length == pytest.approx(4.5, abs=0.1)
    assert not form.card.submit.disabled
    assert form.findings == [one for one in form.findings if one.severity != "error"]
    shown = mender._shown.value
    assert shown.count("<img") == 2
    assert mender.undo.layout.display is None
    mender.undo.click()
    until(lambda: form.clip_field.box.value == str(long))
    measured(form)
    assert mender.undo.layout.display == "none"
    assert form.ws.log_store.mends.find()[0].undone is not None


def test_an_undo_that_comes_late_overwrites_no_newer_choice(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, mender = form.ws.samples(), form.clip_field.repair
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def late(_: str) -> Path:
        begun.set()
        go.wait(30)
        return samples.clip_12s

    fill(form, samples.clip_6s)
    mender._made = cast("Any", (SimpleNamespace(id="m", result=form.clip_field.fact), str(samples.clip_12s)))
    monkeypatch.setattr(form.ws, "undo_mend", late)
    mender._undo()
    assert begun.wait(30)
    form.clip_field.use("https://elsewhere.example/dance.mp4")
    go.set()
    until(lambda: mender._made is None)
    form.later("other", done.set)
    assert done.wait(30)
    assert form.clip_field.value() == "https://elsewhere.example/dance.mp4"


def test_trim_and_generate_submits_the_trimmed_clip_at_the_price_it_named(form: mw.RequestForm) -> None:
    opened(form)
    said: list[str] = []
    form.notice.observe(lambda change: said.append(change["new"]), "value")
    assert form.card.submit.description == "Trim and generate · free"
    assert "$0.51\u2013$0.58" in form.card._price.value
    meanwhile: list[str] = []
    for one in (form.card._price, form.card.summary):
        one.observe(lambda change: meanwhile.append(change["new"]) if form.card.submitting else None, "value")
    form.card.submit.click()
    assert form.card.submit.description == "Trimming, then submitting…"
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    assert meanwhile == [], "the untrimmed clip's price and error are not what was clicked on"
    assert any("Submitted as" in one for one in said)
    (job,) = form.ws.jobs()
    assert job.row.clip_length == pytest.approx(9.9, abs=0.05)
    assert job.row.estimate_high == 571_200
    assert form.request.video_url.startswith(str(form.ws.folder / "mended"))


def test_what_a_trim_does_not_mend_is_counted_besides_it(form: mw.RequestForm) -> None:
    opened(form)
    form.controls["prompt"].value = "x" * 3000
    until(lambda: "Besides the length, 1 error to fix first." in form.card.summary.value)
    assert form.card.submit.description == "Trim and generate · free"


@pytest.mark.parametrize("change", ["the price", "the form", "nothing, but it fails"])
def test_trim_and_generate_that_comes_out_otherwise_sends_nothing_and_says_so(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    opened(form)
    real = form.ws.mend

    def other(source: mw.Clip, operation: mw.Operation, **how: object) -> object:
        if change == "the form":
            form.controls["prompt"].value = "typed while it was trimmed"
        if change.startswith("nothing"):
            raise ClipError("It cannot be trimmed.")
        longer = 8.5 if change == "the price" else 9.9
        return real(source, mw.Operation("trim_clip", {"start": 0.0, "length": longer}), **how)  # type: ignore[arg-type]

    monkeypatch.setattr(form.ws, "mend", other)
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    assert len(form.ws.log) == 0
    said = {
        "the price": "costs $0.52, not the $0.58 that the button named. Nothing was sent",
        "the form": "Nothing was sent; check it",
    }
    assert said.get(change, "It cannot be trimmed.") in form.notice.value
    until(
        lambda: (
            form.card.submit.description
            == ("Trim and generate · free" if "fails" in change else "Generate · free")
        )
    )
    assert not form.clip_field.repair.is_busy


def test_what_is_repeated_or_restored_keeps_its_files_own_names(form: mw.RequestForm, tmp_path: Path) -> None:
    samples, ws = form.ws.samples(), form.ws
    own = {"IMG_2041.png": samples.image, "VID_2043.mp4": samples.clip_6s}
    (tmp_path / "phone").mkdir()
    for name, path in own.items():
        (tmp_path / "phone" / name).write_bytes(path.read_bytes())
    req = form.request.replace(
        image_url=str(tmp_path / "phone" / "IMG_2041.png"), video_url=str(tmp_path / "phone" / "VID_2043.mp4")
    )  # fmt: skip
    job = ws.submit(req).wait(60)
    form.load(ws.restore(ws.folder / job.row.result_path))
    measured(form)
    assert "VID" not in form.request.video_url, "it is the kept copy, whose name is a hash"
    cards = form.media.cards
    assert (cards.image["name"], cards.clip["name"]) == ("IMG_2041.png", "VID_2043.mp4")
    form.controls["prompt"].value = "again"
    form.card.submit.click()
    until(lambda: not form.card.submitting)
    again = ws.jobs()[0].row
    assert (again.prompt, again.image_name, again.clip_name) == ("again", "IMG_2041.png", "VID_2043.mp4")
    form.clip_field.act("keep")
    until(lambda: [one.name for one in ws.library.items("clip")] == ["VID_2043.mp4"])
    form.clip_field.repair.mend_now(mw.Operation("mute_clip"))
    until(lambda: form.clip_field.value().rpartition("/")[2].startswith("VID_2043.mute-"))


def test_the_stillest_is_chosen_by_its_button(form: mw.RequestForm) -> None:
    from motion_widgets.media.decode import stillest

    opened(form)
    mender = form.clip_field.repair
    mender.trim.editor.choose(2.1, 5.0)
    mender.trim.stillest.click()
    until(lambda: mender.trim.editor.end - mender.trim.editor.start > 9.8)
    assert mender.trim.editor.start == pytest.approx(stillest(form.ws.samples().clip_12s, 9.9), abs=0.06)


def test_a_cancelled_mend_leaves_the_form_as_it_was(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(form)
    mender, long = form.clip_field.repair, form.clip_field.box.value

    def slow(*_: object, cancel: object, **__: object) -> object:
        until(cancel.is_set)  # type: ignore[attr-defined]
        raise ClipError.of("mend_cancelled", name="dance")

    monkeypatch.setattr(form.ws, "mend", slow)
    go = form.clip_field.buttons[0]
    go.click()
    assert mender._going.layout.display is None
    assert go.disabled
    go.click()  # a queued click does nothing
    mender.cancel.click()
    until(lambda: mender._cancel is None)
    assert "was cancelled; nothing was kept" in mender._said.value
    assert form.clip_field.box.value == long


def test_a_mend_that_ends_after_another_choice_does_not_replace_it(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    opened(form)
    go, real = threading.Event(), form.ws.mend

    def slow(*args: object, **how: object) -> object:
        go.wait(30)
        return real(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(form.ws, "mend", slow)
    form.clip_field.buttons[0].click()
    other = str(form.ws.samples().clip_6s)
    form.clip_field.box.value = other
    go.set()
    until(lambda: form.clip_field.repair._cancel is None)
    assert form.clip_field.box.value == other


def test_an_image_of_another_format_is_converted_by_its_button(form: mw.RequestForm, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "me.webp"
    Image.new("RGB", (400, 500), "teal").save(path)
    form.image_field.box.value = str(path)
    measured(form)
    first = form.image_field.buttons[0]
    assert first.description == "Convert to JPEG or PNG"
    first.click()
    until(lambda: isinstance(form.image_field.fact, mw.Image) and form.image_field.fact.format != "webp")
    assert "400 × 500 px" in form.image_field.repair._shown.value.replace("\u00d7", "×")


def cut(folder: Path, samples: SampleMedia) -> Path:
    """Make a clip of two shots, 2 s and 4 s long."""
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    path = folder / "cut.mp4"
    joined = "[0:v]scale=342:460,setsar=1,fps=24[a];[1:v]scale=342:460,setsar=1,fps=24[b];[a][b]concat[v]"
    other = "mandelbrot=s=342x460:r=24:start_scale=0.8:end_scale=0.8"
    subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-t", "2", "-i", str(samples.clip_6s), "-f", "lavfi", "-t", "4",
         "-i", other, "-filter_complex", joined, "-map", "[v]", "-pix_fmt", "yuv420p", str(path)],
        check=True,
    )  # fmt: skip
    return path


def test_what_the_frames_show_is_a_hint_and_the_longest_shot_a_button(
    form: mw.RequestForm, tmp_path: Path
) -> None:
    path = cut(tmp_path, form.ws.samples())
    fill(form, path)
    assert not form.card.submit.disabled, "hints are never waited for"
    until(lambda: form.clip_field.shots is not None)
    hint = next(one for one in form.findings if one.code == "clip_cuts")
    assert hint.severity == "hint"
    until(lambda: "2 shots (cut near 2.0 s)" in form.clip_field.said)
    assert not form.card.submit.disabled
    until(lambda: form.clip_field.buttons[0].description == "Keep 2.2–6.0 s")
    keep = form.clip_field.buttons[0]
    keep.click()
    mended(form)
    until(lambda: form.clip_field.shots is not None)
    until(lambda: [one for one in form.findings if one.code == "clip_cuts"] == [])


def test_a_look_at_an_earlier_clip_never_overwrites_a_newer_one(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from motion_widgets.widgets import media_field

    samples, looking, go, done = form.ws.samples(), threading.Event(), threading.Event(), threading.Event()

    def look(clip: mw.Clip) -> mw.Shots:
        if clip.name != samples.clip_12s.name:
            return mw.Shots(camera=0.0)
        looking.set()
        go.wait(30)
        done.set()
        return mw.Shots(cuts=(5.0,))

    monkeypatch.setattr(media_field, "measure_shots", look)
    fill(form, samples.clip_12s)
    until(looking.is_set)
    fill(form, samples.clip_6s)
    until(lambda: form.clip_field.shots == mw.Shots(camera=0.0))
    go.set()
    until(done.is_set)
    # What the stale look gives back would be drawn before what is asked for now.
    later = threading.Event()
    form.later("after it", lambda: None, lambda _: later.set())
    until(later.is_set)
    assert form.clip_field.shots == mw.Shots(camera=0.0)
    form.clip_field.box.value = "http://127.0.0.1:9/clip.mp4"
    assert form.clip_field.shots is None


def test_a_clip_whose_frames_cannot_be_read_has_no_hint_and_no_error(
    form: mw.RequestForm, tmp_path: Path
) -> None:
    data = form.ws.samples().clip_6s.read_bytes()
    at = data.index(b"mdat") + 4
    end = data.rindex(b"moov") - 4 if data.rindex(b"moov") > at else len(data)
    spoiled = tmp_path / "spoiled.mp4"
    spoiled.write_bytes(data[:at] + bytes(end - at) + data[end:])
    fill(form, spoiled)
    ended = []
    real = form.clip_field._look
    form.clip_field._look = lambda clip: ended.append(real(clip))  # type: ignore[method-assign,func-returns-value]
    form.clip_field.measure()
    until(lambda: ended)
    assert ended == [None]
    assert form.clip_field.shots is None
    assert "word_error" not in form.notice.value
    assert form.notice.value.count("mw-error") == 0


def test_what_a_phone_writes_down_is_said_and_removed_by_its_button(
    form: mw.RequestForm, tmp_path: Path
) -> None:
    from PIL import Image

    path, exif = tmp_path / "selfie.jpg", Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (500, 400), "teal").save(path, exif=exif)
    fill(form, form.ws.samples().clip_6s)
    form.image_field.box.value = str(path)
    until(lambda: "stored rotated" in form.image_field.said and not form.measuring)
    assert "records where it was taken" in form.image_field.said
    first, second = form.image_field.buttons[:2]
    assert (first.description, second.description) == (
        "Remove location and camera data", "Rotate the pixels upright"
    )  # fmt: skip
    first.click()
    mended(form, "image")
    assert not {"image_location", "image_turned"} & {one.code for one in form.findings}


def test_what_was_mended_is_no_news_once_another_file_is_chosen(form: mw.RequestForm, tmp_path: Path) -> None:
    from PIL import Image

    path, mender = tmp_path / "me.webp", form.image_field.repair
    Image.new("RGB", (400, 500), "teal").save(path)
    form.image_field.box.value = str(path)
    measured(form)
    form.image_field.buttons[0].click()
    mended(form, "image")
    assert "is now in the form" in mender._said.value
    form.image_field.box.value = str(form.ws.samples().image)
    measured(form)
    assert "is now in the form" not in mender._said.value
    assert mender._done.layout.display == mender.undo.layout.display == "none"


def test_nothing_is_offered_for_a_link(form: mw.RequestForm) -> None:
    form.clip_field.box.value = "http://127.0.0.1:9/clip.mp4"
    measured(form)
    assert form.clip_field.buttons == []


def test_the_library_measures_once_and_says_what_fits(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, library = ws.samples(), ws.library
    assert library.items() == []
    for one in (samples.clip_6s, samples.clip_12s, samples.image):
        assert library.add(one).parent == ws.folder / "library"
    assert library.add(samples.clip_6s, "dance") == library.add(samples.clip_6s, "dance.mp4")
    (library.folder / "broken.mp4").write_bytes(b"no clip")
    (library.folder / "notes.txt").write_text("not looked at")
    items = {one.name: one for one in library.items()}
    assert len(items) == 5
    assert items[samples.clip_12s.name].fits == ("video",)
    assert items[samples.clip_6s.name].fits == ("image", "video")
    assert "12.00 s" in items[samples.clip_12s.name].line
    assert items["broken.mp4"].fits == ()
    assert items["broken.mp4"].trouble
    monkeypatch.setattr(
        "motion_widgets.workspace.library.measure_clip", lambda *_, **__: pytest.fail("measured again")
    )
    (library.folder / "broken.mp4").unlink()
    assert {one.name for one in ws.library.items("clip")} == {n for n in items if n.endswith("mp4")} - {
        "broken.mp4"
    }
    assert [one.name for one in library.clips("image")] == ["dance.mp4", samples.clip_6s.name]
    picture = library.picture(items[samples.image.name])
    assert picture is not None
    assert library.picture(items[samples.image.name]) == picture


def test_a_medium_of_the_library_is_chosen_again_after_another_one(ws: mw.Workspace) -> None:
    form = mw.RequestForm(ws, watch=False)
    kept, library = str(ws.library.add(ws.samples().clip_6s, "dance")), form.clip_field.library
    library.toggle()
    until(lambda: kept in [value for _, value in library.choice.options])
    for _ in range(2):
        library.choice.value = kept
        assert form.clip_field.value() == kept
        form.clip_field.use("")
    form.close()


def test_the_library_never_overwrites_another_file(ws: mw.Workspace) -> None:
    samples = ws.samples()
    first = ws.library.add(samples.clip_6s, "../../dance.mp4")
    second = ws.library.add(samples.clip_12s, "../../dance.mp4")
    assert first != second
    assert {first.parent, second.parent} == {ws.folder / "library"}
    with pytest.raises(mw.RequestError, match="not a local file"):
        ws.library.add("https://example.com/a.mp4")


def test_what_is_in_the_library_serves_a_form_and_a_sweep(form: mw.RequestForm) -> None:
    ws, samples = form.ws, form.ws.samples()
    fill(form, samples.clip_6s)
    view = form.clip_field.library
    form.clip_field.act("keep")
    until(ws.library.clips)
    form.clip_field.box.value = ""
    form.clip_field.act("library")
    until(lambda: len(view.choice.options) == 2)
    assert "6.00 s" in view.choice.options[1][0]
    assert "<img" in view._grid.value
    view.choice.value = view.choice.options[1][1]
    assert form.clip_field.box.value == str(ws.library.clips()[0].source)
    ws.library.add(samples.clip_12s)
    ws.library.add(samples.image)
    base = form.request.replace(image_url=ws.library.images()[0])
    plan = mw.Sweep(base, video_url=ws.library.clips(), character_orientation=["video"]).plan(ws)
    assert len(plan.frame()) == 2
    assert plan.cost.high > 0


def test_media_of_the_library_are_ticked_as_axes_of_a_sweep(ws: mw.Workspace) -> None:
    alive = set(_instances)
    samples, library = ws.samples(), ws.library
    own = library.add(samples.clip_6s, "six.mp4")
    other = library.add(samples.clip_12s, "twelve.mp4")
    (library.folder / "broken.mp4").write_bytes(b"no clip")
    base = mw.MotionRequest(
        model="kling-v3-motion-control", image_url=str(samples.image), video_url=str(own),
        character_orientation="video", mode="std",
    )  # fmt: skip
    board = mw.SweepBoard(ws, request=base, watch=False)
    axis = board.axes.library["video_url"]
    assert axis.shelf.layout.display == "none"
    axis.open.click()
    until(lambda: axis.shelf.layout.display is None)
    assert list(axis.boxes) == [str(library.folder / "broken.mp4"), str(own), str(other)]
    assert axis.boxes[str(library.folder / "broken.mp4")].disabled
    assert "6.00 s" in axis.boxes[str(own)].description
    assert "<img" in axis.shelf.children[1].children[0].value
    axis.boxes[str(own)].value = axis.boxes[str(other)].value = True
    assert list(board.sweep().axes["video_url"]) == [str(own), str(other)], "the request's own is there once"
    until(lambda: board._plan is not None and len(board._plan.cells) == 8)
    # What left the folder leaves the sweep; what stays keeps its tick.
    other.unlink()
    axis.open.click()
    assert axis.shelf.layout.display == "none"
    axis.open.click()
    until(lambda: len(axis.boxes) == 2)
    assert axis.values == [str(own)]
    until(lambda: board._plan is not None and len(board._plan.cells) == 4)
    images = board.axes.library["image_url"]
    images.open.click()
    until(lambda: "The library is empty" in images._said.value)
    board.close()

    def left() -> set[str]:
        return set(_instances) - {one.model_id for one in list(controls._SHARED.values())} - alive

    until(lambda: not left())  # nothing outlives the board


def test_publishing_names_the_place_and_asks_before_anything_is_public(
    form: mw.RequestForm, tmp_path: Path
) -> None:
    fill(form, form.ws.samples().clip_6s)
    panel, public = form.publishing, tmp_path / "public"
    public.mkdir()
    panel.fold.head.click()
    assert "needs no publishing" in panel._about.value
    panel.way.value = "command"
    panel.places["command"].value = f"cp {{path}} {public}/{{name}} && echo https://files.example/{{name}}"
    panel.keep.click()
    until(lambda: panel._seen.asked)
    assert panel.places["command"].value == "", "a command may hold a password"
    assert "six" in panel._asks.value or "would become public at your command cp" in panel._asks.value
    assert panel.now.layout.display == "none"
    assert list(public.iterdir()) == []
    assert not form.card.submit.disabled, "the sandbox needs none of it"
    panel.agree.click()
    until(lambda: panel.now.layout.display is None)
    panel.now.click()
    panel.now.click()
    until(lambda: panel._published is not None)
    assert len(list(public.iterdir())) == 1
    assert "Its link has no stated expiry" in panel._said.value
    panel.link.click()
    assert form.clip_field.box.value.startswith("https://files.example/")
    form.clip_field.box.value = str(form.ws.samples().clip_6s)
    until(lambda: panel.withdraw.layout.display is None)
    panel.withdraw.click()
    until(lambda: panel._seen.asked)


def test_a_box_that_somebody_types_in_is_left_alone(form: mw.RequestForm) -> None:
    # Its page empties it at any change from the kernel, since what is typed is not sent before it is whole.
    panel, changed = form.publishing, []
    for place in panel.places.values():
        place.observe(changed.append)
    panel.fold.head.click()
    for way in panel.places:
        panel.way.value = way
        panel.draw()
        assert [one for one in panel.places if panel.places[one].layout.display is None] == [way]
    assert changed == []


def test_a_place_that_is_none_is_said(form: mw.RequestForm) -> None:
    panel = form.publishing
    panel.fold.head.click()
    panel.places["store"].value = "https://example.com/upload"
    panel.keep.click()
    until(lambda: "is not a place to publish" in panel._said.value)
    panel.way.value = "result"
    panel.places["result"].value = "job-none"
    panel.keep.click()
    until(lambda: "has no result here" in panel._said.value)


def test_the_location_is_taken_off_before_a_file_becomes_public_unless_the_box_is_unticked(
    tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIMART_BASE_URL", "https://endpoint.invalid")
    path = selfie(tmp_path)
    with contextlib.closing(mw.Workspace(tmp_path / "ws", endpoint="apimart", key="sk-test")) as live:
        live.publish_to = "s3://bucket/clips"
        form = mw.RequestForm(live, watch=False)
        form.image_field.use(str(path))
        form.clip_field.use(str(next(drawn.rglob("*6s*.mp4"))))
        measured(form)
        panel = form.publishing
        until(lambda: len(panel.asked) == 2)
        assert panel.strip.value, "ticked by default"
        for said in (
            "The image. Agree?",
            "The clip. Agree?",
            "selfie.jpg",
            "where it was taken; that is taken off first",
        ):
            until(lambda said=said: said in panel._asks.value)  # type: ignore[misc]
        assert [(field, one.name) for field, one in form._draft().steps] == [("image_url", "strip_image")]
        panel.strip.value = False
        until(lambda: "where it was taken, and that would be public too" in panel._asks.value)
        assert form._draft().steps == ()
        panel.strip.value = True
        sent: list[mw.MotionRequest] = []
        monkeypatch.setattr(live, "submit", lambda req, **_: sent.append(req) or fail())
        panel.agree.click()
        until(lambda: not form.card.submit.disabled)
        assert form.card.submit.description == "Generate LIVE · $0.35"
        form.card.submit.click()
        until(lambda: sent and not form.card.submitting)
        assert not mw.has_location(sent[0].image_url)
        assert mw.has_location(path), "the original is as it was"
        form.close()


def test_a_place_that_is_measured_late_is_in_the_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIMART_BASE_URL", "https://endpoint.invalid")
    path = selfie(tmp_path)
    asked = threading.Event()
    with contextlib.closing(mw.Workspace(tmp_path / "ws", endpoint="apimart", key="sk-test")) as live:
        live.publish_to = "s3://bucket/clips"
        measure = live.preparation.measure
        monkeypatch.setattr(live.preparation, "measure", lambda req: asked.wait(60) and measure(req))
        with contextlib.closing(mw.RequestForm(live, watch=False)) as form:
            form.image_field.use(str(path))
            until(lambda: "selfie.jpg" in form.publishing._asks.value)
            assert "where it was taken" not in form.publishing._asks.value
            asked.set()
            until(lambda: "where it was taken; that is taken off first" in form.publishing._asks.value)


def test_the_question_names_a_file_as_its_owner_does_and_says_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motion_widgets.workspace.inputs import keep_input

    monkeypatch.setenv("APIMART_BASE_URL", "https://endpoint.invalid")
    path = selfie(tmp_path)
    with contextlib.closing(mw.Workspace(tmp_path / "ws", endpoint="apimart", key="sk-test")) as live:
        copy, _ = keep_input(live.log_store, live.folder, path, path.name)  # its name is made of its content
        with contextlib.closing(mw.RequestForm(live, watch=False)) as form:
            form.image_field.use(str(live.folder / copy))
            asks = form.publishing._asks
            until(lambda: "where it was taken; that is taken off first" in asks.value)
            assert "selfie.jpg" in asks.value
            assert Path(copy).stem not in asks.value


def fail() -> None:
    raise ClipError("not sent: this is a test")


def test_a_live_endpoint_holds_the_button_until_somebody_agreed(
    tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIMART_BASE_URL", "https://endpoint.invalid")
    with contextlib.closing(mw.Workspace(tmp_path / "ws", endpoint="apimart", key="sk-test")) as live:
        form = mw.RequestForm(live, watch=False)
        panel = form.publishing
        clip = next(drawn.rglob("*6s*.mp4"))
        fill_live = {"image": next(drawn.rglob("*.png")), "clip": clip}
        form.image_field.use(str(fill_live["image"]))
        form.clip_field.use(str(fill_live["clip"]))
        measured(form)
        until(lambda: panel.fold.is_open)
        assert form.card.submit.disabled
        assert "the endpoint has no video upload" in form.clip_field.said
        panel.way.value = "store"
        panel.places["store"].value = "s3://bucket/clips"
        panel.keep.click()
        until(lambda: len(panel.asked) == 2)
        assert "the endpoint has no video upload" not in form.clip_field.said
        assert "for about 72 h" in panel._asks.value
        assert "s3://bucket/clips" in panel._asks.value
        assert form.card.submit.disabled
        until(lambda: "First agree" in form.card.summary.value)
        panel.agree.click()
        until(lambda: not panel.asked)
        until(lambda: not form.card.submit.disabled)
        assert len(live.log) == 0
        form.close()
