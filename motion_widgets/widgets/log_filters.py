"""What the log's table can be filtered by, the filters that are set, and views that a person keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.annotations import STARS
from motion_widgets.log.axes import MEDIA
from motion_widgets.log.column_rules import TITLE_MOST, is_title
from motion_widgets.log.paging import FACETS, facets
from motion_widgets.widgets.row_grid import DAYS, column_words, value_words
from motion_widgets.workspace.settings import choose, chosen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from motion_widgets.log.store import Log

__all__ = ["chips", "drop_view", "offered", "save_view", "views"]

_VIEWS = "log_views"
"""Name of the views among a folder's settings."""
_KEPT = ("search", "values", "sort", "down", "group", "columns")
"""What a view keeps of what the page asks for."""
MOST = 30
"""Views of a folder."""
LONGEST = 60
"""Characters of a view's name."""


def offered(log: Log) -> list[dict[str, Any]]:
    """Return the filters with the values that occur; in a long log that takes a while."""
    found = []
    for name, values in facets(log).items():
        if name == "created_by" and len(values) < 2:
            continue  # nobody shares this log
        told = [[value, value_words(name, text) or say("log_filter_none")] for value, text in values]
        found.append(_facet(name, told))
    found.append(_facet("tag", [[tag, tag] for tag in log.annotations.tags_used()]))
    found += [_facet(name, [[one, words(name, one)] for one in values]) for name, values in _FIXED.items()]
    return [one for one in found if one["values"]]


_FIXED: dict[str, tuple[Any, ...]] = {
    "stars": tuple(range(1, STARS + 1)), "usable": (True, False), "since": DAYS, "deleted": (True,),
}  # fmt: skip
"""Filters whose values are the same in every log."""


def _facet(name: str, values: list[list[Any]]) -> dict[str, Any]:
    return {"name": name, "label": _label(name), "values": values}


def _label(name: str) -> str:
    said = say(f"filter_{name}") if name in ("tag", "since", "deleted") else column_words(name)
    return said[:1].upper() + said[1:]


def words(name: str, value: Any) -> str:
    """Return what a filter's value is called."""
    if name == "stars":
        return say("log_stars_least", stars="\u2605" * value)
    if name == "usable":
        return say("log_usable_yes" if value else "log_usable_no")
    if name == "since":
        return say(f"since_{value}")
    if name == "deleted":
        return say("filter_deleted_only")
    return value_words(name, value) or say("log_filter_none")


def chips(told: Mapping[str, Any], known: list[dict[str, Any]] | None) -> list[dict[str, str]]:
    """Return the filters that are set, in words; what makes no sense is not set.

    Parameters
    ----------
    known
        What `offered` returned, in which images and clips have their names. None: not looked up yet.
    """
    values, made = told.get("values"), []
    by_name = {one["name"]: one for one in known or ()}
    for name, value in (values if isinstance(values, dict) else {}).items():
        if name in _FIXED:
            if any(one is value or (one == value and type(one) is type(value)) for one in _FIXED[name]):
                made.append({"name": name, "label": _label(name), "text": words(name, value)})
        elif name in ("tag", *FACETS) and (value is None or isinstance(value, str)):
            named = dict(by_name.get(name, {"values": ()})["values"])
            unknown = (value or "").partition(":")[2] if name in MEDIA else words(name, value)
            text = named.get(value) or unknown or say("log_filter_none")
            made.append({"name": name, "label": _label(name), "text": text[:TITLE_MOST]})
    return made


def views(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the page asks for by view, as this user kept them for a folder."""
    kept = chosen(folder).get(_VIEWS)
    return {
        name: ask for name, ask in (kept if isinstance(kept, dict) else {}).items() if isinstance(ask, dict)
    }


def save_view(folder: Path, name: str, ask: Mapping[str, Any]) -> str:
    """Keep a view, in the place of one of the same name; return its name.

    Raises
    ------
    LogError
        It is no name, or there are too many views.
    """
    word, kept = " ".join(name.split()), views(folder)
    if not is_title(word) or len(word) > LONGEST:
        raise LogError.of("log_view_wrong", found=word[: LONGEST + 1], most=LONGEST)
    if word not in kept and len(kept) >= MOST:
        raise LogError.of("log_views_many", most=MOST)
    choose(folder, **{_VIEWS: kept | {word: {one: ask[one] for one in _KEPT if one in ask}}})
    return word


def drop_view(folder: Path, name: str) -> None:
    """Forget a view."""
    choose(folder, **{_VIEWS: {one: ask for one, ask in views(folder).items() if one != name}})
