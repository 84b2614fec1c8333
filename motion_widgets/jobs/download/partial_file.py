"""A result that has arrived in part: a ``.part`` file, and beside it a note of what it is a part of.

With the note, a later process can resume where a dead one stopped. Both are in a folder of their own, so that
nobody takes them for results; they are removed once the result is in place.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import zlib
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING

from motion_widgets.core.files import size_of
from motion_widgets.core.messages import say

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
        return size_of(self.path)

    def begin(self, note: Note) -> None:
        """Start over. The old note is gone before the first byte of the new file is written."""
        self.forget()
        self._create()
        self._write(note)

    def _create(self) -> None:
        """Make an empty partial file; what lay in wait under its name, or as its folder, is not followed."""
        if self._folder.is_symlink():
            self._folder.unlink()
        self._folder.mkdir(exist_ok=True)
        self.path.unlink(missing_ok=True)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))

    def append(self) -> IO[bytes]:
        """Open the partial file to write on; OSError where a link has taken its place."""
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.path, flags), "ab")

    def unpack(self, most: int) -> None:
        """Decompress a whole file that was sent compressed by gzip, which its first bytes say.

        Raises
        ------
        ValueError
            It is damaged, cut off, or larger than `most` bytes.
        """
        with self.path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return
        plain, size = self.path.with_name(f"{self.path.name.removesuffix('.part')}.plain.part"), 0
        self.forget()  # what is here is no part of what the link serves any more
        try:
            plain.unlink(missing_ok=True)
            with gzip.open(self.path) as packed, plain.open("xb") as file:
                while chunk := packed.read(1 << 20):
                    size += len(chunk)
                    if size > most:
                        raise ValueError(say("download_too_large"))
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(str(error)) from None
        plain.replace(self.path)

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
        with contextlib.suppress(OSError):  # a leftover does no harm
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
            if other.is_symlink():
                continue
            try:
                self._create()
                shutil.copyfile(other, self.path)
            except FileNotFoundError:
                continue
            if _read(about) == note:  # else its writer started over meanwhile
                self._write(note)
                return

    def _write(self, note: Note) -> None:
        self.note = note
        if note.etag:
            # In its place at once, so that `tidy` finds it after a kill: what is incomplete is no note.
            self._about.unlink(missing_ok=True)
            with self._about.open("x", encoding="utf-8") as file:
                json.dump(asdict(note), file)


def _read(about: Path) -> Note | None:
    """Return a note. None: there is none, or it is incomplete, or holds what no note of ours does."""
    try:
        note = Note(**json.loads(about.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    sound = isinstance(note.etag, str) and isinstance(note.whole, int | None) and isinstance(note.sums, dict)
    return note if sound and note.etag else None
