"""A workspace's own media: mending into ``mended/`` with provenance and undo, the library, the samples."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.media.repair.mend import mend
from motion_widgets.media.samples import sample_media
from motion_widgets.workspace.inputs import keep_input, make_folder
from motion_widgets.workspace.library import Library

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip, Image
    from motion_widgets.log.store import Log
    from motion_widgets.media.repair.operation import Mend, Operation
    from motion_widgets.media.samples import SampleMedia

__all__ = ["Mended", "Mends", "mend_into", "undo"]

FOLDER = "mended"
_DRAWING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Mended:
    """A mend that the log knows."""

    id: str
    """``mend-…``; what `Workspace.undo_mend` takes."""
    mend: Mend
    """Its provenance."""
    result: Clip | Image
    """The new file, measured."""


def mend_into(
    log: Log, folder: Path, source: str | Path | Clip | Image, operation: Operation, **how: Any
) -> Mended:
    """Mend a file into a workspace's folder and write down what was made of what.

    Parameters
    ----------
    log, folder
        Of the workspace.
    source, operation
        As `motion_widgets.mend` takes them.
    how
        `progress`, `cancel` and `deadline`.

    Returns
    -------
    Mended
        The earlier one where the same was made of the same and not undone.

    Raises
    ------
    ClipError
        As `motion_widgets.mend`; nothing is written down then.
    LogError
        The folder or the log cannot be written.
    """
    make_folder(folder / FOLDER)
    made = mend(source, operation, to=folder / FOLDER, **how)
    result = made.measure()
    for row in reversed(log.mends(source_sha=made.source_sha, result_sha=made.result_sha)):
        same = (row.operation, row.parameters) == (made.operation, dict(made.parameters))
        if same and row.undone is None:
            return Mended(row.id, made, result)
    mend_id = log.add_mend(
        kind=made.kind, operation=made.operation, parameters=made.parameters,
        source_sha=made.source_sha, source_name=made.source_name, source_path=_kept(log, folder, made),
        result_sha=made.result_sha, result_name=made.result_name,
        result_path=Path(made.result_path).relative_to(folder).as_posix(),
    )  # fmt: skip
    return Mended(mend_id, made, result)


def _kept(log: Log, folder: Path, made: Mend) -> str:
    """Return where the source is inside the folder; one from outside is copied, as it may vanish."""
    source = Path(made.source_path)
    if source.is_relative_to(folder):
        return source.relative_to(folder).as_posix()
    return keep_input(log, folder, source, made.source_name)[0]


def undo(log: Log, folder: Path, mend_id: str) -> Path:
    """Take a mend back: give the file that it was made of. The mended file stays where it is.

    Raises
    ------
    LogError
        The log knows no such mend, or the kept source is gone.
    """
    row = next((one for one in log.mends() if one.id == mend_id), None)
    if row is None:
        raise LogError.of("no_such_id", id=mend_id, name=log.name)
    source = folder / str(row.source_path)
    if not source.is_file():
        raise LogError.of("mend_source_gone", name=row.source_name)
    log.undo_mend(mend_id)
    return source


class Mends:
    """Mending and media at hand, for `Workspace`, which has all that is named here."""

    folder: Path
    log_store: Log

    def mend(self, source: str | Path | Clip | Image, operation: Operation, **how: Any) -> Mended:
        """Mend a local clip or image into ``mended/``, with its provenance in the log (see `mending`).

        `how`: `progress`, `cancel` and `deadline`, as `motion_widgets.mend` takes them.

        Raises
        ------
        ClipError
            It cannot be mended, or the mend was cancelled or too slow; nothing is left then.
        LogError
            The folder or the log cannot be written.
        """
        return mend_into(self.log_store, self.folder, source, operation, **how)

    def undo_mend(self, mend_id: str) -> Path:
        """Take a mend back and give the file that it was made of; raises LogError where it is gone."""
        return undo(self.log_store, self.folder, mend_id)

    @property
    def library(self) -> Library:
        """The clips and images in ``library/`` that are used again and again."""
        return Library(self.folder / "library")

    def samples(self) -> SampleMedia:
        """Return the reference image and clips that come with the toolkit, drawn at first use."""
        with _DRAWING:  # two threads would write the same part files
            return sample_media(self.folder / "samples")
