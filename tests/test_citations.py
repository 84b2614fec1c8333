"""What the source cites can be read: every file exists in the repository, every section in the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import motion_widgets

PACKAGE = Path(motion_widgets.__file__).parent
REPO = PACKAGE.parent
SOURCES = [path for root in (PACKAGE, REPO / "tests") for path in sorted(root.rglob("*.py"))]
CITED = re.compile(r"(?<![\w{}*-])(?P<file>(?:\w+/)*[A-Za-z]\w*\.md)\b`*(?:,? section (?P<section>\d+))?")
FACTS = "motion_widgets/endpoint/API.md"


def resolve(cited: str, source: Path) -> Path | None:
    """Return the cited file: beside the source or above it, in the package or at the repository's root."""
    folders = [*source.parents[: len(source.relative_to(REPO).parts)], PACKAGE]
    return next((folder / cited for folder in folders if (folder / cited).is_file()), None)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_every_cited_file_and_section_exists(source: Path) -> None:
    text = source.read_text("utf-8")
    assert "reference/" not in re.sub(r"//\S*", "", text) or source == Path(__file__)
    for match in CITED.finditer(text):
        found = resolve(match["file"], source)
        if source.is_relative_to(PACKAGE) or match["section"]:
            assert found, f"{source.name} cites {match['file']}, which is not in the repository"
        if match["section"]:
            assert f"\n## {match['section']}. " in found.read_text("utf-8"), match[0]


def test_a_citation_that_leads_nowhere_is_found() -> None:
    source = PACKAGE / "jobs" / "submit.py"
    (one, two) = CITED.finditer("(`endpoint/API.md` section 8), and `reference/gone.md`")
    assert (one["file"], one["section"]) == ("endpoint/API.md", "8")
    assert resolve(one["file"], source) == REPO / FACTS
    assert resolve(two["file"], source) is None


def test_the_endpoints_facts_ship_in_the_wheel() -> None:
    shipped = {file.distribution_path for file in WheelBuilder(str(REPO)).recurse_included_files()}
    assert {FACTS, "motion_widgets/sandbox/FAULTS.md"} <= shipped
