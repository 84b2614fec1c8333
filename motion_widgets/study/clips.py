"""The results of a block side by side in one clip, the settings named only after the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.media import montage as grid
from motion_widgets.study.conclude import judged
from motion_widgets.study.pairs import shuffled

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.media.progress_bar import Report
    from motion_widgets.study.material import Material
    from motion_widgets.study.results import Result
    from motion_widgets.study.study import Study

__all__ = ["montage"]


def montage(
    study: Study, path: str | Path, *, block: str | None = None, height: int = 360, most: int | None = None,
    progress: Report | bool | None = None,
) -> Path:  # fmt: skip
    """Write the results of a block of a study side by side to an mp4, or by its ending a GIF; return it.

    As long as the question has no answer they are numbered, in an order by chance, so that whoever sees them
    may still rate.

    Parameters
    ----------
    block
        Its image, clip and prompt, by the short hash that ratings have. None: the first with two files.
    height
        px of each clip.
    most
        Bytes that a GIF may have. None: 10 MB.
    progress
        Called with (done, all), in tenths of a second of the clip. True: a bar. None: a bar in a notebook or
        terminal. False: nothing.

    Raises
    ------
    LogError
        There is no such block, or no file of its results is here.
    ClipError
        A result cannot be decoded, or no GIF is that small.

    Examples
    --------
    >>> mw.montage(mw.Study(ws, run), folder / "results.mp4", height=96, progress=False).name
    'results.mp4'
    """
    if not hasattr(study, "material"):
        raise LogError.of("not_a_study", found=type(study).__name__)
    it, file_of, out = study.material(), study.ws.result_of, path_of(path, LogError)
    blocks = list(dict.fromkeys(one.block() for one in it.results))
    if block is not None and block not in blocks:
        raise LogError.of("study_block", found=block, known=", ".join(blocks))
    found: list[tuple[Result, Path]] = []
    for name in blocks if block is None else [block]:
        files = ((one, file_of(one.row)) for one in it.results if one.block() == name)
        among = [(one, path) for one, path in files if path is not None][: grid.MOST_CELLS]
        if len(among) > len(found):
            found = among
        if block is None and len(found) > 1:
            break
    if not found:
        raise LogError.of("study_no_files")
    cells = list(zip(_labels(it, [one for one, _ in found], study.seed), found, strict=True))
    cells.sort(key=lambda cell: cell[0])
    columns = next(count for count in range(1, 7) if count * count >= len(cells))
    shown = [(_marked(it, label), path) for label, (_, path) in cells]
    try:
        return grid.montage(shown, columns, out, height=height, most=most, progress=progress)
    except OSError as error:  # a folder of that name, a full disk
        raise LogError.of("export_failed", name=str(out), reason=error.strerror or str(error)) from error


def _labels(it: Material, results: list[Result], seed: int) -> list[str]:
    """Return the settings; letters by chance as long as the question has no answer."""
    if it.question is not None and judged(it, it.question)[0].kind == "open":
        places = shuffled(seed, [one.id for one in results])
        return [say("montage_letter", number=places[one.id] + 1) for one in results]
    axes = list(it.axes)
    return [one.setting(axes) or one.id for one in results]


def _marked(it: Material, label: str) -> str:
    return f"SANDBOX \u00b7 {label}" if it.sandbox else label
