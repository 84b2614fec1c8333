"""Axes of a summary: the groups of a column, with labels; jobs in which it is not set are one of them.

An image or a clip is known by its content, whatever it was called on which machine: its name is a label.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.core.texts import composed
from motion_widgets.log.columns import AXIS, KINDS, TEXT
from motion_widgets.request.media_source import link_identity, media_kind, media_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

__all__ = ["MEDIA", "Axis", "Content", "axis_of", "content_of", "labels_of", "media_labels"]

MEDIA = {
    "image_name": ("image_sha", "image_url"), "image_url": ("image_sha", "image_url"),
    "clip_name": ("clip_sha", "video_url"), "video_url": ("clip_sha", "video_url"),
}  # fmt: skip
"""Columns that name a file, and those by which its content is known."""
_HASH = 12
"""From how many signs of a hash on a name is that of a kept copy, which nobody gave it."""


Content = tuple[str, str]
"""``"sha"`` and a hash, or ``"source"`` and an unsigned link or a name; the latter is ``""`` for nothing."""


class Axis(NamedTuple):
    """The groups of a column."""

    codes: Any
    """By job the place of its group among the labels."""
    labels: pd.Index[Any]
    """Sorted; what is not set is ``""`` among texts, and the last of anything else."""


def axis_of(frame: pd.DataFrame, name: str, labels: Mapping[Any, str] | None = None) -> Axis:
    """Return the groups of a column of the frame; `labels`: of media, as `media_labels` has them."""
    import pandas as pd

    column = frame[name]
    if name in MEDIA:
        known = media_labels(frame, name) if labels is None else labels
        column = pd.Series([known[one] for one in _contents(frame, name)], dtype="string", index=frame.index)
    elif KINDS[name] in (TEXT, AXIS):
        column = column.astype("string").fillna("").str.normalize("NFC")
    codes, found = pd.factorize(column, sort=True)
    groups = pd.Index(found)
    unset = codes < 0
    if unset.any():
        codes[unset] = len(groups)
        groups = groups.append(pd.Index(column[unset].array[:1]))
    return Axis(codes, groups)


def media_labels(frame: pd.DataFrame, name: str) -> dict[Any, str]:
    """Return by content what the images or clips of a frame are called (`labels_of`)."""
    return labels_of(zip(_contents(frame, name), frame[name].astype("string").fillna(""), strict=True))


def labels_of(named: Iterable[tuple[Content, str]]) -> dict[Content, str]:
    """Return by content what it is called; several of one name are numbered.

    Of several names of one content the first counts that is not its hash.
    """
    names: dict[Content, str] = {}
    for content, said in named:
        given = composed(said or content[1])
        if content not in names or (_is_hash(names[content], content) and not _is_hash(given, content)):
            names[content] = given
    counts: dict[str, int] = {}
    labels: dict[str, Content] = {}
    for content, given in names.items():
        label = given
        while label in labels:
            counts[given] = counts.get(given, 1) + 1
            label = f"{given} ({counts[given]})"
        labels[label] = content
    return {content: label for label, content in labels.items()}


def content_of(sha: str | None, link: str | None) -> Content:
    """Return what tells an image or a clip from others: the hash, else the unsigned link, or the name."""
    return ("sha", sha) if sha else ("source", _source(link) if link else "")


def _contents(frame: pd.DataFrame, name: str) -> list[Content]:
    """Return by job the content of its image or clip."""
    sha, link, named = (frame[one].astype("string").fillna("") for one in (*MEDIA[name], name))
    source = link.where(link != "", named)
    known = {one: content_of(None, one)[1] for one in set(source)}  # jobs share few
    return [("sha", one) if one else ("source", known[other]) for one, other in zip(sha, source, strict=True)]


def _source(given: str) -> str:
    return link_identity(given) if media_kind(given) == "link" else composed(media_name(given))


def _is_hash(given: str, content: Content) -> bool:
    """Return whether a name is that of a content's copy."""
    kind, sha = content
    stem = PurePath(media_name(given)).stem
    return kind == "sha" and len(stem) >= _HASH and sha.startswith(stem)
