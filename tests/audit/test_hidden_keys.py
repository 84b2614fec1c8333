"""A key hidden in archives, in other encodings and between signs is found; what is not opened is named."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import random
import sqlite3
import string
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from motion_widgets.audit import archives
from motion_widgets.audit.key_scan import scan
from motion_widgets.endpoint.api_key import Secret
from tests.endpoint.traces import traces

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-Ab3dEf9hIjKlMn0pQrSt7vWxYz12345"
ALIKE = "sk-q8Zk2LmP0sXv7TnB4rYwJd61"


def between(sign: str) -> Callable[[str], str]:
    return lambda key: sign.join((key[:9], key[9:17], key[17:]))


BREAKS: dict[str, Callable[[str], str]] = {
    "nothing": str,
    "tags": between('<span class="hl">'),
    "colours": between("\x1b[38;5;160m"),
    "no width": between("\u200b"),
    "soft hyphens": between("\u00ad"),
    "joiners and marks": between("\u2060\ufeff\u202e"),
    "zeros": "\0".join,
    "literals": lambda key: f'key = "{key[:9]}" "{key[9:]}"',
    "literals over lines": lambda key: f"key = ('{key[:9]}'\n       f'{key[9:]}')",
    "a sum": lambda key: f"key = \"{key[:9]}\" + \\\n  '{key[9:17]}' + '{key[17:]}'",
    "a list that is joined": lambda key: f"key = ''.join(['{key[:3]}', \"{key[3:17]}\",\n  '{key[17:]}'])",
    "a tuple that is joined": lambda key: f'str.join("", ("{key[:9]}", "{key[9:]}"))',
    "names, line after line": lambda key: f"a = '{key[:9]}'\nb = \"{key[9:17]}\"\n\nc = ('{key[17:]}')",
    "added to a name": lambda key: f'self.key = "{key[:3]}"; self.key += "{key[3:]}"',
    "reversed": lambda key: key[::-1],
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "url": lambda text: quote(text, safe=""),
    "all of url": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json": json.dumps,
    "html": html.escape,
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "base64": lambda text: base64.b64encode(f"x {text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}


def streams(text: str) -> bytes:
    """Return a notebook that printed a text piece by piece."""
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    outputs = [{"output_type": "stream", "name": "stdout", "text": [one]} for one in pieces]
    outputs.insert(1, {"output_type": "stream", "name": "stderr", "text": "warning"})
    return json.dumps({"cells": [{"cell_type": "code", "source": [], "outputs": outputs}]}).encode()


def workbook(text: str) -> bytes:
    out = io.BytesIO()
    pd.DataFrame({"a": ["".join(one for one in text if one >= " ")]}).to_excel(out)
    return out.getvalue()


def parquet(text: str) -> bytes:
    out = io.BytesIO()
    pd.DataFrame({"a": ["other", text]}).to_parquet(out, compression="zstd")
    return out.getvalue()


def database(text: str) -> bytes:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE jobs (body TEXT)")
    db.execute("INSERT INTO jobs VALUES (?)", (text,))
    db.commit()
    return db.serialize()


FILES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "text": ("a.txt", lambda text: f"one\n{text}\nthree".encode()),
    "UTF-16": ("a.txt", lambda text: f"one\n{text}\nthree".encode("utf-16")),
    "UTF-16 LE": ("a.txt", lambda text: f"one\n{text}\nthree".encode("utf-16-le")),
    "UTF-16 BE": ("a.txt", lambda text: f"one\n{text}\nthree".encode("utf-16-be")),
    "latin-1": ("a.csv", lambda text: b"caf\xe9," + text.encode("latin-1", "ignore")),
    "notebook": ("a.ipynb", streams),
    "workbook": ("a.xlsx", workbook),
    "parquet": ("a.parquet", parquet),
    "database": ("a.sqlite", database),
}


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("readme.txt", "nothing here")
        packed.writestr(f"deep/{name}", content)
    return out.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        packed.addfile(info, io.BytesIO(content))
    return out.getvalue()


PACKS: dict[str, Callable[[str, bytes], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "gz": lambda _, content: gzip.compress(content),
    "bz2": lambda _, content: bz2.compress(content),
    "xz": lambda _, content: lzma.compress(content),
}


def lines_of(name: str, content: bytes, key: str = KEY) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        report = scan([folder], secrets=[Secret(key)])
    assert report.code == 1, report.lines
    assert traces("\n".join(report.lines), key) == []
    return list(report.lines)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("way", [*BREAKS, *ENCODINGS])
def test_each_way_in_each_file(way: str, file: str) -> None:
    if file in ("workbook", "latin-1") and way in ("colours", "no width", "joiners and marks", "zeros"):
        return  # such a file cannot hold it
    name, write = FILES[file]
    lines = lines_of(name, write((BREAKS | ENCODINGS)[way](KEY)))
    assert any("the API key of this machine (…2345)" in line for line in lines), lines


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2**32), st.sampled_from(sorted(BREAKS)),
    st.lists(st.sampled_from(sorted(ENCODINGS)), max_size=2),
    st.sampled_from(sorted({*FILES} - {"workbook", "latin-1"})),
    st.lists(st.sampled_from(sorted(PACKS)), max_size=3),
)  # fmt: skip
@example(0, "zeros", ["entities"], "UTF-16", [])  # which HTML reads as U+FFFD
@example(0, "zeros", ["entities"], "text", [])
def test_any_composition(seed: int, sign: str, encodings: list[str], file: str, packs: list[str]) -> None:
    key = "sk-" + "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=40))
    text = BREAKS[sign](key)
    for one in encodings:
        text = ENCODINGS[one](text)
    name, write = FILES[file]
    content = write(text)
    for one in packs:
        content = PACKS[one](name, content)
    # Of a notebook whose name an archive lost, the whole text is searched.
    if file == "notebook" and packs and {"gz", "bz2", "xz"} & {packs[0]}:
        return
    lines = lines_of(f"{name}.packed" if packs else name, content, key)
    assert any("the API key of this machine" in line for line in lines), lines


@pytest.mark.parametrize("way", [one for one in BREAKS if one != "reversed"])
def test_what_only_looks_like_a_key(way: str) -> None:
    lines = lines_of("a.zip", zipped("a.txt", BREAKS[way](ALIKE).encode()))
    assert any("what looks like an API key" in line for line in lines), lines
    assert any("a.zip: deep/a.txt" in line for line in lines)


def encrypted() -> bytes:
    content = bytearray(zipped("a.txt", b"x"))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


def nested() -> bytes:
    content = b"clean"
    for _ in range(archives.NESTED + 1):
        content = zipped("inner.zip", content)
    return content


NOT_OPENED: dict[str, tuple[Callable[[], bytes], str]] = {
    "encrypted.zip": (encrypted, "it is encrypted"),
    "secret.7z": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99), "of the kind 7z"),
    "print.pdf": (lambda: b"%PDF-1.7\n", "of the kind PDF"),
    "inner.zip": (lambda: zipped("x.rar", b"Rar!\x1a\x07\0"), "of the kind RAR"),
    "bomb.zip": (lambda: zipped("zeros", bytes(9 << 20)), "times its size"),
    "bomb.gz": (lambda: gzip.compress(bytes(9 << 20)), "times its size"),
    "deep.zip": (nested, "archives within each other"),
    "cut.gz": (lambda: gzip.compress(random.Random(1).randbytes(9999))[:-99], "it is damaged"),
    "cut.zip": (lambda: zipped("a.txt", b"x" * 99)[:-30], "it is damaged"),
    "locked.xlsx": (lambda: b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "it is encrypted"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_OPENED)
def test_what_is_not_opened_is_named_and_not_called_clean(name: str) -> None:
    make, reason = NOT_OPENED[name]
    lines = lines_of(name, make())
    named = next(line for line in lines if "was not opened" in line)
    assert name in named
    assert reason in named
    assert not any("No key was found" in line for line in lines)


def test_all_parts_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNPACKED", 1000)
    noise = random.Random(2).randbytes(600)
    assert not any(
        "not opened" in line for line in lines_of("a.zip", zipped("a.txt", KEY.encode() + noise[:300]))
    )
    lines = lines_of("b.zip", zipped("a.zip", zipped("a.txt", noise)))
    assert any("was not opened" in line for line in lines)


def test_keys_in_a_list_are_each_named_once() -> None:
    found = lines_of("a.json", json.dumps({"keys": [ALIKE, ALIKE[:-4] + "9xQ7", "other"]}).encode())
    assert [line[-6:-1] for line in found if "looks like" in line] == ["…Jd61", "…9xQ7"]
