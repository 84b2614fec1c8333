"""The same from a terminal: ``motion-widgets COMMAND``, one function a command."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets import __version__
from motion_widgets.cli_log import add_log_commands, pack, unpack
from motion_widgets.errors import LogError, MotionError, MotionTimeout, RequestError
from motion_widgets.jupyter import FLAG
from motion_widgets.request import WIRE_FIELDS
from motion_widgets.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.audit import Report
    from motion_widgets.request import MotionRequest
    from motion_widgets.sweep import Run, Sweep
    from motion_widgets.workspace import Workspace

__all__ = ["main"]

BARS = 16
"""Cells that have a bar each in the terminal; a larger run has one for all."""
NOTEBOOKS = ("studio.ipynb", "01_request.ipynb", "02_sweep.ipynb")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; give its exit code: 0 done, 1 said what is wrong, 2 wrong words, 130 interrupted."""
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():  # what a workspace has to say is one line, as errors are
            warnings.filterwarnings("always", category=UserWarning, module="motion_widgets")
            warnings.showwarning = lambda message, *_, **__: print(
                f"motion-widgets: {message}", file=sys.stderr
            )
            return int(options.run(options) or 0)
    except MotionError as error:
        print(f"motion-widgets: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    sweep.add_argument("request", help=say("cli_request_or_plan"))
    sweep.add_argument("--axis", action="append", default=[], metavar="FIELD=A,B", help=say("cli_axis"))
    sweep.add_argument("--budget", type=float, help=say("cli_run_budget"))
    sweep.add_argument("--plan", "--dry-run", action="store_true", help=say("cli_plan"))
    sweep.add_argument("--repeats", type=int, help=say("cli_repeats"))
    sweep.add_argument("--seed", type=int, help=say("cli_seed"))
    sweep.add_argument("--fraction", type=float, metavar="USD", help=say("cli_fraction"))
    sweep.add_argument("--save", metavar="FILE.toml", help=say("cli_save"))
    sweep.add_argument("--consent", action="store_true", help=say("cli_consent"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="motion-widgets", description=say("cli_about"))
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Any, *, workspace: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=say(f"cli_{name}"), description=say(f"cli_{name}"))
        made.set_defaults(run=run)
        if workspace:
            made.add_argument("--folder", help=say("cli_folder"))
            made.add_argument("--endpoint", help=say("cli_endpoint"))
        return made

    demo = command("demo", _demo, workspace=False)
    demo.add_argument("--folder", default="workspace", help=say("cli_folder"))
    studio = command("studio", _studio, workspace=False)
    studio.add_argument("--folder", default=".", help=say("cli_studio_folder"))
    studio.add_argument("--open", action="store_true", help=say("cli_open"))
    studio.add_argument("--port", type=int, default=8888, help=say("cli_port"))
    sandbox = command("sandbox", _sandbox, workspace=False)
    sandbox.add_argument("--folder", default="sandbox", help=say("cli_folder"))
    sandbox.add_argument("--port", type=int, default=0, help=say("cli_port"))
    sandbox.add_argument("--speed", type=float, help=say("cli_speed"))
    sandbox.add_argument("--faults", metavar="FILE", help=say("cli_faults"))
    command("measure", _measure, workspace=False).add_argument("files", nargs="+", help=say("cli_files"))
    command("check", _check).add_argument("request", help=say("cli_request"))
    submit = command("submit", _submit)
    submit.add_argument("request", help=say("cli_request"))
    submit.add_argument("--max-cost", type=float, help=say("cli_max_cost"))
    submit.add_argument("--new", action="store_true", help=say("cli_new"))
    submit.add_argument("--consent", action="store_true", help=say("cli_consent"))
    _add_sweep(command("sweep", _sweep))
    command("attach", _attach).add_argument("id", help=say("cli_id"))
    log = command("log", _log)
    for kind in ("csv", "parquet", "json"):
        log.add_argument(f"--{kind}", metavar="FILE", help=say("cli_export", kind=kind))
    add_log_commands(log, _workspace)
    command("pack", lambda options: pack(options, _workspace(options))).add_argument(
        "bundle", help=say("cli_bundle")
    )
    unpacked = command("unpack", unpack, workspace=False)
    unpacked.add_argument("bundle", help=say("cli_bundle"))
    unpacked.add_argument("folder", help=say("cli_folder"))
    budget = command("budget", _budget)
    budget.add_argument("person", nargs="?", help=say("cli_budget_person"))
    budget.add_argument("limit", nargs="?", metavar="USD", help=say("cli_budget_limit"))
    budget.add_argument("--since", metavar="DATE", help=say("cli_budget_since"))
    command("share", _share).add_argument("--all", action="store_true", help=say("cli_share_all"))
    command("scan", _scan, workspace=False).add_argument("files", nargs="+", help=say("cli_scan_files"))
    reconcile = command("reconcile", _reconcile)
    reconcile.add_argument("--since", metavar="DATE", help=say("cli_since"))
    reconcile.add_argument("--fix", action="store_true", help=say("cli_fix"))
    live = command("check-live", _check_live)
    live.add_argument("--max-cost", type=float, default=0.20, help=say("cli_live_max_cost"))
    for name in ("image_url", "video_url"):
        live.add_argument(f"--{name.replace('_', '-')}", metavar="LINK", help=say(f"cli_live_{name}"))
    live.add_argument("--yes", action="store_true", help=say("cli_live_yes"))
    live.add_argument("--also-replay", action="store_true", help=say("cli_live_also_replay"))
    return parser


def _workspace(options: argparse.Namespace) -> Workspace:
    """Open the workspace; a live one without a key asks the person at the terminal for it."""
    from motion_widgets.endpoint.secret import find_key
    from motion_widgets.workspace import Workspace

    ws = Workspace(options.folder, options.endpoint)
    if ws.live and ws.secret is None and sys.stdin.isatty():
        ws.switch(ws.endpoint, key=find_key(ws.base_url, ask=True), remember=False)
    return ws


def _request(name: str) -> MotionRequest:
    """Read a request from a JSON file, or from standard input for ``-``."""
    from motion_widgets.request import MotionRequest

    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        return MotionRequest.from_wire(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError.of("request_unreadable", name=name, reason=reason) from error


def _demo(options: argparse.Namespace) -> None:
    from motion_widgets.media import montage
    from motion_widgets.request import MotionRequest
    from motion_widgets.sweep import Sweep
    from motion_widgets.workspace import Workspace

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


def _follow(run: Run) -> None:
    """Draw how the run stands, with a bar per cell of a small one, until it rests.

    An interrupt says how to take it up again.
    """
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
                done = 100 if row["state"] == "collected" else min(row["progress"] or 0, 99)
                progress.update(bar, completed=done, state=row["state"])
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


def _print_frame(run: Run) -> None:
    frame = run.frame()[
        ["mode", "character_orientation", "state", "clip_length", "estimate_high", "cost", "result_path"]
    ]
    print(frame.to_string(index=False))


def _studio(options: argparse.Namespace) -> int:
    """Lay the notebooks down where they are missing, and start JupyterLab on the Studio."""
    folder = Path(options.folder).expanduser().absolute()
    package = Path(__file__).parent
    packed = next(
        one for one in (package / "notebooks", package.parent / "notebooks") if one.is_dir()
    )  # or a checkout
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NOTEBOOKS:
            if not (folder / name).exists():
                shutil.copyfile(packed / name, folder / name)
    except OSError as error:
        raise LogError.of(
            "folder_unwritable", name=str(folder), reason=error.strerror or str(error)
        ) from error
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--ServerApp.port={options.port}", FLAG]
    if not options.open:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    print(say("studio_starts", folder=folder), flush=True)
    command.append(f"--LabApp.default_url=/lab/tree/{NOTEBOOKS[0]}")  # the address printed leads there
    return _become(command)


def _become(command: list[str]) -> int:
    """Run a command in this one's place, so that a signal to this one reaches it; beside it on Windows."""
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - our own words and a path
    return subprocess.call(command)  # noqa: S603


def _sandbox(options: argparse.Namespace) -> None:
    from motion_widgets.sandbox import serve

    try:
        serve(Path(options.folder), options.port, options.speed, options.faults)
    except (OSError, OverflowError, ValueError) as error:  # OverflowError: a port above 65535
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError.of("sandbox_failed", reason=reason) from error


def _measure(options: argparse.Namespace) -> int:
    from motion_widgets.media import measure_clip, measure_image

    wrong = 0
    for name in options.files:
        try:
            images = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic")
            fact = (
                measure_image(name) if name.lower().split("?", 1)[0].endswith(images) else measure_clip(name)
            )
            shown = {field: getattr(fact, field) for field in fact.__dataclass_fields__}
            print(json.dumps(shown, ensure_ascii=False))
        except MotionError as error:
            wrong = 1
            print(f"{name}: {error}", file=sys.stderr)
    return wrong


def _check(options: argparse.Namespace) -> int:
    ws, req = _workspace(options), _request(options.request)
    findings = ws.check(req)
    for one in findings:
        print(f"{one.severity}: {one.field}: {one.message}")
    try:
        print(say("cli_price", price=str(ws.estimate(req))))
    except RequestError as error:
        print(error)
    return int(any(one.severity == "error" for one in findings))


def _submit(options: argparse.Namespace) -> int:
    ws = _workspace(options)
    if options.consent:
        ws.consent()
    job = ws.submit(_request(options.request), max_cost=options.max_cost, new=options.new)
    print(job.id, flush=True)
    job.wait()
    print(job)
    return _told(job.result, job.error)


def _told(result: Path | None, error: str | None) -> int:
    if result is not None:
        print(result)
        return 0
    print(error or "", file=sys.stderr)
    return 1


def _sweep(options: argparse.Namespace) -> int:
    sweep = _design(options)
    ws = _workspace(options)
    plan = sweep.plan(ws)
    if options.fraction is not None:
        plan = plan.for_budget(options.fraction)
    print(plan.frame().drop(columns="job_id").to_string(index=False))
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
    run = plan.run(budget=options.budget)
    print(run.id, flush=True)
    return _finish(run)


def _design(options: argparse.Namespace) -> Sweep:
    """Read a plan in TOML, or make one of a request and axes."""
    from motion_widgets.sweep import Sweep
    from motion_widgets.sweep.toml import load

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
        axes[field] = [value for value in values.split(",") if value]
    named = [name for name in axes if name in ("req", "repeats", "seed", "where")]
    if named:  # an option of Sweep is no axis, whatever it is called here
        raise RequestError.of("axis_unknown", name=named[0], known=", ".join(WIRE_FIELDS))
    return Sweep(_request(options.request), **more, **axes)


def _finish(run: Run) -> int:
    _follow(run)
    _print_frame(run)
    for sentence in run.stopped:
        print(sentence)
    print(run.summary())
    return int(set(run.counts()) != {"collected"})


def _attach(options: argparse.Namespace) -> int:
    from motion_widgets.sweep import Run

    found = _workspace(options).attach(options.id)
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
    return _told(found.result, found.error)


def _log(options: argparse.Namespace) -> None:
    log = _workspace(options).log
    exports = {kind: getattr(options, kind) for kind in ("csv", "parquet", "json") if getattr(options, kind)}
    for kind, path in exports.items():
        print(getattr(log, f"to_{kind}")(path))
    if not exports:
        frame = log.frame()
        columns = ["id", "state", "mode", "character_orientation", "clip_name", "estimate_high", "cost"]
        columns += ["created", "error_message"]
        print(frame[columns].to_string(index=False) if len(frame) else say("log_empty"))


def _share(options: argparse.Namespace) -> None:
    ws = _workspace(options)
    print(say("shared_done", count=ws.share(everything=options.all), place=ws.shared))


def _budget(options: argparse.Namespace) -> None:
    """Show what people may spend, or set it for one of them."""
    ws = _workspace(options)
    if options.limit is None:
        known = [one for one in ws.budgets() if options.person in (None, one.person)]
        print("\n".join(map(str, known)) or say("budget_none"))
        return
    limit: Any = options.limit
    with contextlib.suppress(ValueError):
        limit = None if limit == "none" else float(limit)
    print(ws.set_budget(limit, options.person, since=options.since))


def _said(report: Report) -> int:
    print(*report.lines, sep="\n")
    return report.code


def _scan(options: argparse.Namespace) -> int:
    from motion_widgets.audit.scan import scan

    return _said(scan(options.files))


def _reconcile(options: argparse.Namespace) -> int:
    from motion_widgets.audit.reconcile import reconcile

    return _said(reconcile(_workspace(options), since=options.since, fix=options.fix))


def _check_live(options: argparse.Namespace) -> int:
    from motion_widgets.audit.firstcontact import first_contact

    names = ("max_cost", "image_url", "video_url", "yes", "also_replay")
    given = {name: getattr(options, name) for name in names}
    return _said(first_contact(options.folder, options.endpoint or "apimart", **given))
