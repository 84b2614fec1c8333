"""Whether files hold an API key: notebooks, databases, texts, folders of them.

Every file is looked at in its own parts, so that the place can be named, and once more as raw bytes, so that
nothing escapes by being malformed, deleted or commented out.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.audit import Report
from motion_widgets.audit.key_patterns import Seeker, keys_of_this_machine, read_text
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from motion_widgets.endpoint.api_key import Secret

__all__ = ["Hit", "scan", "scan_file"]

LARGEST = 512 * 1024 * 1024
"""Bytes; a larger file is said not to have been read."""
_SQLITE = b"SQLite format 3\0"
_BESIDE = ("-wal", "-journal")
"""What SQLite keeps beside its file; a deleted row may live on there."""


@dataclass(frozen=True)
class Hit:
    """A place that holds a key."""

    name: str
    """The file, concealed should its name hold a key."""
    where: str
    """The place in words: cell, output, line, …"""
    masked: str
    """The key's last four characters."""
    known: bool
    """It is the key of this machine, not only like one."""
    wrapping: str
    """In what it was wrapped, outermost first; ``""``: it stands there plainly."""

    def __str__(self) -> str:
        what = say("scan_known" if self.known else "scan_alike", key=self.masked)
        how = say("scan_wrapped", how=self.wrapping.replace("+", ", ")) if self.wrapping else ""
        return f"{self.name}: {self.where}: {what}{how}"


def scan(files: Sequence[str | Path], *, secrets: Iterable[Secret] | None = None) -> Report:
    """Look for keys in files and folders, and say where they are.

    Parameters
    ----------
    files
        Paths; of a folder everything in it.
    secrets
        The keys to look for besides what looks like one. None: those of the environment and the keyring.

    Returns
    -------
    Report
        A line a place; code 1 when there is one, or when something could not be read.
    """
    seeker = Seeker(keys_of_this_machine() if secrets is None else secrets)
    hits: list[Hit] = []
    unread: list[str] = []
    count = 0
    for path, wrong in _files(files):
        try:
            if wrong:
                raise OSError(None, wrong)  # noqa: TRY301 - handled like what the disk says
            hits += scan_file(path, seeker)
            count += 1
        except OSError as error:
            reason = error.strerror or str(error)
            unread.append(say("scan_unread", name=seeker.conceal(str(path)), reason=reason))
    lines = [str(hit) for hit in hits] + unread
    if hits:
        lines.append(say("scan_found", places=len(hits), files=len({hit.name for hit in hits})))
        lines.append(say("scan_advice"))
    else:
        lines.append(say("scan_clean", files=count))
    if not len(seeker):
        lines.append(say("scan_no_key"))
    return Report(tuple(seeker.conceal(line) for line in lines), int(bool(hits or unread)))


def _files(given: Sequence[str | Path]) -> Iterator[tuple[Path, str]]:
    """Return every file, and why it cannot be read (``""``: it can)."""
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
            beside = [] if path.is_dir() else [Path(f"{file}{end}") for end in _BESIDE]
            yield from ((other, "") for other in beside if other.is_file())


def scan_file(path: Path, seeker: Seeker) -> list[Hit]:
    """Return the places of one file that hold a key.

    Raises
    ------
    OSError
        It cannot be read.
    """
    content = path.read_bytes()
    name = seeker.conceal(str(path))
    hits: dict[tuple[str, str], Hit] = {}

    def look(where: str, text: str, *, lines: bool = True, rest: bool = False) -> None:
        seen = {hit.masked for hit in hits.values()}
        for found in seeker.find(text):
            if rest and found.masked in seen:
                continue  # its place is named already
            number = text.count("\n", 0, found.position) + 1
            line = say("scan_line", number=number) if lines else ""
            place = ", ".join(part for part in (where, line) if part)
            hit = Hit(name, seeker.conceal(place), found.masked, found.known, found.wrapping)
            hits.setdefault((place, found.masked), hit)

    look(say("scan_its_name"), path.name, lines=False)
    if content.startswith(_SQLITE):
        for where, text in _of_database(path):
            look(where, text, lines=False)
        look(say("scan_deleted"), read_text(content), lines=False, rest=True)
        return list(hits.values())
    text = read_text(content)
    notebook = _notebook(text) if path.suffix == ".ipynb" else None
    for where, part in _of_notebook(notebook) if notebook is not None else ():
        look(where, part)
    look("", text, lines=b"\0" not in content[:4096], rest=notebook is not None)
    return list(hits.values())


# Notebooks.


def _notebook(text: str) -> dict[str, Any] | None:
    """Read a notebook. None: it is none, and is looked at as a text."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and isinstance(body.get("cells"), list) else None


def _of_notebook(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return a notebook's parts: the place in words, and the text there."""
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
    for where, text in _of_widgets(metadata.pop("widgets", None)):
        yield where, text
    for text in _texts(metadata):
        yield say("scan_metadata"), text


def _of_widgets(widgets: object) -> Iterator[tuple[str, str]]:
    """Return the texts of the saved widget state, model by model."""
    for kind in widgets.values() if isinstance(widgets, dict) else ():
        models = kind.get("state") if isinstance(kind, dict) else None
        for an_id, model in models.items() if isinstance(models, dict) else ():
            name = model.get("model_name", "") if isinstance(model, dict) else ""
            for text in _texts(model):
                yield say("scan_widget", name=name, id=str(an_id)[:8]), text
    # Whatever is not of that form is found by the look at the whole file.


def _joined(value: object) -> str:
    """Put lines together that a notebook keeps as a list."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "".join(value)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Iterator[str]:
    """Return all texts in a JSON value, names of fields among them; lists of lines as one text."""
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
    """Return every value of a SQLite file; it is opened so that nothing is written beside it."""
    with contextlib.suppress(sqlite3.Error):  # what is damaged is looked at as raw bytes
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
