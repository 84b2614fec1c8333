"""The reference names the whole contract, leads nowhere that is not there, and shows its examples as such."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from tests.docs.reference import Page, broken_links, build
from tests.test_doctests import METHODS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build(tmp_path_factory.mktemp("docs"), search=False)


def test_every_name_of_the_contract_is_in_it(pages: list[Path]) -> None:
    places = {place for path in pages for place in Page(path.read_text("utf-8")).ids}
    wanted = {
        *mw.__all__,
        *(f"{owner.__name__}.{name}" for owner, names in METHODS.items() for name in names.split()),
    }
    assert wanted - places == set()


def test_links_lead_somewhere(pages: list[Path]) -> None:
    assert broken_links(pages) == []


def test_an_example_is_not_taken_for_a_parameter_or_an_error(pages: list[Path]) -> None:
    # An example that follows "Raises" without a heading of its own is read as one more error.
    wrong = [
        found for path in pages for found in re.findall(r"<strong>&gt;&gt;&gt;[^<]*", path.read_text("utf-8"))
    ]
    assert wrong == []


def test_nothing_of_this_machine_is_in_it(pages: list[Path]) -> None:
    found = [
        line
        for path in pages
        for line in re.findall(r"0x[0-9a-f]{8,}|PosixPath\([^<]*|/(?:root|home)/", path.read_text("utf-8"))
    ]
    assert found == []


def test_a_link_to_a_missing_page_or_place_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<i id="here"></i><a href="#here">1</a><a href="page.html#here">2</a><a href="https://pdoc.dev">3</a>'
        '<a href="#gone">4</a><a href="other.html">5</a><a href="page.html#gone">6</a>',
        "utf-8",
    )
    assert broken_links([page]) == ["page.html: #gone", "page.html: other.html", "page.html: page.html#gone"]
