"""The offer to trim: the same clip for all cells, where it is too long for some of them only."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.messages import say
from motion_widgets.core.texts import first_of
from motion_widgets.request.limits import LIMITS
from motion_widgets.sweep.design import Design

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from motion_widgets.sweep.cells import Cell

__all__ = ["Offer", "offer_of"]

_Plan = TypeVar("_Plan")


@dataclass(frozen=True)
class Offer(Generic[_Plan]):
    """Clips to be trimmed so that every cell of a plan takes the same one. `take` does it."""

    sweep: Design
    plan_cells: Sequence[Cell]
    """The cells of the plan as it is."""
    clips: tuple[Clip, ...]
    """The clips that are too long for some cells only."""
    seconds: float
    """To which length (s) all cells take them."""
    cells: tuple[int, ...]
    """Numbers, in the plan, of the cells that are invalid without it."""
    planned: Callable[[Design], _Plan]
    """Makes the new plan."""

    @property
    def message(self) -> str:
        """The offer in a sentence."""
        names = first_of([clip.name for clip in self.clips])
        return say("offer_trim", names=names, seconds=self.seconds, count=len(self.cells))

    def take(self, trim: Clip | Callable[..., Clip]) -> _Plan:
        """Return the plan in which every cell that had one of the clips takes its trimmed one.

        Parameters
        ----------
        trim
            The trimmed clip, if there is only one; or what trims: called with a clip and ``length=`` (s), it
            gives the new clip, as `motion_widgets.trim_clip` does.

        Raises
        ------
        RequestError
            One clip was given for several, or what comes back is still too long, or no clip.
        """
        if isinstance(trim, Clip) and len(self.clips) > 1:
            raise RequestError.of("offer_several", count=len(self.clips))
        most = self.seconds + LIMITS.clip_tolerance
        swapped: dict[int, Clip] = {}
        for clip in self.clips:
            short = trim if isinstance(trim, Clip) else trim(clip, length=self.seconds)
            if not isinstance(short, Clip) or round(short.length, 6) > most:
                length = f"{short.length:.3f} s" if isinstance(short, Clip) else type(short).__name__
                raise RequestError.of("offer_long", name=clip.name, found=length, seconds=self.seconds)
            swapped[id(clip)] = short
        sweep = self.sweep
        if "video_url" not in sweep.axes:
            same = copy.copy(sweep)
            same.request = sweep.request.replace(video_url=next(iter(swapped.values())))
            return self.planned(same)
        rows: list[dict[str, Any]] = []
        for cell in self.plan_cells:
            clip = swapped.get(id(cell.request.video_url), cell.request.video_url)
            places = {"repeat": cell.repeat, "order": cell.order, "number": cell.number}
            rows.append({**cell.values, "video_url": clip, **places})
        return self.planned(Design.listed(sweep.request, rows))

    def __repr__(self) -> str:
        return f"<Offer: {self.message}>"


def offer_of(sweep: Design, cells: Sequence[Cell], planned: Callable[[Design], _Plan]) -> Offer[_Plan] | None:
    """Find the clips of a plan that are too long for its cells of orientation "image" only."""
    long = [
        (cell.number, cell.request.video_url)
        for cell in cells
        if any(one.code == "clip_long_switch" for one in cell.findings)
    ]
    fine = {id(cell.request.video_url) for cell in cells if cell.status != "invalid"}
    clips = {id(clip): clip for _, clip in long if id(clip) in fine and isinstance(clip, Clip)}
    if not clips:
        return None
    seconds = LIMITS.clip_length("image")[1]
    numbers = tuple(number for number, clip in long if id(clip) in clips)
    return Offer(sweep, cells, tuple(clips.values()), seconds, numbers, planned)
