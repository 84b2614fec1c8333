"""How often A is preferred to B, with an interval that holds though ratings of one clip are alike.

Each rating scores 1 (A preferred), 0.5 (a tie, or both bad) or 0; the win rate is the mean over blocks of the
blocks' means. Its variance is taken between blocks, between clips and between images, each moderated by what
ratings alone would give; Wilson's interval with the widest of the three is quoted. Everything takes arrays
whose last axis is the blocks, so that many studies can be computed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.log.intervals import t_quantile, wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Scores", "block_wilson"]

_PRIOR = 4
"""Degrees of freedom that the variance of ratings alone is worth."""
_ALIKE = 0.1
"""Correlation of the ratings of one block that it presumes."""


@dataclass(frozen=True)
class Scores:
    """Scores by block, of one study (arrays of the blocks) or of many (a row each).

    Attributes
    ----------
    sums
        Of the scores; blocks without ratings do not matter.
    counts
        How many ratings each block has.
    wins, losses
        How many ratings score 1 and 0, over all blocks.
    clips, images
        By block which clip and which image it has, as numbers from 0.
    """

    sums: Floats
    counts: Floats
    wins: Any
    losses: Any
    clips: NDArray[np.int64]
    images: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Iterable[tuple[str, float, object, object]]) -> Scores:
        """Return the scores of one study, of ratings as (block, score, clip, image)."""
        import numpy as np

        rated = list(scores)
        blocks = {block: place for place, block in enumerate(dict.fromkeys(one[0] for one in rated))}
        where = np.array([blocks[one[0]] for one in rated], dtype=np.int64)
        given = np.array([one[1] for one in rated], dtype=np.float64)
        media = {one[0]: one[2:] for one in rated}
        return cls(
            np.bincount(where, given, minlength=len(blocks)).astype(np.float64),
            np.bincount(where, minlength=len(blocks)).astype(np.float64),
            (given == 1).sum(), (given == 0).sum(),
            _numbers([media[block][0] for block in blocks]), _numbers([media[block][1] for block in blocks]),
        )  # fmt: skip

    def row(self, place: int) -> Scores:
        """Return the scores of one of many studies."""
        sums, counts, wins, losses = (one[place] for one in (self.sums, self.counts, self.wins, self.losses))
        return Scores(sums, counts, wins, losses, self.clips, self.images)

    @property
    def total(self) -> Any:
        """How many ratings there are."""
        return self.counts.sum(-1)

    @property
    def blocks(self) -> Any:
        """How many blocks have ratings."""
        return (self.counts > 0).sum(-1)


def _numbers(values: Sequence[object]) -> NDArray[np.int64]:
    import numpy as np

    known = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return np.array([known[value] for value in values], dtype=np.int64)


def block_wilson(scores: Scores, *levels: float) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return the win rate and, for each level, its interval (low, high).

    NaN and the whole range: there are no ratings.
    """
    import numpy as np

    counts, total, blocks = scores.counts, scores.total, scores.blocks
    rated = counts > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(rated, scores.sums / counts, 0.0)
        rate = means.sum(-1) / blocks
        won, lost = (scores.wins + 0.5) / (total + 1), (scores.losses + 0.5) / (total + 1)
        variance = (won + lost - (won - lost) ** 2) / 4
        size = blocks / np.where(rated, 1 / counts, 0.0).sum(-1)  # the harmonic mean of the counts
        prior = variance * (1 + _ALIKE * (size - 1)) / size / blocks
        pulled = (total * rate + 0.5) / (total + 1)
        away = np.where(rated, means - rate[..., None], 0.0)
        each = np.arange(counts.shape[-1])
        found = [_moderated(away, rated, groups, prior) for groups in (each, scores.clips, scores.images)]
        made = []
        for level in levels:
            ends = [_ends(rate, pulled, moderated, groups, level) for moderated, groups in found]
            # A grouping of which there is one group says nothing, unless there is but one block.
            usable = [(groups > 1) | (place == 0) for place, (_, groups) in enumerate(found)]
            low, high = ends[0]
            for (lower, higher), some in zip(ends[1:], usable[1:], strict=True):
                wider = some & (higher - lower > high - low)
                low, high = np.where(wider, lower, low), np.where(wider, higher, high)
            low = np.where(total > 0, np.clip(low, 0, 1), 0.0)
            high = np.where(total > 0, np.clip(high, 0, 1), 1.0)
            made.append((low, high))
    return rate, made


def _moderated(away: Floats, rated: Any, groups: NDArray[np.int64], prior: Any) -> tuple[Any, Any]:
    """Return the variance of the win rate by one grouping of the blocks, and how many groups it has."""
    import numpy as np

    member = np.eye(int(groups.max(initial=0)) + 1)[groups]
    found = (rated.astype(np.float64) @ member > 0).sum(-1)
    between = np.where(found > 1, found / (found - 1), 0.0) * ((away @ member) ** 2).sum(-1)
    blocks = rated.sum(-1)
    return ((found - 1) * between / blocks**2 + _PRIOR * prior) / (found - 1 + _PRIOR), found


def _ends(rate: Any, pulled: Any, variance: Any, groups: Any, level: float) -> tuple[Any, Any]:
    import numpy as np

    most = int(np.max(groups, initial=1))
    quantiles = np.array([t_quantile(level, max(count, 1) - 1 + _PRIOR) for count in range(most + 1)])
    low, high = wilson(rate, pulled * (1 - pulled) / variance, quantiles[groups])
    return low, high
