"""Commands for jobs and runs: ``submit``, ``sweep``, ``attach``, ``pause``, ``resume`` and ``demo``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import MotionTimeout, RequestError
from motion_widgets.core.messages import say
from motion_widgets.request.fields import FIELD, WIRE_FIELDS
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import pandas as pd

    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Run
    from motion_widgets.sweep.design import Design
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["add_run_commands", "demo", "plain", "print_table", "read_request"]

BARS = 16
"""The most cells that have a progress bar each; a larger run has a single one."""


def add_run_commands(
    command: Callable[..., argparse.ArgumentParser], open_workspace: Callable[..., Workspace]
) -> None:
    """Add the commands for jobs and runs to the parser."""

    def opened(
        run: Callable[[argparse.Namespace, Workspace], int],
    ) -> Callable[[argparse.Namespace], int]:
        return lambda options: run(options, open_workspace(options))

    submit = command("submit", opened(_submit))
    submit.add_argument("request", help=say("cli_request"))
    submit.add_argument("--max-cost", type=float, help=say("cli_max_cost"))
    submit.add_argument("--new", action="store_true", help=say("cli_new"))
    submit.add_argument("--consent", action="store_true", help=say("cli_consent"))
    # The plan is read first: an error in it needs no workspace.
    _add_sweep(command("sweep", lambda options: _sweep(options, _design(options), open_workspace(options))))
    command("attach", opened(_attach)).add_argument("id", help=say("cli_id"))
    for name, run in (("pause", _pause), ("resume", _resume)):
        command(name, opened(run)).add_argument("id", help=say("cli_run_id"))


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    sweep.add_argument("request", help=say("cli_request_or_plan"))
    sweep.add_argument("--axis", action="append", default=[], metavar="FIELD=A,B", help=say("cli_axis"))
    sweep.add_argument("--budget", type=float, help=say("cli_run_budget"))
    sweep.add_argument("--plan", "--dry-run", action="store_true", help=say("cli_plan"))
    sweep.add_argument("--repeats", type=int, help=say("cli_repeats"))
    sweep.add_argument("--seed", type=int, help=say("cli_seed"))
    sweep.add_argument("--fraction", type=float, metavar="USD", help=say("cli_fraction"))
    sweep.add_argument("--save", metavar="FILE.toml", help=say("cli_save"))
    sweep.add_argument("--new", action="store_true", help=say("cli_new"))
    sweep.add_argument("--stop-after", type=_stop_rule, metavar="N,SHARE", help=say("cli_stop_after"))
    sweep.add_argument("--consent", action="store_true", help=say("cli_consent"))


def _stop_rule(text: str) -> tuple[float, float]:
    """Parse a stop rule; the plan checks whether it makes sense."""
    least, _, share = text.partition(",")
    number = float(least)
    return int(number) if number.is_integer() else number, float(share)


def read_request(name: str) -> MotionRequest:
    """Read a request from a JSON file, or from standard input for ``-``.

    Raises
    ------
    RequestError
        It cannot be read, or is not a request.
    """
    from motion_widgets.request.request import MotionRequest

    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        return MotionRequest.from_wire(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError.of("request_unreadable", name=name, reason=reason) from error


def _submit(options: argparse.Namespace, ws: Workspace) -> int:
    if options.consent:
        ws.consent()
    job = ws.submit(read_request(options.request), max_cost=options.max_cost, new=options.new)
    print(job.id, flush=True)
    job.wait()
    print(job)
    return _print_result(job.result, job.error)


def _print_result(result: Path | None, error: str | None) -> int:
    if result is not None:
        print(result)
        return 0
    print(plain(error or ""), file=sys.stderr)
    return 1


def _sweep(options: argparse.Namespace, sweep: Design, ws: Workspace) -> int:
    plan = ws.plan(sweep)
    if options.fraction is not None:
        plan = plan.for_budget(options.fraction)
    print_table(plan.frame().drop(columns="job_id"))
    if plan.offer is not None:
        print(plan.offer.message)
    for sentence in plan.gives_up:
        print(sentence)
    if options.save:
        print(plan.save(options.save))
    print(plan)
    if options.plan:
        return 0
    if options.consent:
        ws.consent()
    run = plan.run(budget=options.budget, new=options.new, stop_after=options.stop_after)
    print(run.id, flush=True)
    return _finish(run)


def _design(options: argparse.Namespace) -> Design:
    """Read a sweep from TOML, or build it from a request and axes."""
    from motion_widgets.sweep import Sweep
    from motion_widgets.sweep.plan_file import load

    more = {
        name: getattr(options, name) for name in ("repeats", "seed") if getattr(options, name) is not None
    }
    if options.request.lower().endswith(".toml"):
        if options.axis or more:
            raise RequestError.of("plan_has_axes", name=options.request)
        return load(options.request)
    axes: dict[str, Any] = {}
    for axis in options.axis:
        field, _, values = axis.partition("=")
        axes[field] = _values(field, values)
    named = [name for name in axes if name in ("req", "repeats", "seed", "where")]
    if named:  # an option of Sweep cannot be an axis
        raise RequestError.of("axis_unknown", name=named[0], known=", ".join(WIRE_FIELDS))
    return Sweep(read_request(options.request), **more, **axes)


def _values(field: str, text: str) -> list[Any]:
    """Parse the values of an axis: separated by commas, or a JSON list, which may hold commas and null."""
    if text.startswith("["):
        try:
            return list(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise RequestError.of("axis_json", found=show(text), reason=error) from error
    parts = [value for value in text.split(",") if value]
    return [FIELD[field].parse(part) for part in parts] if field in FIELD else parts


def _follow(run: Run) -> None:
    """Draw the progress of a run until it rests, with a bar per cell if they are few."""
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
    )
    standing, line = run.standing(), Text()
    progress = Progress(*columns)
    whole = progress.add_task(run.id, total=len(run.cells), state="")
    single = len(run.cells) <= BARS
    bars = [
        progress.add_task(" ".join(cell["values"].values()), total=100, state="")
        for cell in (run.cells if single else ())
    ]
    with Live(Group(progress, line)) as live:
        while True:
            resting = run.resting  # before the drawing, so that the last drawing shows the end
            standing.update()
            outlook = standing.outlook()
            for bar, row in zip(bars, standing.rows, strict=False):
                done = 100 if row.state == "collected" else min(row.progress or 0, 99)
                progress.update(bar, completed=done, state=row.state)
            progress.update(whole, completed=outlook.done)
            line.plain = str(outlook)
            if resting:
                break
            try:
                run.wait(0.3)
            except MotionTimeout:
                continue
            except KeyboardInterrupt:
                live.stop()
                raise
    if not live.console.is_terminal:  # the last drawing does not end its line there
        live.console.line()


def _print_frame(run: Run) -> None:
    """Print the axes and the outcome of each cell."""
    axes = [{"image_url": "image_name", "video_url": "clip_name"}.get(name, name) for name in run.axes]
    told = ["state", "clip_length", "estimate_high", "cost", "result_path"]
    print_table(run.frame()[[*axes, *told]])


def print_table(frame: pd.DataFrame) -> None:
    """Print a frame; a prompt or a server's message cannot control the terminal."""
    print(plain(frame.to_string(index=False)))


def plain(text: object) -> str:
    """Return a text without the characters that control a terminal or reverse the direction of a line."""
    return "".join(one for one in str(text) if one == "\n" or one.isprintable())


def _finish(run: Run) -> int:
    _follow(run)
    _print_frame(run)
    for sentence in run.stopped:
        print(sentence)
    print(run.summary())
    return int(set(run.counts()) != {"collected"})


def _attach(options: argparse.Namespace, ws: Workspace) -> int:
    from motion_widgets.sweep import Run

    found = ws.attach(options.id)
    if isinstance(found, Run):
        found.drive()
        return _finish(found)
    while True:
        try:
            found.wait(0.5)
            break
        except MotionTimeout:
            time.sleep(0)
    print(found)
    return _print_result(found.result, found.error)


def _run_of(options: argparse.Namespace, ws: Workspace) -> Run:
    from motion_widgets.sweep import Run

    return Run(ws, options.id)


def _pause(options: argparse.Namespace, ws: Workspace) -> int:
    run = _run_of(options, ws).pause()
    print(say("board_held", id=run.id))
    print(run.summary())
    return 0


def _resume(options: argparse.Namespace, ws: Workspace) -> int:
    return _finish(_run_of(options, ws).resume())


def demo(options: argparse.Namespace) -> None:
    """Run ``motion-widgets demo``."""
    from motion_widgets.media.montage import montage
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Sweep
    from motion_widgets.workspace.workspace import Workspace

    with Workspace(options.folder, endpoint="sandbox") as ws:
        print(say("demo_samples"))
        samples = ws.samples()
        req = MotionRequest(
            model="kling-v2-6-motion-control",
            image_url=samples.image,
            video_url=samples.clip_6s,
            prompt="Waves at the camera, steady framing",
        )
        plan = Sweep(req).plan(ws)
        print(plan)
        run = plan.run(budget=5.00)
        _follow(run)
        _print_frame(run)
        cells = [("reference", samples.clip_6s)]
        for cell, job in zip(run.cells, run.jobs, strict=True):
            if job.result is not None:
                cells.append((" ".join(cell["values"].values()), job.result))
        path = montage(cells, len(cells), ws.folder / "results" / f"{run.id}-compare.mp4")
        print(say("demo_done", cost=run.cost, path=path))
