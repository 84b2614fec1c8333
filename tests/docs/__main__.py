"""Write the reference: ``python -m tests.docs FOLDER``; ends with 1 where a link in it leads nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.docs.reference import broken_links, build

pages = build(Path(sys.argv[1]))
broken = broken_links(pages)
print(*broken, sep="\n", end="\n" if broken else "")
print(f"{len(pages)} pages in {sys.argv[1]}, {len(broken)} broken links")
sys.exit(bool(broken))
