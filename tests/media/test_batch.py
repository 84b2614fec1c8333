"""Many clips at once: one row each, whatever happens to it, on whatever executor."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import motion_widgets as mw
from motion_widgets.media.batch import COLUMNS
from tests.kernels import by_sockets

ROOT = Path(mw.__file__).parents[1]


class AtOnce(Executor):
    """Does the work where it is submitted, and notes how much comes at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def submit(self, call, /, *args, **options):
        self.batches.append(len(args[0]))
        future = Future()
        future.set_result(call(*args, **options))
        return future


class Dying(Executor):
    """Loses the worker of every second batch."""

    def __init__(self) -> None:
        self.count = 0

    def submit(self, call, /, *args, **options):
        future = Future()
        self.count += 1
        if self.count % 2:
            future.set_exception(RuntimeError("killed"))
        else:
            future.set_result(call(*args, **options))
        return future


def test_a_row_per_source_in_order_with_the_error_beside_it(clips, server, tmp_path):
    link = server.put("a.mp4", clips["front"].read_bytes())
    sources = [
        clips["12"], str(clips["webm"]), link, clips["front"].read_bytes(), tmp_path / "none.mp4",
        f"{server.base}/none.mp4", clips["rotated"], "~no_such_user_here/x.mp4",
    ]  # fmt: skip
    frame = mw.measure_clips(sources, hash_content=True, progress=False)
    codes = [None if missing else code for code, missing in
             zip(frame["error_code"], frame["error_code"].isna(), strict=True)]  # fmt: skip
    assert codes == [
        None, "wrong_format", None, None, "missing_file", "link_dead", None, "missing_file",
    ]  # fmt: skip
    assert frame["length"].notna().tolist() == [code is None for code in codes]
    assert frame["name"].tolist()[:3] == ["d.mp4", "l.webm", "a.mp4"]
    clip = mw.measure_clip(clips["12"], hash_content=True)
    row = {name: None if frame[name].isna()[0] else frame[name][0] for name in clip.__dataclass_fields__}
    assert row == {name: getattr(clip, name) for name in clip.__dataclass_fields__}
    assert "WebM" in frame["error"][1]


def test_dtypes_are_the_same_whatever_is_in_it(clips):
    for sources in ([], [clips["webm"]], [clips["front"], clips["webm"]], [clips["front"]]):
        frame = mw.measure_clips(sources, confirm=False, progress=False)
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS
        assert len(frame) == len(sources)
    assert list(COLUMNS)[:-2] == list(mw.Clip.__dataclass_fields__)


def test_relative_paths_are_meant_from_here(clips, monkeypatch):
    monkeypatch.chdir(clips["front"].parent)
    frame = mw.measure_clips(["front.mp4"], confirm=False, progress=False)
    assert frame["source"].tolist() == [str(clips["front"])]


def test_any_executor_takes_batches_and_stays_open(clips):
    executor = AtOnce()
    frame = mw.measure_clips([clips["front"]] * 130, executor, batch=50, confirm=False, progress=False)
    assert executor.batches == [50, 50, 30]
    assert frame["length"].nunique() == 1
    with ThreadPoolExecutor(2) as pool:
        assert len(mw.measure_clips([clips["front"]] * 5, pool, batch=2, progress=False)) == 5
        assert pool.submit(lambda: "open").result() == "open"


def test_a_worker_that_dies_costs_its_batch_only(clips):
    frame = mw.measure_clips([clips["front"]] * 4, Dying(), batch=1, confirm=False, progress=False)
    assert frame["error_code"].isna().tolist() == [False, True, False, True]
    assert "RuntimeError" in frame["error"][0]
    assert frame["name"].tolist() == ["front.mp4"] * 4


def test_progress_is_told_after_each_batch(clips):
    steps = []
    sources = [clips["front"]] * 9
    mw.measure_clips(sources, AtOnce(), batch=4, confirm=False, progress=lambda *step: steps.append(step))
    assert [done for done, _ in steps][-1] == 9
    assert len(steps) == 3
    assert {count for _, count in steps} == {9}


def test_what_progress_raises_ends_it_and_leaves_no_thread_at_work(clips):
    def stop(done, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mw.measure_clips([clips["front"]] * 40, progress=stop)


def test_a_bar_on_a_terminal_and_nothing_into_a_pipe(clips):
    code = (
        "import sys; import motion_widgets as mw\n"
        f"mw.measure_clips([{str(clips['front'])!r}] * 3, confirm=False, "
        "progress=None if sys.argv[1:] else True)"
    )

    def run(*more):
        return subprocess.run([sys.executable, "-c", code, *more], capture_output=True, text=True, check=True)

    said = run()
    assert "3/3" in said.stderr
    assert said.stdout == ""
    assert run("quiet").stderr == ""


def test_a_bar_in_a_notebook(clips, tmp_path):
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    code = (
        f"import motion_widgets as mw\nframe = mw.measure_clips([{str(clips['front'])!r}] * 3, confirm=False)"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    config = Config({"KernelManager": by_sockets(tmp_path)})
    NotebookClient(book, timeout=150, kernel_name="python3", config=config).execute()
    (output,) = book.cells[0].outputs
    assert "3 of 3 clips measured" in output.data["text/html"]
    assert 'max="3" value="3"' in output.data["text/html"]


CLUSTER = """
import json, sys
import motion_widgets as mw
from dask.distributed import Client, LocalCluster

if __name__ == "__main__":
    options = {"n_workers": 2, "threads_per_worker": 2, "processes": True, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        steps = []
        frame = mw.measure_clips(
            json.loads(sys.argv[1]), client.get_executor(pure=False), batch=50,
            progress=lambda *step: steps.append(step),
        )
        seen = client.run(lambda: "motion_widgets.media.probe.measure" in __import__("sys").modules)
    words = {name: str(kind) for name, kind in frame.dtypes.items()}
    fine = frame["error_code"].isna().tolist()
    print(json.dumps([frame["length"].tolist(), fine, words, steps, list(seen.values())]))
"""


def test_on_a_dask_cluster_of_two_processes(clips, tmp_path):
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    sources = [str(clips["front"]), str(clips["webm"])] * 60
    command = [sys.executable, str(script), json.dumps(sources)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    lengths, fine, dtypes, steps, worked = json.loads(done.stdout.splitlines()[-1])
    assert fine == [True, False] * 60
    assert {round(length, 3) for length in lengths[::2]} == {round(mw.measure_clip(clips["front"]).length, 3)}
    assert dtypes == COLUMNS
    assert max(steps) == [120, 120]
    assert len(steps) == 3
    assert any(worked)
