"""Publishing one file without a workspace at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.arguments import require_workspace
from motion_widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from motion_widgets.publishing.destination import Published

__all__ = ["publish"]


def publish(
    source: object, to: str | None = None, *, life: float | None = None, consent: bool = False,
    name: str | None = None, ws: Workspace | None = None,
) -> Published:  # fmt: skip
    """Return a public link of a local image or clip, as `Workspace.publish` does.

    Parameters
    ----------
    ws
        Whose endpoint, consents and memory of links. None: the workspace of the working directory.

    Examples
    --------
    >>> mw.publish(samples.image, ws=ws).url.startswith("http")
    True
    """
    wishes: dict[str, Any] = {"life": life, "consent": consent, "name": name}
    if ws is not None:
        return require_workspace(ws).publish(source, to, **wishes)
    with Workspace() as own:
        return own.publish(source, to, **wishes)
