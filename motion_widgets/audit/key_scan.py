"""Search files for API keys: notebooks, databases, texts, archives of them, and folders.

Each file is searched part by part, so that the place can be named in words, and once more as raw bytes, so
that nothing malformed, deleted or commented out escapes. What cannot be opened is named.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.audit import Report
from motion_widgets.audit.archives import Unpacker
from motion_widgets.audit.key_patterns import KeyFinder, is_binary, known_keys, read_texts
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Hit", "notebook_texts", "read_notebook", "scan", "scan_file"]


def read_notebook(text: str) -> dict[str, Any] | None:
    """Return the content of a notebook. None: the text is not a notebook, and is searched as it stands."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and isinstance(body.get("cells"), list) else None


def notebook_texts(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the parts of a notebook: the place in words, and the text there."""
    for number, cell in enumerate(body["cells"], 1):
        if not isinstance(cell, dict):
            continue
        yield say("scan_source", cell=number), _joined(cell.get("source"))
        outputs = cell.get("outputs")
        outputs = outputs if isinstance(outputs, list) else []
        for index, output in enumerate(outputs, 1):
            for text in _texts(output):
                yield say("scan_output", cell=number, output=index), text
        yield from _of_streams(outputs, number)
        for part in ("attachments", "metadata"):
            for text in _texts(cell.get(part)):
                yield say(f"scan_cell_{part}", cell=number), text
    metadata = body.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    yield from _of_widgets(metadata.pop("widgets", None))
    for text in _texts(metadata):
        yield say("scan_metadata"), text


def _of_streams(outputs: list[Any], cell: int) -> Iterator[tuple[str, str]]:
    """Yield what a cell printed, piece by piece, as one text: of each stream, and of all."""
    streams = [one for one in outputs if isinstance(one, dict) and one.get("output_type") == "stream"]
    for name in (None, *dict.fromkeys(str(one.get("name")) for one in streams)):
        pieces = [_joined(one.get("text")) for one in streams if name in (None, str(one.get("name")))]
        if len(pieces) > 1:
            yield say("scan_streams", cell=cell), "".join(pieces)


def _of_widgets(widgets: object) -> Iterator[tuple[str, str]]:
    """Yield the texts of the saved widget state, model by model."""
    for kind in widgets.values() if isinstance(widgets, dict) else ():
        models = kind.get("state") if isinstance(kind, dict) else None
        for an_id, model in models.items() if isinstance(models, dict) else ():
            name = model.get("model_name", "") if isinstance(model, dict) else ""
            for text in _texts(model):
                yield say("scan_widget", name=name, id=str(an_id)[:8]), text
    # A key in a state of any other form is found when the whole file is searched.


def _joined(value: object) -> str:
    """Join lines that a notebook keeps as a list."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "".join(value)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in a JSON value, its field names among them; a list of lines is one text."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*reversed(one.values()), *one]
        elif isinstance(one, str):
            yield one
        elif isinstance(one, list):
            joined = _joined(one)
            waiting += [joined] if joined else one


LARGEST = 512 * 1024 * 1024
"""Bytes; a larger file is reported as unread."""
_SQLITE = b"SQLite format 3\0"
_COMPANIONS = ("-wal", "-journal")
"""Suffixes of what SQLite keeps beside its file; a deleted row may live on there."""


@dataclass(frozen=True)
class Hit:
    """A place that holds a key."""

    name: str
    """The file; a key in its name is masked."""
    where: str
    """The place in words: cell, output, line, …"""
    masked: str
    """The key's last four characters."""
    known: bool
    """Whether it is a key of this machine rather than something that looks like one."""
    encoding: str
    """As in `Match`."""

    def __str__(self) -> str:
        what = say("scan_known" if self.known else "scan_alike", key=self.masked)
        how = say("scan_wrapped", how=self.encoding.replace("+", ", ")) if self.encoding else ""
        return f"{self.name}: {self.where}: {what}{how}"


def scan(files: Sequence[str | Path], *, secrets: Iterable[Secret] | None = None) -> Report:
    """Search files and folders for keys.

    Parameters
    ----------
    files
        Paths; a folder stands for everything in it.
    secrets
        The keys to search for besides what looks like one. None: those in the environment and the keyring.

    Returns
    -------
    Report
        One line per place; code 1 if there is one, or if something could not be read.
    """
    finder = KeyFinder(known_keys() if secrets is None else secrets)
    hits: list[Hit] = []
    unread: list[str] = []
    count = 0
    for path, wrong in _files(files):
        name = finder.conceal(str(path))
        try:
            if wrong:
                raise OSError(None, wrong)  # noqa: TRY301 - handled like what the disk says
            found, closed = scan_file(path, finder)
        except OSError as error:
            unread.append(say("scan_unread", name=name, reason=error.strerror or str(error)))
        else:
            hits += found
            names = [(f"{name}: {place}" if place else name, why) for place, why in closed]
            unread += [say("scan_unopened", name=one, reason=why) for one, why in names]
            count += 1
    lines = [str(hit) for hit in hits] + unread
    if hits:
        lines.append(say("scan_found", places=len(hits), files=len({hit.name for hit in hits})))
        lines.append(say("scan_advice"))
    elif unread:  # which is not to say that there is none
        lines.append(say("scan_unsure", unread=len(unread)))
    else:
        lines.append(say("scan_clean", files=count))
    if not len(finder):
        lines.append(say("scan_no_key"))
    return Report(tuple(finder.conceal(line) for line in lines), int(bool(hits or unread)))


def _files(given: Sequence[str | Path]) -> Iterator[tuple[Path, str]]:
    """Yield every file, and why it cannot be read (``""``: it can)."""
    for one in given:
        path = Path(one).expanduser()
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in below:
            if file.is_dir() or (path.is_dir() and not file.is_file()):
                continue
            try:
                large = file.stat().st_size > LARGEST
            except OSError as error:
                yield file, error.strerror or str(error)
                continue
            yield file, say("scan_large", limit=LARGEST // 1024**2) if large else ""
            companions = [] if path.is_dir() else [Path(f"{file}{end}") for end in _COMPANIONS]
            yield from ((other, "") for other in companions if other.is_file())


def scan_file(path: Path, finder: KeyFinder) -> tuple[list[Hit], list[tuple[str, str]]]:
    """Return the places in one file that hold a key, and what of it was not opened: where it is, and why.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    content = path.read_bytes()
    search = _Search(str(path), finder)
    search.text(say("scan_its_name"), path.name, lines=False)
    search.content("", path.suffix, content)
    unpacker = Unpacker()
    unpacker.name_if_closed(content)
    for place, inner in unpacker.parts(content):
        search.text(say("scan_its_name"), place, lines=False)
        search.content(place, Path(place).suffix, inner)
        unpacker.name_if_closed(inner, place)
    return list(search.hits.values()), unpacker.closed


class _Search:
    """What was found in one file."""

    def __init__(self, name: str, finder: KeyFinder) -> None:
        self._name, self._finder = finder.conceal(name), finder
        self.hits: dict[tuple[str, str], Hit] = {}

    def text(
        self, where: str, text: str, *, lines: bool = True, rest: bool = False, binary: bool = False
    ) -> None:
        """Search a text; with `rest` only for keys whose place was not named yet."""
        conceal = self._finder.conceal
        seen = {hit.masked for hit in self.hits.values()}
        for found in self._finder.find(text, binary=binary):
            if rest and found.masked in seen:
                continue
            line = say("scan_line", number=text.count("\n", 0, found.position) + 1) if lines else ""
            place = ", ".join(part for part in (where, line) if part)
            hit = Hit(self._name, conceal(place), found.masked, found.known, found.encoding)
            self.hits.setdefault((place, found.masked), hit)

    def content(self, where: str, suffix: str, content: bytes) -> None:
        """Search a file's content: part by part, and then as a whole."""
        rest = False
        if content.startswith(_SQLITE):
            rest = True
            for place, text in _of_database(content):
                self.text(_join(where, place), text, lines=False)
        notebook = read_notebook(read_texts(content)[0]) if suffix == ".ipynb" else None
        if notebook is not None:
            rest = True
            for place, text in notebook_texts(notebook):
                self.text(_join(where, place), text)
        binary = is_binary(content)
        where = _join(where, say("scan_deleted")) if content.startswith(_SQLITE) else where
        for number, text in enumerate(read_texts(content)):
            self.text(where, text, lines=not binary, rest=rest or number > 0, binary=binary)


def _join(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _of_database(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield every value in a SQLite file; nothing is written beside it, as it is opened in memory."""
    memory = contextlib.closing(sqlite3.connect(":memory:"))
    with contextlib.suppress(sqlite3.Error), memory as database:  # a damaged file is searched as raw bytes
        # In memory there is no journal beside it, so it must not say that it has one.
        database.deserialize(content[:18] + b"\1\1" + content[20:])
        database.text_factory = bytes
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in database.execute(query).fetchall():
            with contextlib.suppress(sqlite3.Error):  # a damaged table is searched as raw bytes
                yield from _of_table(database, table.decode("utf-8", "replace"))


def _of_table(database: sqlite3.Connection, table: str) -> Iterator[tuple[str, str]]:
    quoted = table.replace('"', '""')
    rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name out of the file's own list
    columns = [column[0] for column in rows.description]
    for number, row in enumerate(rows, 1):
        for column, value in zip(columns, row, strict=True):
            if isinstance(value, bytes):
                for text in read_texts(value):
                    yield say("scan_row", table=table, column=column, row=number), text
