"""Publishing a local file because a person asks for it; `public_links` publishes those of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.source import local_file
from motion_widgets.publishing.destination import Destination
from motion_widgets.publishing.publisher import is_clip
from motion_widgets.request.media_source import media_kind, media_name, media_source
from motion_widgets.workspace.inputs import keep_input, known_as

if TYPE_CHECKING:
    from motion_widgets.log.store import Log
    from motion_widgets.publishing.destination import Published
    from motion_widgets.workspace.connection import Connection

__all__ = ["Publishing"]


class Publishing:
    """What makes local media public.

    Parameters
    ----------
    folder, log
        The workspace's.
    connection
        Where it is: the endpoint has an upload of its own.
    """

    def __init__(self, folder: Path, log: Log, connection: Connection) -> None:
        self._folder, self._log, self._connection = folder, log, connection

    def publish(
        self, source: object, to: str | None = None, *, life: float | None = None, consent: bool = False,
        name: str | None = None,
    ) -> Published:  # fmt: skip
        """Return a link of a local image or clip; the living one that the same bytes have there, if any.

        Not to be called on the owned loop.

        Parameters
        ----------
        source
            A path, or a measured `Clip` or `Image`. None with ``to="result:…"``.
        to
            ``"endpoint"`` (images), ``"s3://bucket/prefix"`` or any fsspec address whose store signs links, a
            command with ``{path}`` and ``{name}`` whose last line is the link, ``"serve:https://my.tunnel"``
            (this machine, port 8765; ``#port`` after it for another), or ``"result:job-…"``. None:
            `publish_to`, for an image ``"endpoint"``.
        life
            s that the link should live at least. None: long enough for a job.
        consent
            This file may become public there.
        name
            Its name there. None: made of the content, so that it tells nothing.

        Raises
        ------
        RequestError
            Nobody consented, the file breaks the endpoint's rules, or the destination does not take it.
        EndpointError
            The endpoint's upload failed.
        """
        place = Destination.read(to) if to is not None else None
        if place is not None and place.kind == "result":
            file = None if source is None else local_file(Path(media_source(source) or ""))[0]
            return self._connection.links.result(place.to[7:], sha256_of(file) if file is not None else None)
        if media_kind(source) != "path":
            raise RequestError.of("publish_local", found=media_name(source) or type(source).__name__)
        file = local_file(Path(media_source(source) or ""))[0]
        if place is None:
            default = self._connection.links.publish_to if is_clip(file) else "endpoint"
            if default is None:
                raise RequestError.of("clip_needs_hosting", name=file.name)
            place = Destination.read(default)
        kept, sha = keep_input(self._log, self._folder, file, file.name)
        if isinstance(source, Clip | Image) and source.sha256 not in (None, sha):
            raise RequestError.of("input_changed", name=file.name)
        called = known_as(self._log, self._folder, file, sha) or file.name
        wishes = {"consent": consent, "life": life, "wanted": name, "called": called}
        return spawn(self._publish(self._folder / kept, place, wishes)).result()

    async def _publish(self, path: Path, place: Destination, wishes: dict[str, Any]) -> Published:
        links = self._connection.links
        if place.kind != "endpoint":
            return await links.publish(path, place, client=None, **wishes)
        client = await self._connection.runner.context.client.get()
        return await links.publish(path, place, client=client, **wishes)
