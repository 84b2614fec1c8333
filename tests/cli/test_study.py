"""``motion-widgets study``: how a study stands, and its report."""

from __future__ import annotations

from sqlalchemy import insert

import motion_widgets as mw
from motion_widgets.log.schema import jobs
from motion_widgets.media import ffmpeg
from tests.cli.test_main import run, said
from tests.study.conftest import columns_of


def test_a_study_is_told_and_its_report_written(tmp_path):
    with mw.Workspace(tmp_path, "sandbox") as ws:
        rows = [columns_of(mode, clip) for clip in range(2) for mode in ("std", "pro")]
        with ws.log_store.database.write() as connection:
            connection.execute(insert(jobs), rows)
        ids = [row["id"] for row in rows]
        study = mw.Study(ws, ids)
        before = run("study", *ids, "--folder", tmp_path)
        study.ask("mode", "pro", "std", planned=8)
        study.rate(study.next_pair("ana"), "tie")
    assert (before.code, before.err) == (0, "")
    assert "No question yet" in before.out
    told = run("study", *ids, "--folder", tmp_path)
    assert told.code == 0
    assert "Sandbox: Not decided yet: pro or std. 1 of 8 planned ratings" in told.out
    written = run("study", *ids, "--folder", tmp_path, "--report", tmp_path / "report.html")
    assert (written.code, written.err) == (0, "")
    assert "SANDBOX: these are rehearsals" in (tmp_path / "report.html").read_text("utf-8")


def test_the_results_are_written_side_by_side_as_small_as_wanted(tmp_path):
    with mw.Workspace(tmp_path, "sandbox") as ws:
        rows = [columns_of(mode, 1, result_path=f"results/{mode}.mp4") for mode in ("std", "pro")]
        with ws.log_store.database.write() as connection:
            connection.execute(insert(jobs), rows)
        (tmp_path / "results").mkdir(exist_ok=True)
        for row in rows:
            source = ["-f", "lavfi", "-t", "1", "-i", "testsrc=s=64x96:r=10", "-pix_fmt", "yuv420p"]
            ffmpeg.run([*source, str(tmp_path / row["result_path"])], name="test", deadline=60.0)
    ids = [row["id"] for row in rows]
    for name, start in (("all.mp4", b"ftyp"), ("all.gif", b"GIF8")):
        out = tmp_path / name
        made = run("study", *ids, "--folder", tmp_path, "--montage", out, "--most", 60_000)
        assert (made.code, made.err) == (0, "")
        assert str(out) in made.out
        assert start in out.read_bytes()[:8]
    assert out.stat().st_size <= 60_000
    report = tmp_path / "report.html"
    made = run("study", *ids, "--folder", tmp_path, "--montage", tmp_path / "all.mp4", "--report", report)
    assert (made.code, made.err) == (0, "")
    assert 'href="./all.mp4"' in report.read_text("utf-8")
    said(run("study", *ids, "--folder", tmp_path, "--montage", out, "--most", 10), "all.gif")


def test_an_unknown_run_ends_in_one_line(tmp_path):
    told = run("study", "run-nothing", "--folder", tmp_path)
    assert told.code == 1
    assert "There is no run-nothing" in told.err
    assert told.err.count("\n") == 1
