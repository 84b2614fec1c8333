"""A result that has arrived in part: a ``.part`` file, and beside it a note of what it is a part of.

With the note, a later process can resume where a dead one stopped. Both are in a folder of their own, so that
nobody takes them for results; they are removed once the result is in place.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["UNFINISHED", "Note", "PartialFile"]

UNFINISHED = ".unfinished"
"""The folder for partial files, inside that of the results."""
_ABOUT = ".about.part"


@dataclass(frozen=True)
class Note:
    """What a partial file is a part of."""

    link: str = ""
    """Hash of the link without its signature."""
    etag: str = ""
    """A strong ETag; ``""``: the download cannot be resumed."""
    whole: int | None = None
    """Bytes of the whole file. None: the server did not say."""
    sums: dict[str, str] = field(default_factory=dict)
    """The whole file's stated checksums (`motion_widgets.jobs.download.checksums`)."""


class PartialFile:
    """The partial file of one result, written by one process.

    Parameters
    ----------
    target
        Path of the finished result.
    owner
        Goes into the file's name, so that two processes never write the same one.
    """

    def __init__(self, target: Path, owner: str) -> None:
        self.target = target
        self._folder = target.parent / UNFINISHED
        self.path = self._folder / f"{target.name}.{owner}.part"
        self.note = Note()
        self._looked = False
        self._about = self.path.with_name(f"{self.path.name.removesuffix('.part')}{_ABOUT}")

    def resume(self, link: str) -> int:
        """Return how many bytes of a link's file are here, taking over an abandoned partial file if need be.

        The caller holds the job's lease, so any other partial file belongs to a process that is dead or has
        lost the lease. The latter may still write, so the bytes are copied; the original is left to `tidy`.
        """
        if self.note.link != link or not self.note.etag:
            self.note = Note()
        if not self.note.etag and not self._looked:
            self._looked = True  # once: what was rejected is not taken over again
            self._take_over(link)
        size = self.size() if self.note.etag else 0
        if self.note.whole is not None and size > self.note.whole:
            self.forget()
            return 0
        return size

    def size(self) -> int:
        """Return the size of the partial file in bytes, whatever it is a part of."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def begin(self, note: Note) -> None:
        """Start over. The old note is gone before the first byte of the new file is written."""
        self.forget()
        self._folder.mkdir(exist_ok=True)
        self.path.write_bytes(b"")
        self._write(note)

    def forget(self) -> None:
        """Drop the note, so that nothing is appended to what is here."""
        self.note = Note()
        self._about.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove this process's partial file."""
        with contextlib.suppress(OSError):  # a leftover does no harm
            self.forget()
            self.path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove every process's partial file of this result; the caller holds the job's lease."""
        with contextlib.suppress(OSError):
            for part in self._all("part"):
                part.unlink(missing_ok=True)

    def _all(self, ending: str) -> list[Path]:
        """Return the partial files of this result with this ending, of any process; faster than a glob."""
        begin = f"{self.target.name}."
        try:
            there = list(self._folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [one for one in there if one.name.startswith(begin) and one.name.endswith(ending)]

    def _take_over(self, link: str) -> None:
        for about in self._all(_ABOUT):
            note, other = _read(about), about.with_name(about.name.removesuffix(_ABOUT) + ".part")
            if about == self._about or note is None or note.link != link:
                continue
            try:
                shutil.copyfile(other, self.path)
            except FileNotFoundError:
                continue
            if _read(about) == note:  # else its writer started over meanwhile
                self._write(note)
                return

    def _write(self, note: Note) -> None:
        self.note = note
        if note.etag:
            half = self._about.with_name(f"{self._about.name}.part")
            half.write_text(json.dumps(asdict(note)), "utf-8")
            half.replace(self._about)


def _read(about: Path) -> Note | None:
    """Return a note. None: it does not exist or is incomplete."""
    try:
        note = Note(**json.loads(about.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.etag and isinstance(note.etag, str) else None
