"""The terminal: ``motion-widgets COMMAND``, one function per command."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.cli.jobs import add_run_commands, demo, plain, print_table, read_request
from motion_widgets.cli.jupyter_nodelay import FLAG
from motion_widgets.cli.log import add_log_commands, pack, require_log, unpack
from motion_widgets.core.errors import LogError, MotionError, RequestError
from motion_widgets.core.files import copy_whole
from motion_widgets.core.messages import say
from motion_widgets.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.audit.report import Report
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["main"]

ROWS = 50
"""The most jobs that ``log`` shows."""
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic")
NOTEBOOKS = ("studio.ipynb", "01_request.ipynb", "02_sweep.ipynb")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 failed as printed, 2 wrong usage, 130 interrupted."""
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():  # a warning is one line, like an error
            warnings.filterwarnings("always", category=UserWarning, module="motion_widgets")
            warnings.showwarning = lambda message, *_, **__: print(
                f"motion-widgets: {message}", file=sys.stderr
            )
            return int(options.run(options) or 0)
    except MotionError as error:
        print(f"motion-widgets: {plain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


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

    _add_servers(command)
    command("measure", _measure, workspace=False).add_argument("files", nargs="+", help=say("cli_files"))
    command("check", _check).add_argument("request", help=say("cli_request"))
    add_run_commands(command, _workspace)
    log = command("log", _log)
    for kind in ("csv", "parquet", "json"):
        log.add_argument(f"--{kind}", metavar="FILE", help=say("cli_export", kind=kind))
    add_log_commands(log, _workspace)
    command("pack", lambda options: pack(options, _workspace)).add_argument("bundle", help=say("cli_bundle"))
    unpacked = command("unpack", unpack, workspace=False)
    unpacked.add_argument("bundle", help=say("cli_bundle"))
    unpacked.add_argument("folder", help=say("cli_folder"))
    budget = command("budget", _budget)
    budget.add_argument("person", nargs="?", help=say("cli_budget_person"))
    budget.add_argument("limit", nargs="?", metavar="USD", help=say("cli_budget_limit"))
    budget.add_argument("--since", metavar="DATE", help=say("cli_budget_since"))
    command("share", _share).add_argument("--all", action="store_true", help=say("cli_share_all"))
    _add_audits(command)
    return parser


def _add_servers(command: Callable[..., argparse.ArgumentParser]) -> None:
    shown = command("demo", demo, workspace=False)
    shown.add_argument("--folder", default="workspace", help=say("cli_folder"))
    studio = command("studio", _studio, workspace=False)
    studio.add_argument("--folder", default=".", help=say("cli_studio_folder"))
    studio.add_argument("--open", action="store_true", help=say("cli_open"))
    studio.add_argument("--port", type=int, default=8888, help=say("cli_port"))
    sandbox = command("sandbox", _sandbox, workspace=False)
    sandbox.add_argument("--folder", default="sandbox", help=say("cli_folder"))
    sandbox.add_argument("--port", type=int, default=0, help=say("cli_port"))
    sandbox.add_argument("--speed", type=float, help=say("cli_speed"))
    sandbox.add_argument("--faults", metavar="FILE", help=say("cli_faults"))


def _add_audits(command: Callable[..., argparse.ArgumentParser]) -> None:
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


def _workspace(options: argparse.Namespace) -> Workspace:
    """Open the workspace; if it is live and has no key, ask for it at the terminal."""
    from motion_widgets.endpoint.api_key import find_key
    from motion_widgets.workspace.workspace import Workspace

    ws = Workspace(options.folder, options.endpoint)
    if ws.live and ws.connection.secret is None and sys.stdin.isatty():
        ws.switch(ws.endpoint, key=find_key(ws.connection.target.base_url, ask=True), remember=False)
    return ws


def _studio(options: argparse.Namespace) -> int:
    """Copy the notebooks that are missing into the folder, and start JupyterLab on the Studio."""
    folder = Path(options.folder).expanduser().absolute()
    package = Path(__file__).parents[1]
    places = (package / "notebooks", package.parent / "notebooks")  # installed, or in a checkout
    packed = next(one for one in places if one.is_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NOTEBOOKS:
            if not (folder / name).exists():
                copy_whole(packed / name, folder / name)
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
    command.append(f"--LabApp.default_url=/lab/tree/{NOTEBOOKS[0]}")  # the printed address leads there
    return _replace_process(command)


def _replace_process(command: list[str]) -> int:
    """Run a command in place of this process, so that signals reach it; on Windows as a child process."""
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
    from motion_widgets.media.probe.image import measure_image
    from motion_widgets.media.probe.measure import measure_clip

    wrong = 0
    for name in options.files:
        measure = measure_image if name.lower().split("?", 1)[0].endswith(IMAGES) else measure_clip
        try:
            print(json.dumps(asdict(measure(name)), ensure_ascii=False))
        except MotionError as error:
            wrong = 1
            print(f"{name}: {error}", file=sys.stderr)
    return wrong


def _check(options: argparse.Namespace) -> int:
    ws, req = _workspace(options), read_request(options.request)
    findings = ws.check(req)
    for one in findings:
        print(f"{one.severity}: {one.field}: {one.message}")
    try:
        print(say("cli_price", price=str(ws.estimate(req))))
    except RequestError as error:
        print(error)
    return int(any(one.severity == "error" for one in findings))


def _log(options: argparse.Namespace) -> None:
    require_log(options)
    log = _workspace(options).log
    exports = {kind: getattr(options, kind) for kind in ("csv", "parquet", "json") if getattr(options, kind)}
    for kind, path in exports.items():
        print(getattr(log, f"to_{kind}")(path))
    if exports:
        return
    columns = ["id", "state", "mode", "character_orientation", "clip_name", "estimate_high", "cost"]
    frame = log.frame(columns=[*columns, "created", "error_message"])
    if not len(frame):
        print(say("log_empty"))
        return
    print_table(frame.tail(ROWS))
    if len(frame) > ROWS:
        print(say("log_newest", shown=ROWS, count=len(frame)))


def _share(options: argparse.Namespace) -> None:
    ws = _workspace(options)
    print(say("shared_done", count=ws.share(everything=options.all), place=ws.shared))


def _budget(options: argparse.Namespace) -> None:
    """Print the budgets, or set that of a person."""
    ws = _workspace(options)
    if options.limit is None:
        known = [one for one in ws.personal_budgets.all() if options.person in (None, one.person)]
        print("\n".join(map(str, known)) or say("budget_none"))
        return
    limit: Any = options.limit
    with contextlib.suppress(ValueError):
        limit = None if limit == "none" else float(limit)
    print(ws.set_budget(limit, options.person, since=options.since))


def _print_report(report: Report) -> int:
    print(*report.lines, sep="\n")
    return report.code


def _scan(options: argparse.Namespace) -> int:
    from motion_widgets.audit.key_scan import scan

    return _print_report(scan(options.files))


def _reconcile(options: argparse.Namespace) -> int:
    from motion_widgets.audit.reconcile import reconcile

    return _print_report(reconcile(_workspace(options), since=options.since, fix=options.fix))


def _check_live(options: argparse.Namespace) -> int:
    from motion_widgets.audit.first_contact import first_contact

    names = ("max_cost", "image_url", "video_url", "yes", "also_replay")
    given = {name: getattr(options, name) for name in names}
    return _print_report(first_contact(options.folder, options.endpoint or "apimart", **given))
