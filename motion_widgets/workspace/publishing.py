"""What a person calls to publish: the part of a workspace that makes local media public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.local_file import local_file
from motion_widgets.publishing.destination import Place
from motion_widgets.publishing.publisher import is_clip
from motion_widgets.request.media_source import media_kind, media_name, media_source
from motion_widgets.workspace.inputs import keep_input

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.jobs.runner import Runner
    from motion_widgets.log.store import Log
    from motion_widgets.publishing.destination import Published
    from motion_widgets.workspace.public_links import Hosting

__all__ = ["Publishes"]


class Publishes:
    """Publishing, for `Workspace`, which has all that is named here."""

    folder: Path
    log_store: Log
    if TYPE_CHECKING:

        @property
        def hosting(self) -> Hosting: ...  # noqa: D102
        @property
        def runner(self) -> Runner: ...  # noqa: D102

    @property
    def publish_to(self) -> str | None:
        """Where local clips are published when a job is submitted live. None: nowhere.

        A destination as `publish` takes it; the folder remembers it. Images go through the endpoint's upload.
        """
        return self.hosting.publish_to

    @publish_to.setter
    def publish_to(self, to: str | None) -> None:
        self.hosting.publish_to = to

    def consent(self, *to: str, given: bool = True) -> None:
        """Agree that local images and clips become public at destinations; the folder remembers it.

        Whoever has a link sees what is behind it. Nothing that may show a person is published before this was
        said, or ``consent=True`` for one file.

        Parameters
        ----------
        to
            Destinations as `publish` takes them. None named: those that jobs use (the endpoint's upload and
            `publish_to`).
        given
            False takes it back; what is public already stays so.
        """
        self.hosting.consent(*to, given=given)

    def publish(
        self, source: object, to: str | None = None, *, life: float | None = None, consent: bool = False,
        name: str | None = None,
    ) -> Published:  # fmt: skip
        """Return a local image or clip a link, or the living one that the same bytes have there already.

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
        place = Place.read(to) if to is not None else None
        if place is not None and place.kind == "result":
            file = None if source is None else local_file(media_source(source) or "")[0]
            return self.hosting.result(place.to[7:], sha256_of(file) if file is not None else None)
        if media_kind(source) != "path":
            raise RequestError.of("publish_local", found=media_name(source) or type(source).__name__)
        file = local_file(media_source(source) or "")[0]
        if place is None:
            default = self.publish_to if is_clip(file) else "endpoint"
            if default is None:
                raise RequestError.of("clip_needs_hosting", name=file.name)
            place = Place.read(default)
        kept, sha = keep_input(self.log_store, self.folder, file, file.name)
        if isinstance(source, Clip | Image) and source.sha256 not in (None, sha):
            raise RequestError.of("input_changed", name=file.name)
        wishes = {"consent": consent, "life": life, "wanted": name}
        return spawn(self._publish(self.folder / kept, place, wishes)).result()

    async def _publish(self, path: Path, place: Place, wishes: dict[str, Any]) -> Published:
        hosting = self.hosting
        if place.kind != "endpoint":
            return await hosting.publish(path, place, client=None, **wishes)
        async with self.runner.client() as client:
            return await hosting.publish(path, place, client=client, **wishes)
