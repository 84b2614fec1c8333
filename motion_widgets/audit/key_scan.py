"""Search files for API keys: notebooks, databases, texts, and folders of them.

Each file is searched part by part, so that the place can be named, and once more as raw bytes, so that
nothing malformed, deleted or commented out escapes.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.audit.key_patterns import KeyFinder, known_keys, read_text
from motion_widgets.audit.report import Report
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Hit", "scan", "scan_file"]

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
        try:
            if wrong:
                raise OSError(None, wrong)  # noqa: TRY301 - handled like what the disk says
            hits += scan_file(path, finder)
            count += 1
        except OSError as error:
            reason = error.strerror or str(error)
            unread.append(say("scan_unread", name=finder.conceal(str(path)), reason=reason))
    lines = [str(hit) for hit in hits] + unread
    if hits:
        lines.append(say("scan_found", places=len(hits), files=len({hit.name for hit in hits})))
        lines.append(say("scan_advice"))
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


def scan_file(path: Path, finder: KeyFinder) -> list[Hit]:
    """Return the places in one file that hold a key.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    content = path.read_bytes()
    name = finder.conceal(str(path))
    hits: dict[tuple[str, str], Hit] = {}

    def search(where: str, text: str, *, lines: bool = True, rest: bool = False) -> None:
        seen = {hit.masked for hit in hits.values()}
        for found in finder.find(text):
            if rest and found.masked in seen:
                continue  # its place has been named
            number = text.count("\n", 0, found.position) + 1
            line = say("scan_line", number=number) if lines else ""
            place = ", ".join(part for part in (where, line) if part)
            hit = Hit(name, finder.conceal(place), found.masked, found.known, found.encoding)
            hits.setdefault((place, found.masked), hit)

    search(say("scan_its_name"), path.name, lines=False)
    if content.startswith(_SQLITE):
        for where, text in _of_database(path):
            search(where, text, lines=False)
        search(say("scan_deleted"), read_text(content), lines=False, rest=True)
        return list(hits.values())
    text = read_text(content)
    notebook = _notebook(text) if path.suffix == ".ipynb" else None
    for where, part in _of_notebook(notebook) if notebook is not None else ():
        search(where, part)
    search("", text, lines=b"\0" not in content[:4096], rest=notebook is not None)
    return list(hits.values())


# Notebooks.


def _notebook(text: str) -> dict[str, Any] | None:
    """Return the content of a notebook. None: the text is not a notebook, and is searched as it stands."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and isinstance(body.get("cells"), list) else None


def _of_notebook(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the parts of a notebook: the place in words, and the text there."""
    for number, cell in enumerate(body["cells"], 1):
        if not isinstance(cell, dict):
            continue
        yield say("scan_source", cell=number), _joined(cell.get("source"))
        outputs = cell.get("outputs")
        for index, output in enumerate(outputs if isinstance(outputs, list) else [], 1):
            for text in _texts(output):
                yield say("scan_output", cell=number, output=index), text
        for part in ("attachments", "metadata"):
            for text in _texts(cell.get(part)):
                yield say(f"scan_cell_{part}", cell=number), text
    metadata = body.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    yield from _of_widgets(metadata.pop("widgets", None))
    for text in _texts(metadata):
        yield say("scan_metadata"), text


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


# Databases.


def _of_database(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every value in a SQLite file; it is opened so that nothing is written beside it."""
    with contextlib.suppress(sqlite3.Error):  # a damaged file is searched as raw bytes
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(database):
            database.text_factory = bytes
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in database.execute(query).fetchall():
                with contextlib.suppress(sqlite3.Error):
                    yield from _of_table(database, table.decode("utf-8", "replace"))


def _of_table(database: sqlite3.Connection, table: str) -> Iterator[tuple[str, str]]:
    quoted = table.replace('"', '""')
    rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name out of the file's own list
    columns = [column[0] for column in rows.description]
    for number, row in enumerate(rows, 1):
        for column, value in zip(columns, row, strict=True):
            if isinstance(value, bytes):
                yield say("scan_row", table=table, column=column, row=number), read_text(value)
