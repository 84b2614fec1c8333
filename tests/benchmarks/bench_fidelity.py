"""What measuring how results follow their clip costs: one result of 10 s at 720p, and many on two threads.

One core is one core: ffmpeg decodes, scales and writes in threads of its own, so that on an idle machine a
single result takes some of a second core, and two results beside each other would seem to gain less.
"""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

from sqlalchemy import insert

from motion_widgets.core.hashing import sha256_of
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from motion_widgets.media import ffmpeg
from motion_widgets.media.samples import sample_media
from motion_widgets.study import Study
from motion_widgets.study.fidelity.measures import compare, describe
from motion_widgets.study.fidelity.reading import read
from tests.study.conftest import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESULTS, TURNS = 100, 5
"""So many results by each way, in so many turns, so that a neighbour's load slows both."""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, the threads and the ffmpegs that it starts to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def processor() -> float:
    """Return the s of processor time of this process and of the ffmpegs that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield the figures: what, measured, beside, target."""
    media = sample_media(folder)
    path = folder / "result.mp4"
    source = ["-i", f"file:{media.clip_12s}", "-t", "10", "-vf", "scale=720:1280"]
    ffmpeg.run([*source, *ffmpeg.H264, f"file:{path}"], name=path.name, deadline=120)
    with one_core():
        yield one(path)
    yield many(folder, path)


def one(path: Path) -> tuple[str, str, str, str]:
    """Return what one result costs, the shortest of three times, and how much of it is decoding."""
    clip, took = describe(read(path)), []
    for _ in range(3):
        start, before = time.perf_counter(), processor()
        frames = read(path)
        decoded = time.perf_counter() - start
        compare(clip, describe(frames))
        took.append((time.perf_counter() - start, decoded, processor() - before))
    whole, decoded, used = min(took)
    return (
        "fidelity of a result of 10 s at 720p, one core", f"{whole:.2f} s",
        f"decoding alone {decoded:.2f} s; processor {used:.2f} s",
        f"<= 1.5 s: {'reached' if whole <= 1.5 else 'not reached'}",
    )  # fmt: skip


def many(folder: Path, path: Path) -> tuple[str, str, str, str]:
    """Return what `Study.fidelity` takes of many results by one thread on one core, and by two."""
    alone = both = 0.0
    for turn in range(TURNS):
        with one_core():
            alone += part(folder / f"one-{turn}", path, 1)
        both += part(folder / f"two-{turn}", path, 2)
    ratio = alone / both
    return (
        f"fidelity of {RESULTS} results on two threads", f"{both:.1f} s", f"{alone:.1f} s on one",
        f">= 1.5 x one: {ratio:.2f}, {'reached' if ratio >= 1.5 else 'not reached'}",
    )  # fmt: skip


def part(folder: Path, path: Path, threads: int) -> float:
    """Return the s in which that many threads measure a part of the results, which differ by a few bytes."""
    data, sha, made = path.read_bytes(), sha256_of(path), []
    for name in ("inputs", "results"):
        (folder / name).mkdir(parents=True)
    (folder / "inputs/clip.mp4").write_bytes(data)
    for number in range(RESULTS // TURNS):
        result = folder / f"results/{number}.mp4"
        result.write_bytes(data + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
        made.append(
            columns_of(
                ("std", "pro")[number % 2], number // 2, clip_path="inputs/clip.mp4", clip_sha=sha,
                result_path=f"results/{number}.mp4", result_sha=sha256_of(result), video_url=None,
            )
        )  # fmt: skip
    store = Log(folder / "log.sqlite")
    with store.database.write() as connection:
        connection.execute(insert(jobs), made)
    host = SimpleNamespace(
        log_store=store, folder=folder, result_of=lambda row: folder / str(row.result_path)
    )
    study = Study(host, [row["id"] for row in made])
    with ThreadPoolExecutor(threads) as work:
        start = time.perf_counter()
        frame = study.fidelity(executor=work, progress=False)
        took = time.perf_counter() - start
    store.close()
    assert frame["timing"].min() > 0.99, frame["remark"].dropna().unique()
    return took


if __name__ == "__main__":
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        for row in rows(Path(place)):
            print(*row, sep=" | ")
