"""What an answer from many ratings costs (reading them, the verdict, the model), and what a study finds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from sqlalchemy import insert

import motion_widgets as mw
from motion_widgets.log.names import new_id
from motion_widgets.log.schema import comparisons, jobs
from motion_widgets.log.store import Log
from motion_widgets.media import ffmpeg
from motion_widgets.media.montage import montage
from motion_widgets.sandbox.rendering import draw as drawing
from motion_widgets.sandbox.rendering.kept import KeptResults
from motion_widgets.study import Study
from tests.benchmarks import bench_fidelity, bench_truth, bench_wall
from tests.study.conftest import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RATINGS, BLOCKS = 10_000, 50


def seconds(call: Callable[[], object]) -> float:
    """Return the shortest of three times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def rated(folder: Path) -> Study:
    """Return a study of 50 blocks with 10,000 ratings by five people."""
    store = Log(folder / "log.sqlite")
    host = SimpleNamespace(log_store=store, folder=folder, result_of=lambda _: None)
    pairs = [[columns_of(mode, clip) for mode in ("pro", "std")] for clip in range(BLOCKS)]
    with store.database.write() as connection:
        connection.execute(insert(jobs), [row for pair in pairs for row in pair])
    study = Study(host, [row["id"] for pair in pairs for row in pair])
    study.ask("mode", "pro", "std", planned=RATINGS)
    rng = np.random.default_rng(1)
    choices = rng.choice(["left", "right", "tie"], RATINGS)
    made = []
    for place in range(RATINGS):
        left, right = (one["id"] for one in pairs[place % BLOCKS])
        made.append(
            {
                "id": new_id("rating"), "study": study.id, "criterion": "overall", "seed": 1, "block": "b",
                "rater": f"rater {place % 5}", "created": time.time_ns() // 1000, "left_job_id": left,
                "right_job_id": right, "choice": str(choices[place]), "round": 1, "place": 1,
                "names_visible": False,
            }
        )  # fmt: skip
    with store.database.write() as connection:
        connection.execute(insert(comparisons), made)
    return study


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield the figures: what, measured, beside, target."""
    study = rated(folder)
    name = f"from {RATINGS:,} ratings"
    first = seconds(lambda: Study(study.ws, [row.id for row in study.rows()]).answer())
    again = f"again {seconds(study.answer):.2f} s"
    yield f"answer {name}", f"{first:.2f} s", again, f"<= 1 s: {'reached' if first <= 1 else 'not reached'}"
    yield f"costs and model {name}", f"{seconds(study.costs):.2f} s", "", ""
    yield from grids(folder)
    yield from samples(folder)
    yield f"next pair {name}", f"{seconds(lambda: study.next_pair('rater 1')):.2f} s", "", ""
    yield from bench_fidelity.rows(folder)
    yield from bench_wall.rows(folder)
    yield from bench_truth.rows(folder)


def grids(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield what a montage of four clips costs beside ffmpeg that lays the same ones out without labels."""
    clips = [folder / f"clip{number}.mp4" for number in range(4)]
    for number, clip in enumerate(clips):
        source = ["-f", "lavfi", "-t", "6", "-i", f"testsrc2=s=720x1280:r=30,hue=h={90 * number}"]
        ffmpeg.run([*source, *ffmpeg.H264, str(clip)], name="bench", deadline=120.0)
    cells = [(clip.stem, clip) for clip in clips]
    ours = seconds(lambda: montage(cells, 2, folder / "ours.mp4"))
    scaled = "".join(f"[{number}:v]fps=30,scale=270:480[c{number}];" for number in range(4))
    grid = f"{scaled}[c0][c1][c2][c3]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0[all]"
    inputs = [option for clip in clips for option in ("-i", str(clip))]
    plain = [*inputs, "-filter_complex", grid, "-map", "[all]", *ffmpeg.H264, str(folder / "plain.mp4")]
    theirs = seconds(lambda: ffmpeg.run(plain, name="bench", deadline=120.0))
    yield "montage of 4 clips of 6 s, 720p", f"{ours:.2f} s", f"plain ffmpeg {theirs:.2f} s", ""


def samples(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield how long the sandbox takes over jobs of its samples, each drawn anew at its usual speed."""
    nothing_kept = mock.patch.object(drawing, "_KEPT", KeptResults(folder / "drawn"))
    with nothing_kept, mw.Workspace(folder / "samples", endpoint="sandbox") as ws:
        media = ws.samples()
        base = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=media.image, mode="pro")
        took = []
        for clip, way in ((media.clip_6s, "image"), (media.clip_12s, "video")):
            req = base.replace(video_url=clip, character_orientation=way)
            start, before = time.perf_counter(), bench_fidelity.processor()
            ws.submit(req).wait(timeout=120)
            took.append((time.perf_counter() - start, bench_fidelity.processor() - before))
    (short, used), (long, _) = took
    yield (
        "a sandbox job of the samples, submitted to collected", f"{short:.1f} s",
        f"of 12 s {long:.1f} s; processor {used:.1f} s",
        f"<= 15 s: {'reached' if max(short, long) <= 15 else 'not reached'}",
    )  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for row in rows(Path(place)):
            print(*row)
