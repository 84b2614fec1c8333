"""Commands for the log and for whole workspaces: ``log check | rescue | …``, ``pack`` and ``unpack``."""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.cli.folders import folder_of, no_log
from motion_widgets.cli.terminal import example, print_table, tell
from motion_widgets.core.errors import LogError
from motion_widgets.core.hidden import variable
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL

    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.store import Log
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["add_log_commands", "pack", "print_log", "require_log", "unpack"]

_KINDS = (".csv", ".parquet", ".jsonl", ".json", ".xlsx", ".sqlite")


def add_log_commands(log: argparse.ArgumentParser, open_workspace: Callable[..., Workspace]) -> None:
    """Add the subcommands of ``motion-widgets log``; without one it shows the log."""
    commands = log.add_subparsers(metavar="action")

    def command(name: str, run: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        told = say(f"cli_log_{name}")
        made = commands.add_parser(name, help=told, description=told, epilog=example(f"log_{name}"))
        made.set_defaults(run=run)
        # Suppressed, so that an option given before the action's name is kept.
        made.add_argument("--folder", help=say("cli_folder"), default=argparse.SUPPRESS)
        made.add_argument("--endpoint", help=say("cli_endpoint"), default=argparse.SUPPRESS)
        return made

    command("check", _check).add_argument("--files", action="store_true", help=say("cli_log_files"))
    command("rescue", _rescue).add_argument("--replace", action="store_true", help=say("cli_log_replace"))
    export = command("export", lambda options: _export(options, open_workspace))
    export.add_argument("target", help=say("cli_log_target"))
    export.add_argument("--excel", action="store_true", help=say("cli_log_excel"))
    for name, run in (("import", _import), ("merge", _merge)):
        command(name, _with_source(run, open_workspace)).add_argument("source", help=say("cli_log_source"))


def _with_source(
    run: Callable[[Workspace, Path], None], open_workspace: Callable[..., Workspace]
) -> Callable[[argparse.Namespace], None]:
    return lambda options: run(open_workspace(options), _path(options.source))


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _locate(options: argparse.Namespace) -> tuple[Path, URL]:
    """Return the workspace's folder and the log's address, without opening either."""
    from motion_widgets.log.open_file import address_of
    from motion_widgets.workspace.workspace import LOG

    folder = folder_of(options)
    return folder, address_of(variable(LOG) or folder / "log.sqlite")


def require_log(options: argparse.Namespace) -> None:
    """Raise unless there is a log to read, as a misspelt folder would become an empty workspace.

    Raises
    ------
    LogError
        There is no log.
    """
    from motion_widgets.log.open_file import file_of

    folder, address = _locate(options)
    if file_of(address) is not None and not folder.is_file():  # a file there is reported by the workspace
        _file_of(address)


def print_log(ws: Workspace, most: int) -> None:
    """Print the newest jobs, at most so many, and their runs with the ids by which `attach` knows them."""
    columns = ["id", "state", "mode", "character_orientation", "clip_name", "estimate_high", "cost"]
    frame = ws.log.frame(columns=[*columns, "created", "sweep_id", "error_message"])
    if not len(frame):
        tell(say("log_empty"))
        return
    shown, known = frame.tail(most), ws.log_store.sweeps.names()
    of = [one if isinstance(one, str) else "" for one in shown["sweep_id"]]
    named = shown.assign(sweep_id=[known.get(one, one) for one in of])
    print_table(named.rename(columns={"sweep_id": "run"}))
    for one in dict.fromkeys(of):
        if one in known:
            tell(f"{one}  {known[one]}")
    if len(frame) > most:
        tell(say("log_newest", shown=most, count=len(frame)))


def _file_of(address: URL) -> Path:
    """Return the file of a log.

    Raises
    ------
    LogError
        The file is missing, or the log is on a server.
    """
    from motion_widgets.log.open_file import file_of

    path = file_of(address)
    if path is None:
        raise LogError.of("log_elsewhere", name=address.drivername)
    if not path.is_file():
        raise no_log(path.parent)
    return path


def _check(options: argparse.Namespace) -> int:
    from motion_widgets.log.open_file import file_of
    from motion_widgets.log.recovery import damage_of
    from motion_widgets.log.store import Log
    from motion_widgets.log.untrusted_file import readable

    folder, address = _locate(options)
    if file_of(address) is not None:
        path = _file_of(address)
        try:
            with readable(path) as file:
                what = damage_of(file, whole=True, reading=True)
        except (OSError, sqlite3.Error) as error:
            raise LogError.of("log_unopenable", name=str(path), reason=str(error)) from error
        if what is not None:
            tell(say("check_damaged", name=path, what=what))
            return 1
    log = Log(address, reading=True)
    try:
        for notice in log.database.notices:
            tell(notice)
        lines = list(_files(log, folder, _shared(folder), whole=options.files))
        if lines:
            tell(*lines)
        held = {"jobs": log.jobs.count(), "events": log.jobs.count_events()}
        tell(say("check_fine", name=log.name, shape=log.database.version, **held))
    finally:
        log.close()
    return int(bool(lines))


def _shared(folder: Path) -> Shared | None:
    """Return the shared path that the environment names. None: it names none."""
    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.workspace.workspace import SHARED

    address = variable(SHARED)
    return Shared(address, folder) if address else None


def _files(log: Log, folder: Path, shared: Shared | None, *, whole: bool) -> Any:
    """Yield a sentence for each file of a job that is missing or was replaced."""
    from motion_widgets.core.hashing import sha256_of

    for row in log.jobs.rows():
        for name in ("result_path", "image_path", "clip_path"):
            kept = getattr(row, name)
            if kept is None:
                continue
            path = folder / kept
            if not path.is_file():
                if shared is not None and shared.has(kept):
                    continue
                yield say("check_missing", id=row.id, path=kept)
            elif whole and name == "result_path" and row.result_sha not in (None, sha256_of(path)):
                yield say("check_changed", id=row.id, path=kept)


def _rescue(options: argparse.Namespace) -> int:
    from motion_widgets.log.recovery import damage_of, replace_damaged, rescue

    _, address = _locate(options)
    path = _file_of(address)
    try:
        what = damage_of(path, whole=True)
        if what is None:
            tell(say("rescue_not_needed", name=path))
            return 0
        tell(say("check_damaged", name=path, what=what))
        made = rescue(path, what)
        if options.replace:
            kept = replace_damaged(path, made)
            tell(say("rescue_replaced", jobs=made.jobs, name=path, kept=kept))
        else:
            tell(say("rescue_done", jobs=made.jobs, lines=made.lines, log=made.log))
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LogError.of("log_unopenable", name=str(path), reason=reason) from error
    return 0


def _export(options: argparse.Namespace, open_workspace: Callable[..., Workspace]) -> None:
    from motion_widgets.workspace.bundle import save_log

    target = _path(options.target)
    kind = target.suffix.lower()
    if kind not in _KINDS:
        raise LogError.of("export_kind", name=target.name, known=", ".join(_KINDS))
    require_log(options)
    ws = open_workspace(options)
    if kind == ".csv":
        tell(ws.log.to_csv(target, excel=options.excel))
    elif kind == ".sqlite":
        tell(save_log(ws.log_store, target))
    else:
        name = {".jsonl": "json", ".xlsx": "excel"}.get(kind, kind[1:])
        tell(getattr(ws.log, f"to_{name}")(target))


def _import(ws: Workspace, source: Path) -> None:
    from motion_widgets.log.exports import from_file

    frame = from_file(source)
    tell(say("import_done", added=ws.log.import_frame(frame), all=len(frame)))


def _merge(ws: Workspace, source: Path) -> None:
    from motion_widgets.workspace.bundle import merge_from

    done = merge_from(ws.log_store, ws.folder, source)
    for conflict in done.conflicts:
        tell(conflict)
    numbers = {"added": done.added, "advanced": done.advanced, "same": done.same, "files": len(done.files)}
    tell(say("merge_done", **numbers))


def pack(options: argparse.Namespace, open_workspace: Callable[..., Workspace]) -> None:
    """Run ``motion-widgets pack``."""
    from motion_widgets.workspace.bundle import pack as packed

    require_log(options)
    ws = open_workspace(options)
    # What is only on the shared path is packed as well.
    for problem in ws.team.fetch_all(ws.log_store.jobs.rows()):
        tell(problem)
    path = packed(ws.folder, ws.log_store, _path(options.bundle))
    tell(say("bundle_packed", path=path, mb=path.stat().st_size / 1e6))
    lacks = sum(1 for _ in _files(ws.log_store, ws.folder, None, whole=False))
    if lacks:
        tell(say("bundle_lacks", count=lacks))


def unpack(options: argparse.Namespace) -> None:
    """Run ``motion-widgets unpack``."""
    from motion_widgets.workspace.unpack import unpack as unpacked

    folder = _path(options.folder).absolute()
    found = unpacked(_path(options.bundle), folder)
    tell(*found.left_out, say("bundle_unpacked", path=folder, jobs=found.jobs))
