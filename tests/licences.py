"""The licences of what the package needs, in `notebooks/reference.md`: ``python -m tests.licences``.

``python -m tests.licences --all`` prints those of everything that is pinned and installed instead.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib

from tests.every_python import PYPROJECT, ROOT

FILE = ROOT / "notebooks" / "reference.md"
BEGIN, END = "<!-- licences: made by `python -m tests.licences` -->\n", "<!-- end of licences -->"
_NAME = re.compile(r"[\w.-]+")


def licence(name: str) -> str:
    """Return a package's licence, as its metadata say it in the shortest way."""
    told = importlib.metadata.metadata(name)
    expression = told.get("License-Expression")
    classified = [
        one.rpartition(" :: ")[2] for one in told.get_all("Classifier", []) if one.startswith("License ::")
    ]
    free = next((line.strip() for line in (told.get("License") or "").splitlines() if line.strip()), "")
    return expression or ", ".join(classified) or free or "not said"


def needed() -> dict[str, str]:
    """Return by name of each dependency of pyproject.toml the extra that brings it, or nothing."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    found = {match[0]: "" for one in project["dependencies"] if (match := _NAME.match(one))}
    for extra, wanted in project["optional-dependencies"].items():
        found |= {match[0]: f"extra `{extra}`" for one in wanted if (match := _NAME.match(one))}
    return found


def pinned() -> list[str]:
    """Return the names of everything that Binder installs and that is here."""
    lines = (ROOT / "binder/requirements.txt").read_text("utf-8").splitlines()
    names = (line.partition("==")[0] for line in lines if "==" in line)
    here = {one.metadata["Name"].lower().replace("_", "-") for one in importlib.metadata.distributions()}
    return [name for name in names if name.lower().replace("_", "-") in here]


def table() -> str:
    """Return the table of the direct dependencies."""
    rows = [f"| {name} | {licence(name)} | {extra} |\n" for name, extra in sorted(needed().items())]
    return "| package | licence | |\n|---|---|---|\n" + "".join(rows)


def with_table(text: str) -> str:
    """Return a page with today's table between its marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    if "--all" in sys.argv:
        print(*(f"{name}: {licence(name)}" for name in pinned()), sep="\n")
    else:
        FILE.write_text(with_table(FILE.read_text("utf-8")), "utf-8")
