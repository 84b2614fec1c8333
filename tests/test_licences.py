"""Each dependency has its row among the licences, and none forbids what the MIT licence allows."""

from __future__ import annotations

import re

from tests.licences import BEGIN, END, FILE, licence, needed, pinned


def rows() -> dict[str, str]:
    part = FILE.read_text("utf-8").split(BEGIN)[1].split(END)[0]
    return dict(re.findall(r"^\| ([\w.-]+) \| (.+?) \|", part, re.MULTILINE)[1:])


def test_every_dependency_has_its_row() -> None:
    assert rows().keys() == needed().keys(), "run: python -m tests.licences"


def test_every_licence_is_said() -> None:
    assert [name for name in (*needed(), *pinned()) if licence(name) == "not said"] == []


def test_nothing_that_is_installed_is_under_a_strong_copyleft() -> None:
    # The LGPL of psycopg and what ships with a wheel of its own leave the package that imports it as it is.
    strong = re.compile(r"(?<!L)(?<!Lesser )(A?GPL|General Public License)", re.IGNORECASE)
    assert {name: licence(name) for name in pinned() if strong.search(licence(name))} == {}
