"""CONTRIBUTING.md is true: its picture of the imports is current, its rooms and its files are there."""

from __future__ import annotations

import re

from tests.metrics.contributing import FILE, ROOT, with_picture
from tests.metrics.imports import NAME

TEXT = FILE.read_text("utf-8")


def test_the_import_picture_is_current() -> None:
    assert with_picture(TEXT) == TEXT, "run: python -m tests.metrics.contributing"


def test_every_room_has_its_line() -> None:
    rooms = {path.parent.name for path in (ROOT / NAME).glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^\| `(\w+)/` \|", TEXT, re.MULTILINE))


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(rf"`((?:{NAME}|tests|binder)/[\w./]*)`", TEXT)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
