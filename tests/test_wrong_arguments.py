"""Arguments of another kind through the public names: one sentence says what was given and what is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

THINGS = [None, 7, 3.5, True, [], ["a"], {"a": 1}, object(), mw.MotionRequest]
"""What is no text, no path and nothing of ours."""
WORDS = ["job-1", "", "trim"]
TRIM = mw.Operation("trim_clip", {"start": 0.0, "length": 4.0})


def kind(value: object) -> str:
    short = isinstance(value, str) or (isinstance(value, int) and abs(value) < 100)
    return f"{type(value).__name__}-{value}" if short else type(value).__name__


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mw.Workspace]:
    with mw.Workspace(tmp_path_factory.mktemp("ws"), endpoint="sandbox") as ws:
        yield ws


@pytest.fixture(scope="module")
def clip(ws: mw.Workspace) -> Path:
    return ws.samples().clip_6s


def refused(call: Callable[[], object], *words: str) -> None:
    """Check that a call is refused in one line with all `words`, before it left anything behind."""
    with pytest.raises(mw.MotionError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    assert line.endswith("."), line
    assert [word for word in words if word not in line] == [], line


BY_PATH: dict[str, Callable[[mw.Workspace, Any], object]] = {
    "measure_clip": lambda _, it: mw.measure_clip(it),
    "measure_clips": lambda ws, it: mw.measure_clips([ws.samples().clip_6s, it], progress=False),
    "has_location": lambda _, it: mw.has_location(it),
    "trim_clip": lambda _, it: mw.trim_clip(it),
    "mend": lambda ws, it: ws.mend(it, TRIM),
    "restore": lambda ws, it: ws.restore(it),
    "to_csv": lambda ws, it: ws.log.to_csv(it),
    "to_json": lambda ws, it: ws.log.to_json(it),
    "to_parquet": lambda ws, it: ws.log.to_parquet(it),
    "import_file": lambda ws, it: ws.log.import_file(it),
}


@pytest.mark.parametrize("given", THINGS, ids=kind)
@pytest.mark.parametrize("name", BY_PATH)
def test_a_file_is_named_by_its_path(ws: mw.Workspace, name: str, given: object) -> None:
    refused(lambda: BY_PATH[name](ws, given), "named by its path", type(given).__name__, "a Path")


@pytest.mark.parametrize("given", [7, 3.5, ["a"], object()], ids=kind)
def test_a_workspace_s_folder_and_log_are_paths(tmp_path: Path, given: Any) -> None:
    refused(lambda: mw.Workspace(given), "named by its path", type(given).__name__)
    refused(lambda: mw.Workspace(tmp_path, "sandbox", given), "named by its path", type(given).__name__)


def test_a_name_that_only_looks_like_a_user_s(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~draft.csv` is nobody's home; it is a file of that name, here."""
    monkeypatch.chdir(ws.folder)
    assert ws.log.to_csv("~draft.csv").resolve() == (ws.folder / "~draft.csv").resolve()
    assert ws.log.import_file("~draft.csv") == 0


@pytest.mark.parametrize("given", ["", "."])
def test_a_request_is_restored_of_a_file(ws: mw.Workspace, given: str) -> None:
    refused(lambda: ws.restore(given), ". does not describe", "the .json next to a result")


@pytest.mark.parametrize("given", [*THINGS, *WORDS], ids=kind)
def test_a_mend_is_an_operation(ws: mw.Workspace, clip: Path, given: Any) -> None:
    words = ("Operation", type(given).__name__, "mw.mends_for")
    refused(lambda: ws.mend(clip, given), *words)
    refused(lambda: mw.mend(clip, given), *words)
    assert list(ws.folder.glob("mended/*")) == []


@pytest.mark.parametrize("given", [one for one in (*THINGS, *WORDS) if not isinstance(one, dict)], ids=kind)
def test_an_operation_s_parameters_are_a_mapping(ws: mw.Workspace, clip: Path, given: Any) -> None:
    operation = mw.Operation("trim_clip", given)
    assert not operation.is_complete
    refused(lambda: ws.mend(clip, operation), "trim_clip", "start", "length")


@pytest.mark.parametrize("given", [*THINGS, *WORDS], ids=kind)
def test_a_job_is_named_by_its_row(ws: mw.Workspace, given: Any) -> None:
    for ask in (ws.request_of, ws.result_of):
        refused(lambda ask=ask: ask(given), "job's row", type(given).__name__, "ws.attach(id).row")  # type: ignore[misc]


@pytest.mark.parametrize("given", [*THINGS, *WORDS], ids=kind)
def test_a_sweep_is_planned_in_a_workspace(ws: mw.Workspace, given: Any) -> None:
    sweep = mw.Sweep(mw.MotionRequest(), mode=["std", "pro"])
    refused(lambda: ws.plan(given), "A sweep is expected", type(given).__name__, "mw.Sweep(")
    refused(lambda: sweep.plan(given), "A workspace is expected", type(given).__name__, "mw.Workspace(")


@pytest.mark.parametrize("given", [*THINGS, *WORDS], ids=kind)
def test_who_needs_a_workspace(ws: mw.Workspace, given: Any) -> None:
    words = ("A workspace is expected", type(given).__name__)
    refused(lambda: mw.Study(given, "run-1"), *words)
    refused(lambda: mw.Job(given, "job-1"), *words)
    if given is None:  # that is the one of the working directory
        return
    refused(lambda: mw.publish(ws.samples().image, ws=given), *words)
    for panel in (
        mw.CompareWall, mw.HistoryStrip, mw.JobMonitor, mw.LogTable, mw.RequestForm, mw.Stage, mw.Studio,
        mw.SweepBoard,
    ):  # fmt: skip
        refused(lambda panel=panel: panel(given), *words)  # type: ignore[misc]


@pytest.mark.parametrize("given", [*THINGS, *WORDS], ids=kind)
def test_who_needs_what_another_call_returns(ws: mw.Workspace, given: Any) -> None:
    name = type(given).__name__
    refused(lambda: mw.mends_for(given), "A finding is expected", name, "mw.check")
    refused(lambda: mw.strip_times(given), "A measured clip is expected", name, "mw.measure_clip")
    refused(lambda: mw.before_after(given), "A finished mend is expected", name, "mw.mend")
    refused(lambda: mw.RatingView(given), "A study is expected", name, "mw.Study")


@pytest.mark.parametrize("given", [None, 3.5, "3", 0, -1, True], ids=kind)
def test_a_number_of_pictures_is_a_count(clip: Path, given: Any) -> None:
    measured, mended = mw.measure_clip(clip), mw.mend(clip, TRIM)
    refused(lambda: mw.strip_times(measured, given), "not a count", repr(given))
    refused(lambda: mw.before_after(mended, given), "not a count", repr(given))
    refused(lambda: mw.before_after(mended, height=given), "not a count", repr(given))


@pytest.mark.parametrize("given", [None, 7, "dance.mp4", b"dance.mp4", 3.5], ids=kind)
def test_several_clips_are_a_list(given: Any) -> None:
    """A lone path would be read as one clip for each of its letters."""
    refused(lambda: mw.measure_clips(given), "Several clips", type(given).__name__, "list")


@pytest.mark.parametrize("given", [7, b"x", ["a"], {"a": 1}, "a b", "../a.mp4"], ids=kind)
def test_a_public_name_is_a_text(ws: mw.Workspace, given: Any) -> None:
    refused(lambda: ws.publish(ws.samples().image, name=given), str(given))


@pytest.mark.parametrize("given", [None, 7, b"x", 3.5, ["a"]], ids=kind)
def test_an_id_that_no_job_has(ws: mw.Workspace, given: Any) -> None:
    refused(lambda: mw.Job(ws, given).state, str(given))


@pytest.mark.parametrize("given", [None, 0, -1, 3.5, True, "7", float("nan"), [7]], ids=kind)
def test_how_many_jobs(ws: mw.Workspace, given: Any) -> None:
    refused(lambda: ws.jobs(limit=given), repr(given), "1 or more")


@pytest.mark.parametrize("given", ["7", b"7", [7], True, float("nan"), object()], ids=kind)
def test_how_long_to_wait_for_the_balance(ws: mw.Workspace, given: Any) -> None:
    refused(lambda: ws.balance(given), "not a time to wait", "such as 60")


def test_a_balance_that_does_not_come_in_time(ws: mw.Workspace) -> None:
    assert ws.balance(float("inf")) == ws.balance(1e300) == ws.balance(None)
    with pytest.raises(mw.MotionTimeout, match="did not report its balance within -1 s"):
        ws.balance(-1)


# --- what was made earlier ---


@pytest.fixture(scope="module")
def run(ws: mw.Workspace) -> mw.Run:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s, mode="std"
    )
    return mw.Sweep(req, character_orientation=["image", "video"]).plan(ws).run().wait(120)


@pytest.mark.parametrize("given", [None, 7, 3.5, b"x", [None], object()], ids=kind)
def test_marks_are_put_on_ids(ws: mw.Workspace, given: Any) -> None:
    log = ws.log
    for mark in (
        log.hide, log.unhide, lambda ids: log.rate(ids, stars=3), lambda ids: log.tag(ids, "x"),
        lambda ids: log.untag(ids, "x"), lambda ids: log.note(ids, "x"),
    ):  # fmt: skip
        refused(lambda mark=mark: mark(given), "named by their ids")  # type: ignore[misc]


def test_a_job_itself_is_no_id(ws: mw.Workspace, run: mw.Run) -> None:
    refused(lambda: ws.log.tag(run.jobs, "hero"), "named by their ids", "Job", "job.id")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 7, b"x", ["a"], object()], ids=kind)
def test_notes_tags_and_names_are_texts(ws: mw.Workspace, run: mw.Run, given: Any) -> None:
    job, words = run.jobs[0], ("A text is expected", type(given).__name__)
    refused(lambda: job.note(given), *words)
    refused(lambda: job.tag(given), *words)
    if given is not None:  # that is the file's own
        refused(lambda: ws.library.add(ws.samples().image, given), *words)
    assert (ws.log.notes().empty, ws.log.tags().empty) == (True, True)


@pytest.mark.parametrize("given", [None, 7, "job-1", ["a"], object()], ids=kind)
def test_runs_plans_and_studies(ws: mw.Workspace, run: mw.Run, tmp_path: Path, given: Any) -> None:
    name, plan = type(given).__name__, mw.Sweep(run.jobs[0].row.request, mode=["std"]).plan(ws)
    refused(lambda: run.price(given), "not a group of a run's cells", "planned, failed, unknown")
    refused(lambda: mw.montage(given, tmp_path / "a.mp4"), "A study is expected", name)
    refused(lambda: mw.Study(ws, run).plot(given), "motion")
    if given is not None:
        refused(lambda: plan.run(into=given), "A run is expected", name, "ws.attach(id)")
    if not isinstance(given, str):
        refused(lambda: plan.save(given), "named by its path", name)
        refused(lambda: mw.Plan.load(given, ws), "named by its path", name)


def test_a_montage_is_no_folder(ws: mw.Workspace, run: mw.Run, tmp_path: Path) -> None:
    refused(lambda: mw.montage(mw.Study(ws, run), tmp_path, progress=False), str(tmp_path))
    assert list(tmp_path.parent.glob("*.part")) == []


@pytest.mark.parametrize("given", ["16:9", b"x", ["a"], object(), float("nan"), 10**400], ids=kind)
def test_an_aspect_is_a_number(ws: mw.Workspace, clip: Path, given: Any) -> None:
    refused(lambda: mw.fit_clip(clip, given), "fit_clip", "aspect")
    refused(lambda: mw.pad_image(ws.samples().image, given), "pad_image", "aspect")


@pytest.mark.parametrize("given", ["5", b"x", ["a"], object(), 0.0, -1], ids=kind)
def test_a_trim_ends_after_its_start(clip: Path, given: Any) -> None:
    refused(lambda: mw.trim_clip(clip, 0.0, given))
    refused(lambda: mw.trim_clip(clip, "soon", 3.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["5", None, ["a"], float("nan"), float("inf")], ids=kind)
def test_the_stillest_part_has_a_length(clip: Path, given: Any) -> None:
    refused(lambda: mw.stillest(clip, given), "is not a length", repr(given))


@pytest.mark.parametrize("given", [7, b"x", ["a"], object()], ids=kind)
def test_a_mend_goes_to_a_path(clip: Path, given: Any) -> None:
    refused(lambda: mw.mend(clip, mw.Operation("mute_clip"), to=given), "named by its path")
