"""``motion-widgets study RUN``: how a study stands, its answer, its report, and its results side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.cli.terminal import tell
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["add_study_command"]


def add_study_command(
    command: Callable[..., argparse.ArgumentParser], open_workspace: Callable[..., Workspace]
) -> None:
    """Add the command to the parser."""
    made = command("study", lambda options: _study(options, open_workspace(options)))
    made.add_argument("ids", nargs="+", metavar="RUN", help=say("cli_study_ids"))
    made.add_argument("--name", default="", help=say("cli_study_name"))
    made.add_argument("--report", metavar="FILE", help=say("cli_study_report"))
    made.add_argument("--montage", metavar="FILE", help=say("cli_study_montage"))
    made.add_argument("--most", type=int, metavar="BYTES", help=say("cli_study_most"))


def _study(options: argparse.Namespace, ws: Workspace) -> int:
    """Print how a study stands and its answer, or write its report and its montage."""
    from motion_widgets.study import Study, montage

    study = Study(ws, options.ids, options.name)
    beside = montage(study, options.montage, most=options.most) if options.montage else None
    if beside is not None:
        tell(say("report_written", path=beside))
    if options.report:
        tell(say("report_written", path=study.report(options.report, montage=beside)))
    if options.report or options.montage:
        return 0
    tell(study)
    if study.question is not None:
        tell(study.answer(), study.next_step())
    return 0
