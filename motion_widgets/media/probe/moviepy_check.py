"""Ask moviepy for a clip's length, without letting it near the clip itself.

moviepy runs ffmpeg and reads the figures out of what it prints. Here ffmpeg gets a temporary file of the
sanitised header, a forced demuxer and a deadline; moviepy's parser then reads the text as it always does.

ffmpeg prints metadata, too: a handler name with a line break can state another length, U+2028 breaks a line
in two, and some side data crashes the parser. So only the numbers that make its length are left of a header.

moviepy is imported in the background, and the `.env` that it looks for is kept out of `os.environ`.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.hidden import variable_set
from motion_widgets.media.ffmpeg import cpu_limit, input_options, kill_after
from motion_widgets.media.probe.boxes import Box, BoxError, boxes, u32

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

__all__ = ["load_moviepy", "moviepy_length", "sanitised", "wait_for_moviepy", "warm"]

IMPORT_DEADLINE = 60.0
"""Seconds that importing moviepy may take; it takes 0.6 on an idle machine."""
_READER = "moviepy.video.io.ffmpeg_reader"

_thread_lock = threading.Lock()
_import_lock = threading.Lock()
_thread: threading.Thread | None = None


def warm() -> threading.Thread:
    """Start importing moviepy in the background, once per process, and return the thread that does it."""
    global _thread  # noqa: PLW0603 - one per process
    with _thread_lock:
        if _thread is None:
            _thread = threading.Thread(target=_load_quietly, name="motion-widgets-moviepy", daemon=True)
            _thread.start()
        return _thread


def _load_quietly() -> None:
    # Whoever needs moviepy imports it again and meets the error there.
    with suppress(Exception):
        load_moviepy()


def _finish_before_fork() -> None:
    """Let the import end before a fork: half of one would keep the child's imports waiting for ever."""
    if _thread is not None and _thread is not threading.current_thread():
        _thread.join(IMPORT_DEADLINE)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_finish_before_fork)


def wait_for_moviepy() -> bool:
    """Return whether moviepy is imported, or could at least be tried, within 60 s."""
    if _READER in sys.modules:
        return True
    thread = warm()
    thread.join(IMPORT_DEADLINE)
    return not thread.is_alive()


def load_moviepy() -> ModuleType:
    """Import moviepy and return its ffmpeg reader.

    `moviepy.config` would load the nearest `.env`, in a notebook from the working directory upwards.
    """
    with _import_lock:
        if "moviepy.config" in sys.modules:
            return importlib.import_module(_READER)
        with variable_set("PYTHON_DOTENV_DISABLED", "1"):
            return importlib.import_module(_READER)


_NO_MEDIA = ("-probesize", "32", "-analyzeduration", "0")
"""There are no samples to look at; without this, ffmpeg tries the first ones and complains about each."""


def moviepy_length(
    ftyp: bytes,
    moov: bytes,
    *,
    sidx: Iterable[bytes] = (),
    moofs: Iterable[bytes] = (),
    deadline: float = 5.0,
) -> float | None:
    """Return the length in s that moviepy reads from a header, in 10 ms steps.

    Parameters
    ----------
    ftyp, moov, sidx, moofs
        Payloads of the boxes; the latter two of a fragmented file.
    deadline
        Seconds after which ffmpeg is killed. Importing moviepy, once per process, has a deadline of its own.

    Returns
    -------
    float | None
        None: moviepy could not read it, or not in time.
    """
    if not wait_for_moviepy():
        return None
    try:
        reader = load_moviepy()
        moofs = list(moofs)
        with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
            path = Path(folder, "header.mp4")
            path.write_bytes(sanitised(ftyp, moov, sidx, moofs))
            options = [*cpu_limit(deadline), *(() if moofs else _NO_MEDIA), *input_options(path)]
            process = subprocess.Popen(  # noqa: S603 - moviepy's own ffmpeg, on a file of ours
                [reader.FFMPEG_BINARY, "-hide_banner", "-nostdin", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            with kill_after(process, deadline) as limit:
                printed = process.communicate()[1].decode("utf-8", "ignore")
            if limit.passed:
                return None
            return float(reader.FFmpegInfosParser(printed, str(path)).parse()["duration"])
    except Exception:  # noqa: BLE001 - moviepy fails in many ways (OSError, KeyError, …): then there is no figure
        return None


_KEEP = {
    b"moov": {b"mvhd", b"trak", b"mvex"},
    b"trak": {b"tkhd", b"edts", b"mdia"},
    b"mdia": {b"mdhd", b"hdlr", b"minf"},
    b"minf": {b"vmhd", b"smhd", b"gmhd", b"hdlr", b"stbl"},
    b"edts": {b"elst"},
    b"mvex": {b"mehd", b"trex"},
    b"moof": {b"mfhd", b"traf"},
    b"traf": {b"tfhd", b"tfdt", b"trun"},
}
"""By container, the boxes that stay; all others become `free`."""
_SIDE_DATA = {
    *(b"amve", b"clli", b"mdcv", b"dvcC", b"dvvC", b"dvwC", b"st3d", b"sv3d", b"vexu", b"hfov"),
    *(b"SmDm", b"CoLL", b"cclv", b"udta", b"meta", b"uuid"),
}
"""Boxes of sample entries that crash the parser, and their like."""
_BRANDS = {b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"qt  "}
_PICTURE_HEAD = 78
"""Bytes of a picture's sample entry before its own boxes."""


def sanitised(ftyp: bytes, moov: bytes, sidx: Iterable[bytes] = (), moofs: Iterable[bytes] = ()) -> bytes:
    """Return a file of `ftyp` and the stripped `moov`, without media: it is only good for measuring.

    Parameters
    ----------
    ftyp, moov
        Payloads of the boxes. An empty `ftyp` becomes that of QuickTime.
    sidx, moofs
        Payloads of the other boxes of a fragmented file. A `sidx` holds only numbers.

    Raises
    ------
    BoxError
        The header is malformed.
    """
    clean = bytearray(moov)
    _strip(clean, b"moov", 0, len(clean))
    brand = ftyp[:8] if len(ftyp) >= 8 and all(32 <= byte < 127 for byte in ftyp[:4]) else b"qt  \0\0\0\0"
    # The brands are printed, too, so only well-known ones stay.
    found = (ftyp[at : at + 4] for at in range(8, len(ftyp) - 3, 4))
    brands = b"".join(one for one in found if one in _BRANDS)
    out = [_box(b"ftyp", brand + brands), _box(b"moov", bytes(clean)), *(_box(b"sidx", one) for one in sidx)]
    for one in moofs:
        moof = bytearray(one)
        _strip(moof, b"moof", 0, len(moof))
        out.append(_box(b"moof", bytes(moof)))
    return b"".join(out)


def _box(kind: bytes, payload: bytes) -> bytes:
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def _free(data: bytearray, box: Box) -> None:
    data[box.at + 4 : box.at + 8] = b"free"
    data[box.start : box.end] = bytes(box.end - box.start)


def _strip(data: bytearray, container: bytes, start: int, end: int) -> None:
    """Blank the boxes of a container that do not stay, and the texts of those that do."""
    keep = _KEEP[container]
    for box in list(boxes(data, start, end)):
        if box.kind not in keep or (box.kind == b"trak" and _handler(data, box) not in {b"vide", b"soun"}):
            _free(data, box)
        elif box.kind in _KEEP:
            _strip(data, box.kind, box.start, box.end)
        elif box.kind == b"hdlr":
            data[box.start + 12 : box.end] = bytes(max(0, box.end - box.start - 12))
        elif box.kind == b"stbl":
            for table in list(boxes(data, box.start, box.end)):
                if table.kind == b"stsd":
                    _strip_entries(data, table)
                elif table.kind in {b"udta", b"meta", b"uuid"}:
                    _free(data, table)


def _handler(data: bytearray, trak: Box) -> bytes:
    """Return what kind of track it is, such as ``b"vide"``; empty if it does not say."""
    for mdia in boxes(data, trak.start, trak.end):
        if mdia.kind == b"mdia":
            for box in boxes(data, mdia.start, mdia.end):
                if box.kind == b"hdlr":
                    return bytes(data[box.start + 8 : box.start + 12])
    return b""


def _strip_entries(data: bytearray, stsd: Box) -> None:
    for entry in boxes(data, stsd.start + 8, stsd.end):
        # ffmpeg prints the vendor and, for pictures, the compressor's name as metadata.
        if entry.end - entry.start >= 16:
            data[entry.start + 12 : entry.start + 16] = bytes(4)
        head = _entry_head(data, entry)
        if head == _PICTURE_HEAD:
            data[entry.start + 42 : entry.start + 74] = bytes(32)
        for box in _side_data(data, entry.start + head, entry.end):
            _free(data, box)


def _entry_head(data: bytearray, entry: Box) -> int:
    """Return how many bytes a sample entry has before its own boxes: 78 of a picture, 28 or more of sound."""
    # Only pictures state a resolution there, which is 72 dpi by the standard.
    if entry.end - entry.start >= _PICTURE_HEAD and u32(data, entry.start + 28) == 0x00480000:
        return _PICTURE_HEAD
    version = int.from_bytes(data[entry.start + 8 : entry.start + 10], "big")
    return {0: 28, 1: 44, 2: 64}.get(version, 28)


def _side_data(data: bytearray, start: int, end: int) -> list[Box]:
    try:
        return [box for box in boxes(data, start, end) if box.kind in _SIDE_DATA]
    except BoxError:  # these are not boxes, so no side data either
        return []
