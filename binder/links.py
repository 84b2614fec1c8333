"""Print the README's Binder links, built from ``[project.urls] Repository`` of pyproject.toml."""  # noqa: INP001

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from urllib.parse import quote, urlsplit

PAGES = {
    "Studio as an app": "voila/render/notebooks/shared/studio.ipynb",
    "Studio in JupyterLab": "lab/tree/notebooks/studio.ipynb",
}
UNSET = (
    "There are no Binder links yet: `[project.urls] Repository` is not set in `pyproject.toml`. "
    "Set it, then put here what `python binder/links.py` prints."
)


def links(repository: str | None) -> str:
    """Give the two links as Markdown lines, or the sentence that says why there are none.

    Parameters
    ----------
    repository
        Address of the public git repository. None: it is not set.
    """
    if not repository:
        return UNSET
    parts = urlsplit(repository)
    path = parts.path.strip("/").removesuffix(".git")
    where = f"gh/{path}" if parts.hostname == "github.com" else f"git/{quote(repository, safe='')}"
    return "\n".join(
        f"- [{name}](https://mybinder.org/v2/{where}/HEAD?urlpath={page})" for name, page in PAGES.items()
    )


def repository(pyproject: Path) -> str | None:
    """Read ``[project.urls] Repository``. None: it is not set."""
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


if __name__ == "__main__":
    sys.stdout.write(links(repository(Path(__file__).parents[1] / "pyproject.toml")) + "\n")
