"""Jobs out of the pages of a damaged SQLite file, whatever became of its header, root and indices.

Each leaf page of a table holds whole rows (https://www.sqlite.org/fileformat2.html), so a row is readable
wherever its own page is. A page that SQLite gave up may still hold a row as it once was; of several the
one with the highest change counter counts.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["MAGIC", "carved_jobs"]

MAGIC = b"SQLite format 3\0"
_LEAF = 13
_FEWEST = 60
"""Columns of the first shape's jobs, at least."""
_STATES = frozenset(state.value for state in State)
_WAL_HEAD, _FRAME_HEAD = 32, 24


def carved_jobs(path: Path, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return by id the jobs that can be read out of a file and its write-ahead log.

    Parameters
    ----------
    columns
        Of the table ``jobs``, in the order of the file.
    """
    data = path.read_bytes()
    size = _page_size(data)
    main = {number + 1: data[start : start + size] for number, start in enumerate(range(0, len(data), size))}
    found: dict[str, dict[str, Any]] = {}
    newer = _wal_pages(path.with_name(f"{path.name}-wal"), size)
    for pages in (main, {**main, **newer}) if newer else (main,):
        for number, page in pages.items():
            for values in _rows(page, number, pages.get, size):
                row = _job(values, columns)
                if row is not None and row["seq"] >= found.get(row["id"], {"seq": -1})["seq"]:
                    found[row["id"]] = row
    return found


def _page_size(data: bytes) -> int:
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    plausible = data.startswith(MAGIC) and 512 <= size <= 65536 and size & (size - 1) == 0
    return size if plausible else 4096


def _wal_pages(path: Path, size: int) -> dict[int, bytes]:
    """Return the last version of each page in a write-ahead log."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    pages = {}
    for start in range(_WAL_HEAD, len(data) - size - _FRAME_HEAD + 1, size + _FRAME_HEAD):
        number = int.from_bytes(data[start : start + 4], "big")
        pages[number] = data[start + _FRAME_HEAD : start + _FRAME_HEAD + size]
    return pages


def _rows(page: bytes, number: int, page_of: Callable[[int], bytes | None], size: int) -> Iterator[list[Any]]:
    """Return the rows of a page; none where it is no leaf of a table."""
    head = 100 if number == 1 else 0
    if len(page) < size or page[head] != _LEAF:
        return
    count = int.from_bytes(page[head + 3 : head + 5], "big")
    for place in range(head + 8, min(head + 8 + 2 * count, size - 1), 2):
        cell = int.from_bytes(page[place : place + 2], "big")
        try:
            length, cell = _varint(page, cell)
            _, cell = _varint(page, cell)
            yield _values(_payload(page, cell, length, page_of, size))
        except (IndexError, ValueError, struct.error):
            continue  # this row is damaged; the next may not be


def _payload(page: bytes, at: int, length: int, page_of: Callable[[int], bytes | None], size: int) -> bytes:
    """Put a row together from its page and the overflow pages."""
    if length <= size - 35:
        return page[at : at + length]
    least = (size - 12) * 32 // 255 - 23
    here = least + (length - least) % (size - 4)
    here = here if here <= size - 35 else least
    parts, left = [page[at : at + here]], length - here
    following = int.from_bytes(page[at + here : at + here + 4], "big")
    while left > 0:
        more = page_of(following)
        if not more or left > 1 << 30:
            raise ValueError("its overflow pages are lost")
        parts.append(more[4 : 4 + min(left, size - 4)])
        left -= len(parts[-1]) or left  # an empty part ends it
        following = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _values(record: bytes) -> list[Any]:
    """Read a record's columns."""
    end, at = _varint(record, 0)
    if not at <= end <= len(record):
        raise ValueError("no record")
    kinds = []
    while at < end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        value, at = _value(record, at, kind)
        values.append(value)
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    length = (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8)[kind]
    raw = record[at : at + length]
    if len(raw) != length:
        raise ValueError("it ends early")
    if kind >= 12:
        return (raw.decode("utf-8", "replace") if kind % 2 else raw), at + length
    if kind == 7:
        return struct.unpack(">d", raw)[0], at + length
    return int.from_bytes(raw, "big", signed=True), at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for more in range(8):
        byte = data[at + more]
        number = number << 7 | byte & 127
        if byte < 128:
            return number, at + more + 1
    return number << 8 | data[at + 8], at + 9


def _job(values: list[Any], columns: Sequence[str]) -> dict[str, Any] | None:
    """Name a row's columns. None: it is no job."""
    if not _FEWEST <= len(values) <= len(columns):
        return None
    row = dict(zip(columns, values, strict=False))
    named = isinstance(row["id"], str) and row["id"].startswith("job-") and isinstance(row["seq"], int)
    return row if named and row["state"] in _STATES else None
