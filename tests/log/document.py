"""The data dictionary in ``COLUMNS.md``: ``python -m tests.log.document`` brings it up to date."""

from __future__ import annotations

from pathlib import Path

import motion_widgets
from motion_widgets.log.columns import markdown

DOCUMENT = Path(motion_widgets.__file__).parent / "log" / "COLUMNS.md"

if __name__ == "__main__":
    DOCUMENT.write_text(markdown(), "utf-8")
