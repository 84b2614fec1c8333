"""Write the import picture into CONTRIBUTING.md: ``python -m tests.metrics.contributing``."""

from __future__ import annotations

from pathlib import Path

from tests.metrics.imports import NAME, picture

ROOT = Path(__file__).parents[2]
FILE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- imports: made by `python -m tests.metrics.contributing` -->\n", "<!-- end of imports -->\n"


def with_picture(text: str) -> str:
    """Return the text with a current picture between its marks."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}{picture(ROOT / NAME)}\n{END}{tail}"


if __name__ == "__main__":
    FILE.write_text(with_picture(FILE.read_text("utf-8")), "utf-8")
