"""What came of a result so far: a ``.part`` file, and beside it a note of what it is a part of.

By the note a later process goes on where a dead one stopped. They lie in a folder of their own, so that
whoever looks for results sees none, and looking for them takes no longer where thousands of results are; both
are gone once the result is in its place.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["UNFINISHED", "Note", "Part"]

UNFINISHED = ".unfinished"
"""The folder of parts, in that of the results."""
_ABOUT = ".about.part"


@dataclass(frozen=True)
class Note:
    """What a part is a part of."""

    link: str = ""
    """Hash of the link without what only signs it."""
    etag: str = ""
    """A strong ETag; ``""``: the part cannot be gone on with."""
    whole: int | None = None
    """Bytes of the whole file. None: the server did not say."""
    sums: dict[str, str] = field(default_factory=dict)
    """What the server says of the whole file's content (`motion_widgets.jobs.download.checksums`)."""


class Part:
    """The part of one result that one process writes.

    Parameters
    ----------
    target
        Where the result will be.
    owner
        Whose part this is; two processes never write the same one.
    """

    def __init__(self, target: Path, owner: str) -> None:
        self.target = target
        self._folder = target.parent / UNFINISHED
        self.path = self._folder / f"{target.name}.{owner}.part"
        self.note = Note()
        self._looked = False
        self._about = self.path.with_name(f"{self.path.name.removesuffix('.part')}{_ABOUT}")

    def resume(self, link: str) -> int:
        """Return the bytes that are here of a link's file, an abandoned part taken over if need be.

        Whoever calls this holds the job's lease, so every other part is of a process that is dead, or that
        lost the lease while it was slow. Such a one may still write, so its bytes are copied and left
        to `tidy`.
        """
        if self.note.link != link or not self.note.etag:
            self.note = Note()
        if not self.note.etag and not self._looked:
            self._looked = True  # once: what was refused is not taken up a second time
            self._take_over(link)
        size = self.size() if self.note.etag else 0
        if self.note.whole is not None and size > self.note.whole:
            self.forget()
            return 0
        return size

    def size(self) -> int:
        """Return the bytes of the part file, whatever they are of."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def begin(self, note: Note) -> None:
        """Begin anew. Before the first byte of a file comes, the note of the file before it is gone."""
        self.forget()
        self._folder.mkdir(exist_ok=True)
        self.path.write_bytes(b"")
        self._write(note)

    def forget(self) -> None:
        """Let nothing be appended to what is here."""
        self.note = Note()
        self._about.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what this process began."""
        with contextlib.suppress(OSError):  # it is in nobody's way
            self.forget()
            self.path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what this and other processes began; whoever calls holds the job's lease."""
        with contextlib.suppress(OSError):
            for part in self._all("part"):
                part.unlink(missing_ok=True)

    def _all(self, ending: str) -> list[Path]:
        """Return all parts of this result that end so, whoever's they are. A glob takes ten times as long."""
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
            if _read(about) == note:  # else its writer began anew meanwhile
                self._write(note)
                return

    def _write(self, note: Note) -> None:
        self.note = note
        if note.etag:
            half = self._about.with_name(f"{self._about.name}.part")
            half.write_text(json.dumps(asdict(note)), "utf-8")
            half.replace(self._about)


def _read(about: Path) -> Note | None:
    """Read a note. None: there is none, or it is not whole."""
    try:
        note = Note(**json.loads(about.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.etag and isinstance(note.etag, str) else None
