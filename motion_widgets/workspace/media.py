"""A workspace's own media: mending into ``mended/`` with provenance and undo, the library, the samples."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.forks import new_lock
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.media.repair.mend import mend
from motion_widgets.media.samples import draw_once, sample_media
from motion_widgets.workspace.inputs import keep_input, make_folder, own_name
from motion_widgets.workspace.library import Library

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip, Image
    from motion_widgets.log.store import Log
    from motion_widgets.media.repair.operation import Mend, Operation
    from motion_widgets.media.samples import SampleMedia

__all__ = ["Media", "Mended"]

FOLDER = "mended"
_DRAWING = new_lock()


@dataclass(frozen=True, slots=True)
class Mended:
    """A mend that the log knows."""

    id: str
    """``mend-…``; what `Workspace.undo_mend` takes."""
    mend: Mend
    """Its provenance."""
    result: Clip | Image
    """The new file, measured."""


class Media:
    """A workspace's own media: mends, the library and the samples.

    Parameters
    ----------
    log, folder
        The workspace's.
    """

    def __init__(self, log: Log, folder: Path) -> None:
        self._log, self._folder = log, folder
        self.library = Library(folder / "library")

    def mend(self, source: str | Path | Clip | Image, operation: Operation, **how: Any) -> Mended:
        """Mend a local clip or image into ``mended/``, with its provenance in the log.

        What was made of the same before, and not undone, is returned again.

        `how`: `progress`, `cancel` and `deadline`, as `motion_widgets.mend` takes them.

        Raises
        ------
        ClipError
            It cannot be mended, or the mend was cancelled or too slow; nothing is left then.
        LogError
            The folder or the log cannot be written.
        """
        make_folder(self._folder / FOLDER)
        made = mend(source, operation, to=self._folder / FOLDER, **how)
        result = made.measure()
        for row in reversed(self._log.mends.find(source_sha=made.source_sha, result_sha=made.result_sha)):
            same = (row.operation, row.parameters) == (made.operation, dict(made.parameters))
            if same and row.undone is None:
                return self._known(row.id, made, result)
        mend_id = self._log.mends.add(
            kind=made.kind, operation=made.operation, parameters=made.parameters,
            source_sha=made.source_sha, source_name=made.source_name, source_path=self._kept(made),
            result_sha=made.result_sha, result_name=made.result_name,
            result_path=Path(made.result_path).relative_to(self._folder).as_posix(),
        )  # fmt: skip
        return self._known(mend_id, made, result)

    def _known(self, mend_id: str, made: Mend, result: Clip | Image) -> Mended:
        return Mended(mend_id, made, replace(result, name=own_name(self._log, self._folder, result)))

    def _kept(self, made: Mend) -> str:
        """Return where the source is in the folders; one from elsewhere is copied, as it may vanish."""
        source = Path(made.source_path)
        if source.is_relative_to(self._folder):
            name = source.relative_to(self._folder).as_posix()
            if stored_file(self._folder, name) is not None:
                return name
        return keep_input(self._log, self._folder, source, made.source_name)[0]

    def undo_mend(self, mend_id: str) -> Path:
        """Take a mend back and return the file that it was made of. The mended file stays where it is.

        Raises
        ------
        LogError
            The log knows no such mend, or the kept source is gone.
        """
        row = next((one for one in self._log.mends.find() if one.id == mend_id), None)
        if row is None:
            raise LogError.of("no_such_id", id=mend_id, name=self._log.name)
        source = stored_file(self._folder, row.source_path)
        if source is None:
            raise LogError.of("mend_source_gone", name=row.source_name)
        self._log.mends.undo(mend_id)
        return source

    def samples(self) -> SampleMedia:
        """Return the reference image and clips that come with the toolkit, drawn at first use."""
        with _DRAWING:  # two threads would write the same part files
            return sample_media(self._folder / "samples")

    def sample_result(self) -> Path:
        """Return what the sandbox makes of the samples, drawn at first use, which takes some seconds."""
        from motion_widgets.sandbox.rendering import draw

        made, path = self.samples(), self._folder / "samples" / "sample-result.mp4"

        def render(partial: Path) -> None:
            with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
                drawn = Path(folder, path.name)
                draw.draw(
                    made.image,
                    made.clip_6s,
                    drawn,
                    orientation="image",
                    mode="std",
                    sound=True,
                    watermark=False,
                )
                partial.write_bytes(drawn.read_bytes())

        with _DRAWING:
            draw_once(path, render, *draw.CODE)
        return path
