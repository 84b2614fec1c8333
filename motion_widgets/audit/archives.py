"""Open archives and packed files in memory, within bounds; what is not opened is named.

Bounds hold for all that lies in one file together, so that neither a bomb nor archives within archives can
take the memory or the day.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Unpacker"]

UNPACKED = 256 * 1024 * 1024
"""Bytes that one file may unpack to, with all that lies in it."""
RATIO, SMALL = 200, 1024 * 1024
"""A part of more than `SMALL` bytes may be so many times its packed size; a text is 20 at most."""
NESTED = 4
"""Archives within archives."""
PARTS = 20_000
_CHUNK = 1024 * 1024
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4", b"MSCF": "CAB", b"xar!": "XAR", b"LZIP": "lzip", b"\x1f\x9d": "compress",
    b"%PDF-": "PDF", b"ARROW1": "Arrow", b"\x89HDF": "HDF5",
}  # fmt: skip
"""How files begin that hold packed text, and that are not opened here."""
_STREAMS: dict[bytes, Callable[[io.BytesIO], Any]] = {
    b"\x1f\x8b": lambda packed: gzip.GzipFile(fileobj=packed),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x5d\0\0": lzma.LZMAFile,
}


class _TooLargeError(Exception):
    """A part unpacks to more than is looked at."""


class Unpacker:
    """Unpacks one file.

    Attributes
    ----------
    closed
        What was not opened: where it is (``""``: the file itself), and why.
    """

    def __init__(self) -> None:
        self.closed: list[tuple[str, str]] = []
        self._left, self._parts = UNPACKED, PARTS

    def parts(self, content: bytes, where: str = "", depth: int = 0) -> Iterator[tuple[str, bytes]]:
        """Yield the files in a file, at any depth: their place, and their content."""
        made = self._opened(content)
        if made is None:
            return
        if depth >= NESTED:
            self.closed.append((where, say("scan_nested", limit=NESTED)))
            return
        try:
            for name, inner in made:
                place = f"{where}/{name}".strip("/")
                self._parts -= 1
                if inner is None:
                    self.closed.append((place, say("scan_encrypted")))
                    continue
                yield place, inner
                yield from self.parts(inner, place, depth + 1)
        except _TooLargeError:
            self.closed.append((where, say("scan_bomb", limit=UNPACKED // 1024**2, ratio=RATIO)))
        except Exception as error:  # noqa: BLE001 - a damaged archive fails in as many ways as there are formats
            self.closed.append((where, say("scan_broken", why=type(error).__name__)))

    def _opened(self, content: bytes) -> Iterator[tuple[str, bytes | None]] | None:
        """Return what yields the parts. None: it is no archive, or one that is not opened."""
        for begin, stream in _STREAMS.items():
            if content.startswith(begin):
                return self._of_stream(stream(io.BytesIO(content)), len(content))
        if b"PK\x05\x06" in content[-65_600:] or content.startswith(b"PK\x03\x04"):
            return self._of_zip(content)
        if content[257:262] == b"ustar":
            return self._of_tar(content)
        if content.startswith(b"PAR1"):
            return self._of_parquet(content)
        return None

    def name_if_closed(self, content: bytes, where: str = "") -> None:
        """Name a file that holds packed text in a form that is not opened here."""
        kind = next((kind for begin, kind in _CLOSED.items() if content.startswith(begin)), "")
        if content.startswith(b"\xd0\xcf\x11\xe0") and "EncryptedPackage".encode("utf-16-le") in content:
            self.closed.append((where, say("scan_encrypted")))
        elif kind:
            self.closed.append((where, say("scan_unknown_kind", kind=kind)))

    def _read(self, stream: Any, packed: int) -> bytes:
        """Read a part to its end, within the bounds."""
        content = bytearray()
        while chunk := stream.read(_CHUNK):
            content += chunk
            self._left -= len(chunk)
            if self._left < 0 or self._parts < 0 or len(content) > max(SMALL, packed * RATIO):
                raise _TooLargeError
        return bytes(content)

    def _of_stream(self, stream: Any, packed: int) -> Iterator[tuple[str, bytes]]:
        yield "", self._read(stream, packed)

    def _of_zip(self, content: bytes) -> Iterator[tuple[str, bytes | None]]:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for one in packed.infolist():
                if one.is_dir():
                    continue
                if one.flag_bits & 1:
                    yield one.filename, None
                    continue
                with packed.open(one) as stream:
                    inner = self._read(stream, one.compress_size)
                yield one.filename, inner

    def _of_tar(self, content: bytes) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as packed:
            for one in packed:
                stream = packed.extractfile(one) if one.isreg() else None
                if stream is not None:
                    yield one.name, self._read(stream, max(one.size, 1))

    def _of_parquet(self, content: bytes) -> Iterator[tuple[str, bytes]]:
        from pyarrow import parquet

        file = parquet.ParquetFile(io.BytesIO(content))
        for batch in file.iter_batches(batch_size=1000):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                self._left -= column.nbytes
                if self._left < 0:
                    raise _TooLargeError
                values = (
                    str(one) for one in column.to_pylist() if isinstance(one, str | bytes | list | dict)
                )
                yield f"column {name}", "\n".join(values).encode("utf-8", "surrogateescape")
