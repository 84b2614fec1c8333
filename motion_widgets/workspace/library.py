"""A folder of reference clips and characters that are used again and again (``library/`` in the workspace).

Whatever lies in the folder is in the library. Files are measured once while they stay the same, and so are
their small pictures drawn; both are kept in a hidden folder beside them.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from motion_widgets.core.arguments import require_text
from motion_widgets.core.errors import ClipError, LogError, MotionError, RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.files import copy_whole, write_whole
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.messages import say
from motion_widgets.core.paths import plain_name
from motion_widgets.core.signed_file import read_signed, write_signed
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.sniff import SNIFFED, ending_of, looks_like
from motion_widgets.media.probe.source import local_file
from motion_widgets.request.fields import MODELS, ORIENTATIONS
from motion_widgets.request.media_source import media_kind, media_name, media_source
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import check
from motion_widgets.workspace.inputs import make_folder

__all__ = ["Item", "Library"]

_CLIPS = (".mp4", ".mov", ".m4v")
_IMAGES = (".png", ".jpg", ".jpeg")
_CACHE = ".cache"
_MOST = 1000
"""Files that are looked at."""
_HEIGHT = 72
"""px of a small picture."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the library."""

    path: Path
    kind: Literal["clip", "image"]
    fact: Clip | Image | None
    """What was measured. None: it could not be; `trouble` says why."""
    fits: tuple[str, ...]
    """The orientations that a clip, or an image, can be used with; empty: none."""
    trouble: str = ""
    """What keeps it from being used; ``""``: nothing."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def line(self) -> str:
        """One line: what it is, how long or large, and what it can be used for."""
        fact = self.fact
        about = say("library_broken")
        if isinstance(fact, Clip):
            about = f"{fact.length:.2f} s"
        elif fact is not None:
            about = f"{fact.width} \u00d7 {fact.height} px"
        use = say("library_unfit")
        if self.fits:
            use = say("library_fits", orientations=" + ".join(self.fits))
        return f"{self.name} \u2013 {about} \u2013 {use}"


class Library:
    """The library of a workspace.

    Parameters
    ----------
    folder
        Where its files lie; made when the first is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def items(self, kind: Literal["clip", "image"] | None = None) -> list[Item]:
        """Return what is there, by name; of one kind, or all. Touches the disk.

        Raises
        ------
        LogError
            The folder cannot be read.
        """
        try:
            paths = sorted(one for one in self.folder.iterdir() if not one.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = error.strerror or str(error)
            raise LogError.of("library_unreadable", name=str(self.folder), reason=reason) from error
        known = self._remembered()
        found, facts = [], {}
        for path in paths[:_MOST]:
            what: Literal["clip", "image"] | None = None
            if path.suffix.lower() in (*_CLIPS, *_IMAGES):
                what = "clip" if path.suffix.lower() in _CLIPS else "image"
            if what is None or not path.is_file():
                continue
            try:
                state = _state(path)  # before it is measured: what is written meanwhile is measured again
            except OSError:
                continue  # somebody has just removed it
            fact, trouble = self._measured(path, what, state, known.get(path.name))
            if fact is not None:
                facts[path.name] = {**state, "kind": what, "fact": asdict(fact)}
            if kind in (None, what):
                found.append(_item(path, what, fact, trouble))
        if facts != known:
            self._remember(facts)
        return found

    def clips(self, orientation: str | None = None) -> list[Clip]:
        """Return the clips that an orientation (None: any) takes, as values for requests and sweeps.

        ``mw.Sweep(req, video_url=ws.library.clips("image"))``
        """
        clips = [one for one in self.items("clip") if one.fits and orientation in (None, *one.fits)]
        return [one.fact for one in clips if isinstance(one.fact, Clip)]

    def images(self) -> list[Image]:
        """Return the images that can be used, as values for requests and sweeps."""
        return [one.fact for one in self.items("image") if one.fits and isinstance(one.fact, Image)]

    def add(self, source: object, name: str | None = None) -> Path:
        """Copy a local file into the library; the same content under the same name is there only once.

        Parameters
        ----------
        source
            A path, or a measured `Clip` or `Image`.
        name
            Under which name. None: its own; another file's name is never taken.

        Returns
        -------
        Path
            Where it lies now.

        Raises
        ------
        RequestError
            It is no local clip or image, or cannot be read.
        LogError
            The folder takes no files.
        """
        if media_kind(source) != "path":
            raise RequestError.of("publish_local", found=media_name(source) or type(source).__name__)
        file = local_file(Path(media_source(source) or ""))[0]
        try:
            with file.open("rb") as content:
                head = content.read(SNIFFED)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RequestError.of("input_unreadable", name=file.name, reason=reason) from error
        if ending_of(head) not in (*_CLIPS, *_IMAGES):
            raise RequestError.of("library_kind", name=file.name)
        if name is not None:
            require_text(name, RequestError)
        plain = _fitting_name(name or file.name, head)
        make_folder(self.folder)
        stem, _, ending = plain.rpartition(".")
        target, number = self.folder / plain, 1
        try:
            sha = sha256_of(file)
            while target.exists():
                if sha256_of(target) == sha:
                    return target
                number += 1
                target = self.folder / f"{stem} {number}.{ending}"
            return copy_whole(file, target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RequestError.of("input_unreadable", name=file.name, reason=reason) from error

    def picture(self, item: Item) -> bytes | None:
        """Return a small picture of an item, drawn once. None: it cannot be drawn. Blocks."""
        try:
            kept = self.folder / _CACHE / f"{sha256_of(item.path)[:20]}.{_HEIGHT}"
            with contextlib.suppress(OSError):  # there is no picture yet, so one is made
                return kept.read_bytes()
            small = filmstrip(item.path, 3, _HEIGHT) if item.kind == "clip" else thumbnail(item.path, _HEIGHT)
        except (MotionError, OSError):  # the line beside it says what is wrong
            return None
        with contextlib.suppress(OSError):  # it is drawn again at the next look
            kept.parent.mkdir(exist_ok=True)
            write_whole(kept, small)
        return small

    def __repr__(self) -> str:
        return f"<Library {self.folder}>"

    # The memory of what was measured.

    def _measured(
        self, path: Path, kind: Literal["clip", "image"], state: dict[str, int], known: Any
    ) -> tuple[Clip | Image | None, str]:
        try:
            if isinstance(known, dict) and {**known, **state} == known and known["kind"] == kind:
                how = Clip if kind == "clip" else Image
                made: Clip | Image = how(**known["fact"])
                # What an older version did not measure is measured now.
                if known["fact"].keys() == how.__dataclass_fields__.keys() and made.source == str(
                    path.absolute()
                ):
                    return made, ""
        except (KeyError, TypeError):
            pass  # an older version's memory, or none at all
        try:
            return (measure_clip if kind == "clip" else measure_image)(path, hash_content=True), ""
        except ClipError as error:
            return None, str(error)

    def _remembered(self) -> dict[str, Any]:
        """Return what was measured before; what another user measured would make prices untrue."""
        return read_signed(self.folder / _CACHE / "measured.json") or {}

    def _remember(self, facts: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is measured again then
            (self.folder / _CACHE).mkdir(exist_ok=True)
            write_signed(self.folder / _CACHE / "measured.json", facts)


def _fitting_name(name: str, head: bytes) -> str:
    """Return a name that a disk takes; what it ends in says what the content is, never anything else."""
    plain = plain_name(name).strip(". ")[-100:] or "file"
    return plain if plain.lower().endswith(looks_like(head).endings) else plain + ending_of(head)


def _state(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _item(path: Path, kind: Literal["clip", "image"], fact: Clip | Image | None, trouble: str) -> Item:
    """Judge what a file can be used for, by the rules themselves."""
    fits = []
    for orientation in ORIENTATIONS if fact is not None else ():
        if isinstance(fact, Clip):
            req = MotionRequest(model=MODELS[0], video_url=fact, character_orientation=orientation)
            findings, field = check(req, clip=fact), "video_url"
        else:
            req = MotionRequest(model=MODELS[0], image_url=fact, character_orientation=orientation)
            findings, field = check(req, image=fact), "image_url"
        errors = [one.message for one in findings if one.field == field and one.severity == "error"]
        if errors:
            trouble = " ".join(errors)
        else:
            fits.append(orientation)
    return Item(path, kind, fact, tuple(fits), "" if fits else trouble)
