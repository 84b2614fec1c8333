"""HTML pages from the docstrings of every name of the contract, and links in them that lead nowhere."""

from __future__ import annotations

import inspect
import warnings
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pdoc
import pdoc.render

import motion_widgets as mw
from motion_widgets.log.view import LogView

if TYPE_CHECKING:
    from pathlib import Path

NAME = mw.__name__


def modules() -> list[str]:
    """Return the modules that get a page: the package, the log's view, the homes of the contract's bases."""
    named = [getattr(mw, name) for name in mw.__all__]
    bases = {base for one in named if inspect.isclass(one) for base in one.__mro__[1:]}
    homes = {base.__module__ for base in (*bases, LogView)}
    return [NAME, *sorted(home for home in homes if home.startswith(f"{NAME}."))]


def build(folder: Path, *, search: bool = True) -> list[Path]:
    """Write the reference into a folder, and return its pages.

    Parameters
    ----------
    folder
        Made where it is missing.
    search
        Whether the pages have a search field; its index takes longer than the pages.
    """
    pdoc.render.configure(
        docformat="numpy", search=search, show_source=False, footer_text=f"{NAME} {mw.__version__}"
    )
    package, *others = modules()
    with warnings.catch_warnings():
        # pdoc looks for the names in a NamedTuple's annotations in another module, and then shows text.
        warnings.filterwarnings("ignore", "Error parsing type annotation ForwardRef")
        pdoc.pdoc(package, rf"!{package}\..*", *others, output_directory=folder)
    return sorted(folder.rglob("*.html"))


class Page(HTMLParser):
    """What one page links to, and what may be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an id and a link."""
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if tag == "a" and found.get("href"):
            self.links.add(found["href"] or "")


def broken_links(paths: list[Path]) -> list[str]:
    """Return the links among these pages whose page or place in it is not there, as ``page: link``."""
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in paths}
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = pages.get((path.parent / unquote(parts.path)).resolve() if parts.path else path)
            if target is None or (parts.fragment and unquote(parts.fragment) not in target.ids):
                broken.append(f"{path.name}: {link}")
    return broken
