"""Publishing to an object store: any fsspec file system that can sign links (S3-compatible, Google, Azure).

Its credentials and options are the user's own: the cloud's environment and files, or fsspec's
(``FSSPEC_S3_ENDPOINT_URL``, ``~/.config/fsspec/``). None is read, kept or shown here.
"""

from __future__ import annotations

import importlib
import mimetypes
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import RequestError
from motion_widgets.endpoint.responses import redact
from motion_widgets.publishing.destination import SIGNED_MOST

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.publishing.destination import Destination

__all__ = ["put"]

_AMAZON, _GOOGLE, _AZURE = ("s3", "s3a"), ("gs", "gcs"), ("az", "abfs", "abfss", "adl")


def put(place: Destination, path: Path, name: str, life: float) -> str:
    """Put a file into a store, unless it is there, and sign a link to it.

    Parameters
    ----------
    place
        ``s3://bucket/prefix`` or the like.
    path, name
        The file here, and its name there.
    life
        s that the link lives.

    Raises
    ------
    RequestError
        The store is not known here, takes no file, or signs no links; or the life is too long.
    """
    if life > SIGNED_MOST and _scheme(place.to) in (*_AMAZON, *_GOOGLE):
        raise RequestError.of("life_long", life=life / 86_400, limit=SIGNED_MOST / 86_400, place=place.label)
    try:
        return _put(place.to, path, name, round(life))
    except ImportError as error:
        trouble = RequestError.of("s3_missing", place=place.label, reason=str(error)[:200])
    except NotImplementedError:
        trouble = RequestError.of("store_signs_nothing", place=place.label)
    except Exception as error:  # noqa: BLE001 - stores fail in as many ways as there are stores
        why = f"{type(error).__name__}: {redact(str(error))}"[:300]
        trouble = RequestError.of("store_failed", place=place.label, reason=why)
    raise trouble  # here, so that it drags no frame along whose locals hold the store's credentials


def _put(to: str, path: Path, name: str, life: int) -> str:
    from fsspec.core import url_to_fs

    files, root = url_to_fs(to, **_options(to))
    target = f"{root.rstrip('/')}/{name}"
    if not _there(files, target, path.stat().st_size):
        files.put_file(str(path), target, **_described(to, name))
    # fsspec's `sign` takes seconds everywhere; Google's own default is the older kind of signature.
    newest = {"version": "v4"} if _scheme(to) in _GOOGLE else {}
    return str(files.sign(target, expiration=life, **newest))


def _scheme(to: str) -> str:
    """Return a store's kind, in lower case."""
    return to.partition(":")[0].lower()


def _described(to: str, name: str) -> dict[str, Any]:
    """Return what a file is, where the store's own package does not: Azure would send it as a mere stream."""
    if _scheme(to) not in _AZURE:
        return {}
    settings: Any = importlib.import_module("azure.storage.blob")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"content_settings": settings.ContentSettings(content_type=kind)}


def _options(to: str) -> dict[str, Any]:
    """Ask for signatures of version 4: buckets made since 2020, and other S3 stores, take no older ones."""
    from fsspec.config import conf

    scheme = _scheme(to)
    if scheme not in _AMAZON:
        return {}
    own = conf.get(scheme, {}).get("config_kwargs") or {}
    return {"config_kwargs": {"signature_version": "s3v4", **own}}


def _there(files: Any, target: str, size: int) -> bool:
    """Return whether the content is there already; its name is made of it, so its size tells."""
    files.invalidate_cache()
    try:
        return bool(files.info(target).get("size") == size)
    except FileNotFoundError:
        return False
