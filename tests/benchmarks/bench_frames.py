"""The log's frame beside `read_sql` on the same columns: ``python -m tests.benchmarks.bench_frames``.

Every reading is a process of its own; imports and opening the log do not count. It asserts nothing.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.log.filters import between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = {10_000: 3, 100_000: 3, 1_000_000: 1}
"""Jobs, and how often each is read; the median counts."""
CHANGES = 50
FILTERS: dict[str, dict[str, Any]] = {
    "sweep": {"sweep_id": "run-00000003"},
    "created": {"created": between("2025-11-13 03:03:20", "2025-11-13 03:19:59")},
    "axes": {
        "model": "kling-v3-motion-control", "mode": "pro", "character_orientation": "video",
        "clip_name": "clip-13.mp4", "cost": between(0.46, 0.4636),
    },
    "cost": {"cost": between(0.46, 0.4601124)},
    "other": {
        "image_sha": f"{3:064x}", "clip_sha": f"{11:064x}",
        "task_id": between(f"task_{0:026}", f"task_{40_000 * 7919:026}"),
    },
}  # fmt: skip
"""About 1,000 of 100,000 jobs each; the last by columns that no index has."""

FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO jobs (id, seq, state, task_id, sweep_id, endpoint, account, sandbox, created_by, model, image_url,
    video_url, character_orientation, mode, prompt, keep_original_sound, key, repeat, attempt, image_name,
    image_sha, clip_name, clip_sha, clip_length, clip_moviepy_length, clip_width, clip_height, clip_fps,
    clip_size, clip_has_audio, image_width, image_height, image_size, image_format, estimate_low,
    estimate_high, cost, created, submitted, completed, collected, result_path, error_kind, error_code,
    error_message, idempotency_key)
SELECT printf('job-%016d', i), i + 1, iif(i % 5 < 4, 'collected', 'failed'), printf('task_%026d', i * 7919),
    printf('run-%08d', i / 1000), 'sandbox', 'sandbox', 1, 'me@host',
    iif(i % 2, 'kling-v3-motion-control', 'kling-v2-6-motion-control'), printf('files/image-%d.png', i % 8),
    printf('files/clip-%d.mp4', i % 20), iif(i / 2 % 2, 'image', 'video'), iif(i / 4 % 2, 'std', 'pro'),
    printf('wave, then bow %d times', i % 10), 'yes', printf('%064x', i * 7919), 1, 1,
    printf('image-%d.png', i % 8), printf('%064x', i % 8), printf('clip-%d.mp4', i % 20),
    printf('%064x', i % 20),
    6.5 + i % 20, 6.5 + i % 20, 540, 960, 29.97, 5000000 + i % 20, 1, 900, 1200, 800000 + i % 8, 'PNG',
    456960, 514080, iif(i % 5 < 4, 460000 + i % 9000, NULL), 1763000000000000 + i * 1000000,
    1763000001000000 + i * 1000000,
    1763000061000000 + i * 1000000, iif(i % 5 < 4, 1763000065000000 + i * 1000000, NULL),
    iif(i % 5 < 4, printf('results/job-%016d.mp4', i), NULL), iif(i % 5 < 4, NULL, 'failed'),
    iif(i % 5 < 4, NULL, '500'), iif(i % 5 < 4, NULL, 'The task failed; try again later'),
    printf('motion-%d', i)
FROM n
"""


def fill(path: Path, count: int) -> None:
    """Make a log of `count` jobs as a sweep leaves them, without going through the log."""
    from motion_widgets.log.store import Log

    Log(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    with connection:
        connection.execute(FILL, {"count": count})
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(
        "SELECT count(length(error_message)) FROM jobs"
    ).fetchall()  # the file is in memory now
    connection.close()


def timed(call: Callable[[], Any]) -> dict[str, float]:
    """Call once; give s by the clock and of the processor, and MB of peak growth and of the frame."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, busy = time.perf_counter(), time.process_time()
    frame = call()
    took, busy = time.perf_counter() - start, time.process_time() - busy
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    size = frame.memory_usage(deep=True).sum() / 1e6
    return {"seconds": took, "processor": busy, "peak": grown, "size": size, "rows": len(frame)}


def work(kind: str, path: str) -> dict[str, float]:
    """Do one reading, in the process that is for it alone."""
    import pandas as pd
    import pyarrow.compute
    from sqlalchemy import create_engine, select

    from motion_widgets.log.schema import jobs
    from motion_widgets.log.store import Log
    from motion_widgets.log.view import COLUMNS, LogView

    pyarrow.array([0])  # which imports more of it; imports do not count
    if kind == "read_sql":
        query = (
            select(*(jobs.c[name] for name in COLUMNS)).where(jobs.c.deleted.is_(None)).order_by(jobs.c.id)
        )
        with create_engine(f"sqlite:///{path}").connect() as connection:
            return timed(lambda: pd.read_sql(query, connection))
    log = Log(path)
    view = LogView(log)
    if kind == "again":
        names = view.frame()["id"].iloc[:: len(view) // CHANGES][:CHANGES]
        for number, name in enumerate(names):
            log.transitions.record(name, cost=470_000 + number)
    return timed(lambda: view.frame(FILTERS.get(kind)))


def read(kind: str, path: Path) -> dict[str, float]:
    """Do one reading in a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_frames", kind, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def middle(kinds: tuple[str, ...], path: Path, times: int) -> dict[str, dict[str, float]]:
    """Read some ways in turn; give the medians."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(times):
        for kind in kinds:
            found[kind].append(read(kind, path))
    return {
        kind: {name: statistics.median(one[name] for one in several) for name in several[0]}
        for kind, several in found.items()
    }


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    for count, times in SIZES.items():
        path = folder / "log.sqlite"
        fill(path, count)
        kinds = ("whole", "read_sql", *(("again", *FILTERS) if count == 100_000 else ()))
        found = middle(kinds, path, times)
        ours, theirs = found["whole"], found["read_sql"]
        for name, unit, target in (
            ("seconds", "s", ">= 1.3 x" if count > 10_000 else ""),
            ("processor", "s", ""),
            ("peak", "MB", {100_000: "<= 0.6", 1_000_000: "<= 0.5"}.get(count, "")),
            ("size", "MB", "<= 0.67" if count > 10_000 else ""),
        ):
            mine, other = ours[name], theirs[name]
            ratio = f"{other / mine:.2f} x" if unit == "s" else f"{mine / other:.2f} of it"
            yield (
                f"frame() of {count:,} jobs: {name}", f"{mine:.2f} {unit}",
                f"read_sql {other:.2f} {unit}: {ratio}", target,
            )  # fmt: skip
        if "again" in found:
            took = found["again"]["seconds"]
            beside = f"read_sql {theirs['seconds']:.2f} s: {theirs['seconds'] / took:.0f} x faster"
            yield f"frame() again after {CHANGES} changes", f"{1000 * took:.0f} ms", beside, ">= 10 x"
            for kind, filters in FILTERS.items():
                by = "by columns of no index" if kind == "other" else f"by {', '.join(filters)}"
                took, size = found[kind]["seconds"], found[kind]["rows"]
                beside = f"whole {ours['seconds']:.2f} s: {took / ours['seconds']:.1%} of it"
                yield (
                    f"frame() of {size:,.0f} jobs of {count:,} {by}",
                    f"{1000 * took:.0f} ms",
                    beside,
                    "<= 5 %",
                )
        for one in folder.glob("log.sqlite*"):
            one.unlink()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(work(*sys.argv[1:])))
    else:
        with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as place:
            for row in rows(Path(place)):
                print("{:52} | {:>10} | {:44} | {}".format(*row), flush=True)
