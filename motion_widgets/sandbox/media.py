"""Files that the sandbox hosts: uploads, media for links, samples.

A file's name comes from its content, never from the client, so no path can leave the folder.
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from motion_widgets.sandbox.measure import Unreadable, measure_image
from motion_widgets.sandbox.rendering.samples import SAMPLES, draw_sample
from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message

    from motion_widgets.sandbox.store import IncomingFile, Store

__all__ = ["HostedMedia", "serve_file"]

_UPLOAD_BYTES = 20_000_000  # strict "20 MB"
_HOST_BYTES = 200_000_000  # twice the provider's limit, so that its rule can be seen to refuse
_FORM_OVERHEAD = 65_536  # bytes of a multipart form around its file
_NAME = re.compile(r"[0-9a-f]{32}\.(jpg|png|gif|webp|webm|mp4|mov|bin)")
_OWN = re.compile(r"/(?:media/(?P<media>[^/]+)|media/sample/(?P<sample>[^/]+)|results/(?P<task>[^/]+)\.mp4)")


class HostedMedia:
    """Hosted files in `store`'s folder, with links under `base`()."""

    def __init__(self, store: Store, base: Callable[[], str]) -> None:
        self._store = store
        self._base = base
        self._drawing_sample = threading.Lock()

    def is_own(self, path: str) -> bool:
        """Return whether a link's path leads to one of this sandbox's own files, whatever port it names."""
        match = _OWN.fullmatch(path)
        if match is None:
            return False
        if match["task"]:
            return self._store.tasks.get(match["task"]) is not None
        return match["sample"] in SAMPLES or bool(match["media"] and self._find(match["media"]))

    async def file(self, request: Request) -> Response:
        """``GET /media/{name}``: a hosted file, 403 once it has expired."""
        name = request.path_params["name"]
        found = await run_in_threadpool(self._find, name) if _NAME.fullmatch(name) else None
        path = self._store.folder / "media" / name
        if found is None or not path.exists():
            raise ApiError(404, "not_found", "There is no such file.")
        content_type, expires = found
        if expires is not None and expires <= time.time():
            raise ApiError(403, "permission_error", "This link has expired.")
        return serve_file(path, content_type)

    async def sample(self, request: Request) -> Response:
        """``GET /media/sample/{name}``: public media to try the endpoint with."""
        name = request.path_params["name"]
        if name not in SAMPLES:
            raise ApiError(404, "not_found", f"There is no such sample; there are {', '.join(SAMPLES)}.")
        return serve_file(await run_in_threadpool(self._sample, name), SAMPLES[name])

    def _sample(self, name: str) -> Path:
        path = self._store.folder / "media" / "sample" / name
        with self._drawing_sample:
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                with self._store.partial_file(f"-{name}") as part:
                    draw_sample(name, part)
                    part.replace(path)
        return path

    async def upload(self, request: Request, life: float) -> dict[str, Any]:
        """``POST /v1/uploads/images``: one image of at most 20 MB; its link is valid for `life` seconds."""
        too_large = ApiError(413, "invalid_request_error", "The file is larger than 20 MB.")
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > _UPLOAD_BYTES + _FORM_OVERHEAD:
                raise too_large

        async def replay() -> Message:
            return {"type": "http.request", "body": bytes(raw), "more_body": False}

        try:
            async with Request(request.scope, replay).form(max_files=1, max_fields=10) as form:
                part = form.get("file")
                if part is None or isinstance(part, str):
                    raise ApiError.invalid("A multipart form with the image in field 'file' is needed.")
                body, filename = await part.read(), Path(part.filename or "image").name
        except MultiPartException:
            raise ApiError.invalid("The multipart form cannot be read.") from None
        with self._store.incoming_file(_UPLOAD_BYTES, too_large) as file:
            file.write(body)
            file.close()
            await run_in_threadpool(_check_upload, file.path)
            return await run_in_threadpool(self._keep, file, filename, time.time() + life)

    async def host(self, request: Request) -> dict[str, Any]:
        """``POST /sandbox/media``: any raw bytes get a link that is valid as long as the folder exists."""
        too_large = ApiError(413, "invalid_request_error", "The file is larger than 200 MB.")
        with self._store.incoming_file(_HOST_BYTES, too_large) as file:
            async for chunk in request.stream():
                file.write(chunk)
            if not file.size:
                raise ApiError.invalid("The body is empty; send the file's bytes as they are.")
            filename = Path(request.headers.get("x-filename", "")).name
            kept = await run_in_threadpool(self._keep, file, filename, None)
        return kept | {"sha256": file.sha256, "expires_at": None}

    def _keep(self, file: IncomingFile, filename: str, expires: float | None) -> dict[str, Any]:
        """Move a complete file to its place and return the body that describes it."""
        file.close()
        now, name = time.time(), file.name
        path = self._store.folder / "media" / name
        # The same content may be there already: left alone, so that its ETag stays.
        if not path.exists():
            file.path.replace(path)
        # The longer life wins when the same content comes again; NULL is for ever.
        self._store.database.row(
            "INSERT INTO media VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) "
            "DO UPDATE SET created = excluded.created, expires = max(expires, excluded.expires)",
            *(name, file.content_type, file.size, now, expires),
        )
        return {
            "url": f"{self._base()}/media/{name}",
            "filename": filename,
            "content_type": file.content_type,
            "bytes": file.size,
            "created_at": int(now),
        }

    def _find(self, name: str) -> tuple[str, float | None] | None:
        """Return a hosted file's content type and expiry (Unix seconds, None: never), None when unknown."""
        row = self._store.database.row("SELECT type, expires FROM media WHERE name = ?", name)
        return None if row is None else (row["type"], row["expires"])


def serve_file(path: Path, content_type: str) -> Response:
    """Return the response that sends a file: ranges, ETag and HEAD included."""
    return FileResponse(path, media_type=content_type, headers={"X-Content-Type-Options": "nosniff"})


def _check_upload(path: Path) -> None:
    try:
        name = measure_image(path).format
    except Unreadable as error:
        raise ApiError.invalid(f"The file {error}; JPEG, PNG, WebP and GIF are accepted.") from None
    if name not in {"jpeg", "png", "webp", "gif"}:
        raise ApiError.invalid(f"The file is {name}; JPEG, PNG, WebP and GIF are accepted.")
