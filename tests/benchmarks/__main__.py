"""Speed and memory beside peers, as one table: ``python -m tests.benchmarks [room ...]``; asserts nothing."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets import MotionRequest, check, measure_clip, measure_image
from motion_widgets.media.samples import sample_media
from tests.benchmarks.reached import reached

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 15
FORM_ROUNDS = 7
PARTS = {"fidelity", "truth", "wall"}
"""Rooms that `study` measures with its own; by themselves only where they are asked for."""


class Row(NamedTuple):
    figure: str
    measured: str
    beside: str = ""
    target: str = ""


class Cost(NamedTuple):
    """Of one fresh interpreter: s for the code, MB of memory at its peak (VmHWM, so Linux only)."""

    seconds: float
    megabytes: float


PROBE = """\
import time
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(peak) / 1024)
"""
FORM = """\
import motion_widgets as mw
form = mw.RequestForm(mw.Workspace({folder!r}, endpoint="sandbox"))
"""


def fresh(code: str) -> Cost:
    """Run code in a fresh interpreter."""
    command = [sys.executable, "-c", PROBE.format(code=code)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, ran.stdout.splitlines()[0].split())
    return Cost(seconds, megabytes)


def interleaved(*codes: str, rounds: int) -> list[Cost]:
    """Return each code's medians over fresh interpreters that are taken in turn."""
    costs = [[fresh(code) for code in codes] for _ in range(rounds)]
    return [Cost(*map(statistics.median, zip(*column, strict=True))) for column in zip(*costs, strict=True)]


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def imports(folder: Path) -> Iterator[Row]:
    ours, json = interleaved("import motion_widgets", "import json", rounds=ROUNDS)
    more = ours.seconds - json.seconds
    yield Row(
        "import motion_widgets, more than import json", ms(more), f"json {ms(json.seconds)}", "<= 60 ms"
    )
    form, peer = interleaved(FORM.format(folder=str(folder / "ws")), "import ipywidgets", rounds=FORM_ROUNDS)
    yield Row("import and first RequestForm", ms(form.seconds), f"import ipywidgets {ms(peer.seconds)}")
    yield Row(
        "memory of it, at its peak", f"{form.megabytes:.0f} MB", f"import ipywidgets {peer.megabytes:.0f} MB"
    )


def checking(folder: Path) -> Iterator[Row]:
    samples = sample_media(folder / "samples")
    clip, image = measure_clip(samples.clip_6s), measure_image(samples.image)
    req = MotionRequest(
        model="kling-v2-6-motion-control",
        image_url=samples.image,
        video_url=samples.clip_6s,
        character_orientation="image",
        mode="std",
        prompt="Waves at the camera, steady framing",
        keep_original_sound="no",
        watermark_info={"enabled": False},
        webhook="https://example.com/hook",
    )
    for _ in range(100):
        check(req, clip=clip, image=image)
    times = []
    for _ in range(2_000):
        start = time.perf_counter()
        check(req, clip=clip, image=image)
        times.append(time.perf_counter() - start)
    yield Row("check of a full request", f"{statistics.median(times) * 1e6:.0f} µs", "", "<= 100 µs")


def rows() -> Iterator[Row]:
    """Return all figures, the small ones first; each is measured with nothing else at work."""
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        yield from imports(folder)
        yield from checking(folder)


def rooms() -> list[str]:
    """Return the rooms that have a module of figures of their own."""
    found = (path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    return sorted(set(found) - PARTS)


def rows_of(room: str) -> Iterator[Row]:
    """Return the figures of one room."""
    module = importlib.import_module(f"tests.benchmarks.bench_{room}")
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-", ignore_cleanup_errors=True) as name:
        for row in module.rows(Path(name)):
            yield Row(*row)


def table(*wanted: str) -> None:
    """Print each row once it is measured, and whether it reached its target; of some rooms, or of all."""
    line = "{:60} | {:>14} | {:>26} | {:>14} | {:>7}"
    print(line.format("figure", "measured", "beside it", "target", "reached"))
    print(line.format(*["-" * width for width in (60, 14, 26, 14, 7)]), flush=True)
    for found in ([] if wanted else [rows()]) + [rows_of(room) for room in wanted or rooms()]:
        for row in found:
            print(line.format(*row, reached(row.measured, row.beside, row.target)), flush=True)


if __name__ == "__main__":
    table(*sys.argv[1:])
