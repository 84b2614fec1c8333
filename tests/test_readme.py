"""The README: short, its links lead somewhere, and its code runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
README = (REPO / "README.md").read_text("utf-8")
JAPANESE = (REPO / "README.ja.md").read_text("utf-8")
PAGES = sorted(
    str(path.relative_to(REPO))
    for pattern in ("*.md", "notebooks/**/*.md", "notebooks/**/*.ipynb", "motion_widgets/**/*.md")
    for path in REPO.glob(pattern)
    if "workspace" not in path.parts and not any(part.startswith(".") for part in path.parts)
)


def test_a_stranger_reads_it_in_a_minute() -> None:
    assert len(README.splitlines()) <= 130


def prose(path: Path) -> str:
    """Return a page's Markdown; a notebook's is that of its text cells."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def places(path: Path) -> set[str]:
    """Return what a link may name in a page: its headings, as GitHub spells them."""
    heads = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    path = REPO / page
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, place = link.partition("#")
        assert (path.parent / target).exists(), link
        assert not place or place in places(path.parent / target if target else path), link


def told(text: str) -> dict[str, object]:
    """Return what a README has to say in every language."""
    code = re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)
    words = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {
        "code": [re.sub(r" +#.*", "", one) for one in code],
        "links": set(re.findall(r"\]\(([^)\s]+)\)", words)) - {"README.md", "README.ja.md"},
        "promises": words.count("\n- **"),
        "rows": words.count("\n| "),
    }


def names(text: str) -> set[str]:
    """Return the names, commands and versions that a README mentions."""
    return set(re.findall(r"`[^`\n]+`|\b\d+\.\d+\b", text))


def test_the_japanese_readme_says_what_the_english_one_does() -> None:
    assert told(JAPANESE) == told(README)
    assert names(README) <= names(JAPANESE)


def test_the_code_runs_as_it_stands(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("collected") == 5
