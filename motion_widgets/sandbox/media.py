"""Files that the sandbox hosts: uploads, media for links, samples, results.

A file's name comes from its content, never from the client, so no path can leave the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from motion_widgets.sandbox.measure import Unreadable, kind_of, measure_image
from motion_widgets.sandbox.rendering.samples import SAMPLES, make_sample
from motion_widgets.sandbox.responses import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message

    from motion_widgets.sandbox.store import Store

__all__ = ["Media"]

_UPLOAD_BYTES = 20_000_000  # strict "20 MB"
_HOST_BYTES = 200_000_000  # twice the provider's limit, so that its rule can be seen to refuse
_FORM_OVERHEAD = 65_536  # bytes of a multipart form around its file
_NAME = re.compile(r"[0-9a-f]{32}\.(jpg|png|gif|webp|webm|mp4|mov|bin)")
_OWN = re.compile(r"/(?:media/(?P<media>[^/]+)|media/sample/(?P<sample>[^/]+)|results/(?P<task>[^/]+)\.mp4)")


class Media:
    """Hosted files in `store`'s folder, with links under `base`()."""

    def __init__(self, store: Store, base: Callable[[], str]) -> None:
        self._store = store
        self._base = base
        self._sampling = threading.Lock()

    def is_own(self, path: str) -> bool:
        """Return whether a link's path leads to one of this sandbox's own files, whatever port it names."""
        match = _OWN.fullmatch(path)
        if match is None:
            return False
        if match["task"]:
            return self._store.task(match["task"]) is not None
        return match["sample"] in SAMPLES or bool(match["media"] and self._store.hosted(match["media"]))

    def serve(self, path: Path, kind: str) -> Response:
        """Answer with a file: ranges, ETag and HEAD included."""
        return FileResponse(path, media_type=kind, headers={"X-Content-Type-Options": "nosniff"})

    async def file(self, request: Request) -> Response:
        """``GET /media/{name}``: a hosted file, 403 once its life is over."""
        name = request.path_params["name"]
        found = await run_in_threadpool(self._store.hosted, name) if _NAME.fullmatch(name) else None
        path = self._store.folder / "media" / name
        if found is None or not path.exists():
            raise Refusal(404, "not_found", "There is no such file.")
        kind, expires = found
        if expires is not None and expires <= time.time():
            raise Refusal(403, "permission_error", "This link has expired.")
        return self.serve(path, kind)

    async def sample(self, request: Request) -> Response:
        """``GET /media/sample/{name}``: public media to try the endpoint with."""
        name = request.path_params["name"]
        if name not in SAMPLES:
            raise Refusal(404, "not_found", f"There is no such sample; there are {', '.join(SAMPLES)}.")
        return self.serve(await run_in_threadpool(self._sample, name), SAMPLES[name])

    def _sample(self, name: str) -> Path:
        path = self._store.folder / "media" / "sample" / name
        with self._sampling:
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                part = self._store.folder / "tmp" / f"{os.urandom(6).hex()}-{name}"
                make_sample(name, part)
                part.replace(path)
        return path

    async def upload(self, request: Request, life: float) -> dict[str, Any]:
        """``POST /v1/uploads/images``: one image of at most 20 MB, its link living `life` seconds."""
        too_large = Refusal(413, "invalid_request_error", "The file is larger than 20 MB.")
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > _UPLOAD_BYTES + _FORM_OVERHEAD:
                raise too_large

        async def replay() -> Message:
            return {"type": "http.request", "body": bytes(raw), "more_body": False}

        try:
            async with Request(request.scope, replay).form(max_files=1, max_fields=10) as form:
                file = form.get("file")
                if file is None or isinstance(file, str):
                    raise Refusal.parameter("A multipart form with the image in field 'file' is needed.")
                content, filename = await file.read(), Path(file.filename or "image").name
        except MultiPartException:
            raise Refusal.parameter("The multipart form cannot be read.") from None
        if len(content) > _UPLOAD_BYTES:
            raise too_large
        return await run_in_threadpool(self._keep_upload, content, filename, life)

    def _keep_upload(self, content: bytes, filename: str, life: float) -> dict[str, Any]:
        part = self._store.folder / "tmp" / f"upload-{os.urandom(8).hex()}"
        part.write_bytes(content)
        try:
            facts = measure_image(part)
            if facts.format not in {"jpeg", "png", "webp", "gif"}:
                raise Refusal.parameter(f"The file is {facts.format}; JPEG, PNG, WebP and GIF are accepted.")
            now = time.time()
            url, kind = self._keep(part, hashlib.sha256(content).hexdigest(), content[:16], now + life)
        except Unreadable as error:
            raise Refusal.parameter(f"The file {error}; JPEG, PNG, WebP and GIF are accepted.") from None
        finally:
            part.unlink(missing_ok=True)
        return {
            "url": url,
            "filename": filename,
            "content_type": kind,
            "bytes": len(content),
            "created_at": int(now),
        }

    async def host(self, request: Request) -> dict[str, Any]:
        """``POST /sandbox/media``: any raw bytes get a link that lives as long as the folder."""
        part = self._store.folder / "tmp" / f"host-{os.urandom(8).hex()}"
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with part.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > _HOST_BYTES:
                        raise Refusal(413, "invalid_request_error", "The file is larger than 200 MB.")
                    head = (head + chunk[:16])[:16]
                    digest.update(chunk)
                    file.write(chunk)
            if not size:
                raise Refusal.parameter("The body is empty; send the file's bytes as they are.")
            url, kind = await run_in_threadpool(self._keep, part, digest.hexdigest(), head, None)
        finally:
            part.unlink(missing_ok=True)
        return {
            "url": url,
            "filename": Path(request.headers.get("x-filename", "")).name,
            "content_type": kind,
            "bytes": size,
            "sha256": digest.hexdigest(),
            "created_at": int(time.time()),
            "expires_at": None,
        }

    def _keep(self, part: Path, digest: str, head: bytes, expires: float | None) -> tuple[str, str]:
        """Move a finished file to its place. Returns its link and content type."""
        extension, kind = kind_of(head)
        name = f"{digest[:32]}.{extension}"
        size = part.stat().st_size
        path = self._store.folder / "media" / name
        # The same content is already there: left alone, so that its ETag stays.
        if not path.exists():
            part.replace(path)
        self._store.host(name, kind, size, expires)
        return f"{self._base()}/media/{name}", kind
