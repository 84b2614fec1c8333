"""Commands for jobs and runs: ``submit``, ``sweep``, ``attach``, ``pause``, ``resume`` and ``demo``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.cli.progress import follow_job, follow_run, resumable
from motion_widgets.cli.terminal import print_table, tell, tell_error
from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.money import cents_up, format_usd
from motion_widgets.log.states import State
from motion_widgets.request.fields import FIELD, WIRE_FIELDS
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from motion_widgets.jobs.job import Job
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Run
    from motion_widgets.sweep.design import Design
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["add_run_commands", "demo", "read_request"]

_MOST = 1_000_000
"""Characters of a request in a file."""


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
    command("pause", opened(_pause)).add_argument("id", help=say("cli_run_id"))
    resume = command("resume", opened(_resume))
    resume.add_argument("id", help=say("cli_run_id"))
    resume.add_argument("--max-cost", type=float, help=say("cli_max_cost"))


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
        if name == "-":
            text = sys.stdin.read(_MOST + 1)
        else:
            with Path(name).open(encoding="utf-8") as file:
                text = file.read(_MOST + 1)
        if len(text) > _MOST:
            raise RequestError.of("request_large", name=name, limit=_MOST)
        return MotionRequest.from_wire(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError.of("request_unreadable", name=name, reason=reason) from error


def _submit(options: argparse.Namespace, ws: Workspace) -> int:
    if options.consent:
        ws.consent()
    job = ws.submit(read_request(options.request), max_cost=options.max_cost, new=options.new)
    with resumable(job):
        tell(job.id)
        return _finish_job(job)


def _finish_job(job: Job) -> int:
    with resumable(job):
        follow_job(job)
    tell(job)
    result = job.result
    if result is not None:
        tell(result)
        return 0
    why = job.error or say("cli_no_result_why", id=job.id)
    tell_error(say("cli_no_result", id=job.id, state=job.state, why=why))
    return 1


def _sweep(options: argparse.Namespace, sweep: Design, ws: Workspace) -> int:
    plan = ws.plan(sweep)
    if options.fraction is not None:
        plan = plan.for_budget(options.fraction)
    print_table(plan.frame().drop(columns="job_id"))
    if plan.offer is not None:
        tell(plan.offer.message)
    for sentence in plan.gives_up:
        tell(sentence)
    if options.save:
        tell(plan.save(options.save))
    tell(plan)
    if options.plan:
        return 0
    if options.consent:
        ws.consent()
    run = plan.run(budget=options.budget, new=options.new, stop_after=options.stop_after)
    with resumable(run):
        tell(run.id)
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
        axes.setdefault(field, []).extend(_values(field, values))
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


def _print_frame(run: Run) -> None:
    """Print the axes and the outcome of each cell."""
    axes = [{"image_url": "image_name", "video_url": "clip_name"}.get(name, name) for name in run.axes]
    told = ["state", "clip_length", "estimate_high", "cost", "result_path"]
    print_table(run.frame()[[*axes, *told]])


def _finish(run: Run) -> int:
    with resumable(run):
        follow_run(run)
    _print_frame(run)
    for sentence in run.stopped:
        tell(sentence)
    tell(*run.summary().split("\n"))
    counts = run.counts()
    missing = {state: count for state, count in counts.items() if state != State.COLLECTED}
    if missing:
        states = ", ".join(f"{count} {state}" for state, count in missing.items())
        whole = sum(counts.values())
        tell_error(say("cli_cells_missing", count=sum(missing.values()), all=whole, states=states))
    return int(bool(missing))


def _attach(options: argparse.Namespace, ws: Workspace) -> int:
    from motion_widgets.sweep import Run

    found = ws.attach(options.id)
    if isinstance(found, Run):
        cost = found.price()
        if ws.live and cost.high:  # the budget that it was given may be days old
            tell(say("cli_attach_price", id=found.id, price=cost, high=cents_up(cost.high_micro)))
        else:
            found.drive(cost.high)
        return _finish(found)
    return _finish_job(found)


def _run_of(options: argparse.Namespace, ws: Workspace) -> Run:
    from motion_widgets.sweep import Run

    return Run(ws, options.id)


def _pause(options: argparse.Namespace, ws: Workspace) -> int:
    run = _run_of(options, ws).pause()
    tell(say("board_held", id=run.id))
    tell(*run.summary().split("\n"))
    return 0


def _resume(options: argparse.Namespace, ws: Workspace) -> int:
    run = _run_of(options, ws)
    cost = run.price()
    tell(say("cli_resume_price", price=cost))
    if cost.high:
        ws.preparation.require_bound(cost, options.max_cost)
    return _finish(run.resume(cost.high if options.max_cost is None else options.max_cost))


def demo(options: argparse.Namespace) -> None:
    """Run ``motion-widgets demo``."""
    from motion_widgets.media.montage import montage
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep import Sweep
    from motion_widgets.workspace.workspace import Workspace

    with Workspace(options.folder, endpoint="sandbox") as ws:
        tell(say("demo_samples"))
        samples = ws.samples()
        req = MotionRequest(
            model="kling-v2-6-motion-control",
            image_url=samples.image,
            video_url=samples.clip_6s,
            prompt="Waves at the camera, steady framing",
        )
        plan = Sweep(req).plan(ws)
        tell(plan)
        run = plan.run(budget=5.00)
        with resumable(run):
            follow_run(run)
        _print_frame(run)
        cells = [("reference", samples.clip_6s)]
        for cell, job in zip(run.cells, run.jobs, strict=True):
            if job.result is not None:
                cells.append((" ".join(cell["values"].values()), job.result))
        path = montage(cells, len(cells), ws.folder / "results" / f"{run.id}-compare.mp4")
        tell(say("demo_done", cost=format_usd(run.cost), path=path))
