"""How much of the processor opening the Studio takes on 100,000 jobs, in turns with an empty log.

``python -m tests.benchmarks.bench_studio`` prints the figures and asserts nothing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert

from motion_widgets import Studio, Workspace
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS, ROUNDS = 100_000, 5
_BATCH = 5_000


def write_jobs(ws: Workspace, count: int = JOBS) -> None:
    """Write collected jobs of a workspace's account into its log, all columns that a real one has set."""
    at = time.time_ns() // 1000
    alike = {
        **dict.fromkeys(jobs.c.keys()), "state": "collected", "endpoint": ws.endpoint, "account": ws.account,
        "sandbox": True, "created_by": "me@host", "model": "kling-v3-motion-control", "repeat": 1,
        "attempt": 1, "image_name": "hero.png", "image_url": "https://example.com/hero.png",
        "video_url": "https://example.com/dance.mp4", "character_orientation": "image", "cost": 342_720,
        "estimate_low": 300_000, "estimate_high": 350_000, "reserved": 0, "created": at, "submitted": at,
        "completed": at + 60_000_000, "collected": at + 70_000_000, "body": "{}" * 100, "answer": "x" * 300,
    }  # fmt: skip
    with ws.log_store.database.write() as connection:
        for start in range(0, count, _BATCH):
            rows = [
                {
                    **alike, "id": f"job-{number:016}", "seq": number, "key": f"{number:064x}",
                    "idempotency_key": f"motion-{number}", "task_id": f"task-{number}",
                    "prompt": f"a take of its own, number {number}", "mode": ("std", "pro")[number % 2],
                    "clip_name": f"dance-{number % 50}.mp4",
                }
                for number in range(start, min(start + _BATCH, count))
            ]  # fmt: skip
            connection.execute(insert(jobs), rows)


def opening(ws: Workspace) -> float:
    """Open a Studio; return the processor's time in s, which no busy neighbour lengthens."""
    start = time.process_time()
    studio = Studio(ws)
    taken = time.process_time() - start
    studio.close()
    return taken


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    with (
        Workspace(folder / "none", endpoint="sandbox") as none,
        Workspace(folder / "many", endpoint="sandbox") as many,
    ):
        write_jobs(many)
        times = [(opening(none), opening(many)) for _ in range(ROUNDS + 1)]
    empty, full = map(statistics.median, zip(*times[1:], strict=True))  # the first does not count
    yield (
        f"open mw.Studio on {JOBS:,} jobs", f"{full * 1e3:.0f} ms",
        f"an empty log {empty * 1e3:.0f} ms: {full / empty:.2f} times", "<= 1.5 times",
    )  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as place:
        for row in rows(Path(place)):
            print("{:52} | {:>18} | {:58} | {}".format(*row), flush=True)
