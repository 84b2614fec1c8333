"""How long planning a large sweep takes, beside scikit-learn's bare product, and what a budget buys of it.

Run it by hand: ``python -m tests.benchmarks.bench_sweep``. It prints figures and asserts nothing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets import MotionRequest, Plan, Sweep, Workspace
from motion_widgets.log.engine import now_us
from motion_widgets.sweep.plan import run_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = (1_000, 2_000, 5_000, 10_000)
ROUNDS = 5


def seconds(call: Callable[[], object]) -> float:
    """Time one call in s."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def sweep_of(ws: Workspace, cells: int) -> Sweep:
    """Make a product of 2 modes, 2 orientations, 2 models and as many prompts as it takes."""
    samples = ws.samples()
    req = MotionRequest(model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s)
    return Sweep(
        req,
        model=["kling-v2-6-motion-control", "kling-v3-motion-control"],
        mode=["std", "pro"],
        character_orientation=["image", "video"],
        prompt=[f"prompt {number}" for number in range(cells // 8)],
    )


def peer(sweep: Sweep) -> Callable[[], object] | None:
    """Return scikit-learn's product of the same axes as a frame. None: it is not installed."""
    try:
        from sklearn.model_selection import ParameterGrid
    except ImportError:
        return None
    import pandas as pd

    grid = {name: list(values) for name, values in sweep.axes.items()}
    return lambda: pd.DataFrame(list(ParameterGrid(grid)))


def starting(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Write runs down: all jobs, their events and inputs. They are paused before, so that nothing is sent."""
    each = []
    for cells in (SIZES[1], SIZES[-1]):
        with Workspace(folder / f"run{cells}", endpoint="sandbox") as ws:
            plan = sweep_of(ws, cells).plan(ws)
            values = {"id": run_id_of(ws, plan.cells), "endpoint": ws.endpoint, "account": ws.account}
            ws.log_store.sweeps.save({**values, "axes": "{}", "cells": "[]", "paused": now_us()})
            took = seconds(plan.run)
        each.append(took / cells)
        told = f"{took:.2f} s ({each[-1] * 1e6:.0f} us a cell)"
        yield f"run of {cells:,} cells begun, all written down", told, "", ""
    yield "time a cell, 10,000 cells over 2,000", f"{each[1] / each[0]:.2f}", "", "about 1: linear"


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    with Workspace(folder / "ws", endpoint="sandbox") as ws:
        sweeps = {cells: sweep_of(ws, cells) for cells in SIZES}
        sweeps[SIZES[0]].plan(ws).frame()  # files measured, pandas imported
        taken: dict[int, list[float]] = {cells: [] for cells in SIZES}
        beside: dict[int, list[float]] = {cells: [] for cells in SIZES}
        for _ in range(ROUNDS):
            for cells, sweep in sweeps.items():
                other = peer(sweep)
                taken[cells].append(seconds(lambda sweep=sweep: sweep.plan(ws).frame()))
                if other is not None:
                    beside[cells].append(seconds(other))
        for cells in SIZES:
            ours = statistics.median(taken[cells])
            them = beside[cells]
            told = (
                f"ParameterGrid {statistics.median(them) * 1e3:.0f} ms" if them else "scikit-learn is absent"
            )
            target = "<= 1 s" if cells == SIZES[-1] else ""
            yield (
                f"plan and frame, {cells:,} cells",
                f"{ours:.2f} s ({ours / cells * 1e6:.0f} us a cell)",
                told,
                target,
            )
        small, large = (statistics.median(taken[cells]) / cells for cells in (SIZES[0], SIZES[-1]))
        yield "time a cell, 10,000 cells over 1,000", f"{large / small:.2f}", "", "about 1: linear"
        plan: Plan = sweeps[2_000].plan(ws)
        fraction = seconds(lambda: plan.for_budget(plan.cost.high / 2))
        yield "half of 2,000 cells chosen, 250 prompts", f"{fraction:.2f} s", "", ""
        saving = seconds(lambda: Plan.load(plan.save(folder / "plan.toml"), ws))
        yield "saved as TOML and loaded, 2,000 cells", f"{saving:.2f} s", "", ""
    yield from starting(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-") as made:
        for figure, measured, other, target in rows(Path(made)):
            print(f"{figure:42} {measured:>26}  {other:26} {target}")
