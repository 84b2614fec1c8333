"""The terminal: ``motion-widgets COMMAND``, one function per command."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.cli import shared_page
from motion_widgets.cli.folders import WORKSPACE, folder_of
from motion_widgets.cli.jobs import add_run_commands, demo, read_request
from motion_widgets.cli.jupyter_server import FLAGS
from motion_widgets.cli.log import add_log_commands, pack, print_log, require_log, unpack
from motion_widgets.cli.study import add_study_command
from motion_widgets.cli.terminal import Parser, example, tell, tell_error
from motion_widgets.core.errors import LogError, MotionError, RequestError
from motion_widgets.core.files import copy_whole
from motion_widgets.core.hidden import set_variable
from motion_widgets.core.logging import brief, report
from motion_widgets.core.messages import at_terminal, say
from motion_widgets.core.money import format_usd
from motion_widgets.core.paths import typed_path
from motion_widgets.core.version import __version__
from motion_widgets.endpoint.responses import redact

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from motion_widgets.audit import Report
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["main"]

ROWS = 50
"""The most jobs that ``log`` shows."""
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif")
_AT_EXIT = "motion_widgets.workspace.at_exit"
NOTEBOOKS = (
    "studio.ipynb", "01_request.ipynb", "02_sweep.ipynb", "03_study.ipynb", "04_log_and_pandas.ipynb",
    "05_faults.ipynb", "06_going_live.ipynb", "07_team_and_scale.ipynb",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 failed as printed, 2 wrong usage, 130 interrupted."""
    options = _parser().parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.INFO)
    with at_terminal(_where(options)):
        return _run(options)


def _where(options: argparse.Namespace) -> str:
    """Return the options that a further command has to be given to work in the same folder."""
    folder = getattr(options, "folder", None)
    return f" --folder {shlex.quote(str(folder))}" if folder else ""


def _run(options: argparse.Namespace) -> int:
    """Run a command and leave the workspaces that it opened; whatever goes wrong is said in a line."""
    try:
        with warnings.catch_warnings(), _left_at_end():  # a warning is one line, like an error
            warnings.filterwarnings("always", category=UserWarning, module="motion_widgets")
            warnings.showwarning = lambda message, *_, **__: tell_error(f"motion-widgets: {message}")
            return int(options.run(options) or 0)
    except MotionError as error:
        tell_error(f"motion-widgets: {error}")
        return 1
    except KeyboardInterrupt as error:
        tell_error(str(error) or say("cli_interrupted"))
        return 130
    except Exception as error:  # noqa: BLE001 - the terminal's edge: one line, and the details for who asks
        report(error, say("cli_command"))
        said = say("cli_unexpected", what=redact(brief(error)))
        tell_error(f"motion-widgets: {said}")
        return 1


@contextlib.contextmanager
def _left_at_end() -> Iterator[None]:
    """Leave the workspaces that are opened inside, in the terminal's words; an interrupt sends no more."""
    before, send = _open_workspaces(), False
    try:
        yield
        send = True
    finally:
        for ws in _open_workspaces() - before:
            sys.modules[_AT_EXIT].leave(ws, send=send)


def _open_workspaces() -> set[Any]:
    """Return the workspaces that are open here; the commands that open none load nothing for it."""
    return set(sys.modules[_AT_EXIT].OPEN) if _AT_EXIT in sys.modules else set()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="motion-widgets", description=say("cli_about"), epilog=example("demo"))
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--debug", action="store_true", help=say("cli_debug"))
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Any, *, workspace: bool = True) -> argparse.ArgumentParser:
        told = say(f"cli_{name}")
        made = commands.add_parser(name, help=told, description=told, epilog=example(name))
        made.set_defaults(run=run)
        if workspace:
            made.add_argument("--folder", help=say("cli_folder"))
            made.add_argument("--endpoint", help=say("cli_endpoint"))
        return made

    _add_servers(command)
    command("measure", _measure, workspace=False).add_argument("files", nargs="+", help=say("cli_files"))
    command("check", _check).add_argument("request", help=say("cli_request"))
    add_run_commands(command, _workspace)
    add_study_command(command, _workspace)
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
    prices = command("prices", _prices)
    prices.add_argument("--accept", action="store_true", help=say("cli_prices_accept"))
    command("forget-key", _forget_key, workspace=False).add_argument(
        "--endpoint", help=say("cli_forget_where")
    )
    command("share", _share).add_argument("--all", action="store_true", help=say("cli_share_all"))
    _add_audits(command)
    return parser


def _add_servers(command: Callable[..., argparse.ArgumentParser]) -> None:
    shown = command("demo", demo, workspace=False)
    shown.add_argument("--folder", default=WORKSPACE, help=say("cli_folder"))
    studio = command("studio", _studio, workspace=False)
    studio.add_argument("--folder", default=".", help=say("cli_studio_folder"))
    studio.add_argument("--open", action="store_true", help=say("cli_open"))
    studio.add_argument("--port", type=int, help=say("cli_port"))
    shared_page.add_options(studio)
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

    ws = Workspace(folder_of(options), options.endpoint)
    if ws.live and ws.connection.secret is None and sys.stdin.isatty():
        ws.switch(ws.endpoint, key=find_key(ws.connection.target.base_url, ask=True), remember=False)
    return ws


def _studio(options: argparse.Namespace) -> int:
    """Copy the notebooks that are missing into the folder, and start JupyterLab; or Voilà with the Studio."""
    folder = Path(options.folder).expanduser().absolute()
    package = Path(__file__).parents[1]
    places = (package / "notebooks", package.parent / "notebooks")  # installed, or in a checkout
    packed = next(one for one in places if one.is_dir())
    if options.app:
        tell(say("app_starts", folder=folder))
        return _replace_process(shared_page.app_command(options, packed, folder))
    if options.voila:
        command = shared_page.command_of(options, packed)
        tell(say("voila_starts", ip=options.ip, port=options.port or shared_page.PORT))
        return _replace_process(command)
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
    command += [f"--ServerApp.port={options.port or 8888}", *FLAGS]
    if not options.open:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    tell(say("studio_starts", folder=folder))
    command.append(f"--LabApp.default_url=/lab/tree/{NOTEBOOKS[0]}")  # the printed address leads there
    return _replace_process(command)


def _replace_process(command: list[str]) -> int:
    """Run a server in place of this process, so that signals reach it; on Windows as a child process.

    Of the folder that this was called in, which somebody may have sent, it and its kernels read no settings
    and import no module.
    """
    set_variable("PYTHONSAFEPATH", "1")
    os.chdir(sys.prefix)
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
    for name in map(typed_path, options.files):
        measure = measure_image if name.lower().split("?", 1)[0].endswith(IMAGES) else measure_clip
        try:
            tell(json.dumps(asdict(measure(name)), ensure_ascii=False))
        except MotionError as error:
            wrong = 1
            tell_error(f"{name}: {error}")
    return wrong


def _check(options: argparse.Namespace) -> int:
    ws, req = _workspace(options), read_request(options.request)
    findings = ws.check(req)
    for one in findings:
        tell(f"{one.severity}: {one.field}: {one.message}")
    try:
        tell(say("cli_price", price=str(ws.estimate(req))))
    except RequestError as error:
        tell(error)
    wrong = sum(one.severity == "error" for one in findings)
    if wrong:
        tell_error(say("cli_check_wrong", count=wrong))
    return int(bool(wrong))


def _log(options: argparse.Namespace) -> None:
    require_log(options)
    ws = _workspace(options)
    exports = {kind: getattr(options, kind) for kind in ("csv", "parquet", "json") if getattr(options, kind)}
    for kind, path in exports.items():
        tell(getattr(ws.log, f"to_{kind}")(path))
    if not exports:
        print_log(ws, ROWS)


def _share(options: argparse.Namespace) -> None:
    ws = _workspace(options)
    tell(say("shared_done", count=ws.share(everything=options.all), place=ws.shared))


def _budget(options: argparse.Namespace) -> None:
    """Print the budgets, or set that of a person."""
    ws = _workspace(options)
    if options.limit is None:
        known = [one for one in ws.personal_budgets.all() if options.person in (None, one.person)]
        tell(*(map(str, known) if known else [say("budget_none")]))
        return
    limit: Any = options.limit
    with contextlib.suppress(ValueError):  # what is no number is refused by `set_budget`, in words
        limit = None if limit == "none" else float(limit)
    tell(ws.set_budget(limit, options.person, since=options.since))


def _prices(options: argparse.Namespace) -> None:
    """Print the price table that holds, which may be the folder's own as of now."""
    ws = _workspace(options)
    if options.accept:
        ws.accept_prices()
    prices = ws.prices
    tell(say("cli_prices_of", date=prices.date, source=prices.source))
    for (model, mode), usd in prices.per_second.items():
        tell(f"{model} {mode}: {format_usd(usd, digits=5)}")


def _forget_key(options: argparse.Namespace) -> int:
    """Remove a kept key from the keyring, and say where it was."""
    from motion_widgets.workspace.settings import forget_kept_key, live_url

    done, said = forget_kept_key(live_url() if options.endpoint in (None, "apimart") else options.endpoint)
    tell(said)
    return int(not done)


def _print_report(report: Report) -> int:
    tell(*report.lines)
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
    return _print_report(first_contact(folder_of(options), options.endpoint or "apimart", **given))
