"""The same from a terminal: ``motion-widgets COMMAND``, one function a command."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.cli.jobs import add_run_commands, demo, plain, print_table, read_request
from motion_widgets.cli.jupyter_nodelay import FLAG
from motion_widgets.cli.log import add_log_commands, pack, require_log, unpack
from motion_widgets.core.errors import LogError, MotionError, RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.audit import Report
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["main"]

ROWS = 50
"""Jobs that ``log`` shows; thousands would only run through the terminal."""
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
    from motion_widgets.endpoint.api_key import find_key
    from motion_widgets.workspace.workspace import Workspace

    ws = Workspace(options.folder, options.endpoint)
    if ws.live and ws.secret is None and sys.stdin.isatty():
        ws.switch(ws.endpoint, key=find_key(ws.base_url, ask=True), remember=False)
    return ws


def _studio(options: argparse.Namespace) -> int:
    """Lay the notebooks down where they are missing, and start JupyterLab on the Studio."""
    folder = Path(options.folder).expanduser().absolute()
    package = Path(__file__).parents[1]
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
    from motion_widgets.media.probe.image import measure_image
    from motion_widgets.media.probe.measure import measure_clip

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
    from motion_widgets.audit.key_scan import scan

    return _said(scan(options.files))


def _reconcile(options: argparse.Namespace) -> int:
    from motion_widgets.audit.reconcile import reconcile

    return _said(reconcile(_workspace(options), since=options.since, fix=options.fix))


def _check_live(options: argparse.Namespace) -> int:
    from motion_widgets.audit.first_contact import first_contact

    names = ("max_cost", "image_url", "video_url", "yes", "also_replay")
    given = {name: getattr(options, name) for name in names}
    return _said(first_contact(options.folder, options.endpoint or "apimart", **given))
