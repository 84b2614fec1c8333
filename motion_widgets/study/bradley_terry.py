"""Strengths of settings from pairs of any kind: Bradley and Terry's model with half wins and a ridge.

It answers what matched pairs of one axis do not: the effect of an axis in mixed pairs, and which settings are
still in the running. Errors come from a jackknife over blocks, as ratings of one clip are alike. Arrays may
have leading axes: many studies at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.log.intervals import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Fit", "challengers", "fit", "surely_better"]

_RIDGE = 0.25
_STEPS = 10
_DRAWS, _SEED = 2000, 16


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    effects
        Log-odds by column of the design.
    covariance
        Of the effects, by the jackknife over blocks.
    inverse
        Of the information with the ridge: Laplace's covariance.
    blocks
        How many there are.
    """

    effects: Floats
    covariance: Floats
    inverse: Floats
    blocks: int

    def interval(self, column: int, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Return the win rate of an effect with its interval; 0 to 1 from fewer than 3 blocks."""
        import numpy as np

        contrast = np.eye(self.effects.shape[-1])[[column]]
        rate, low, high = self.against(contrast, level)
        return rate[..., 0], low[..., 0], high[..., 0]

    def against(self, contrasts: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Return the win rates of sums of effects, a row each, with their intervals."""
        import numpy as np

        effect = np.einsum("ck,...k->...c", contrasts, self.effects)
        # Blocks that all say the same leave the jackknife nothing, which is no certainty.
        jackknife, laplace = (
            np.sqrt(np.maximum(np.einsum("ck,...kl,cl->...c", contrasts, one, contrasts), 0.0))
            for one in (self.covariance, self.inverse)
        )
        freedom = max(self.blocks - 1, 1)
        away = np.maximum(t_quantile(level, freedom) * jackknife, t_quantile(level, 1000) * laplace)
        if self.blocks < 3:
            away = np.full_like(effect, np.inf)
        return _logistic(effect), _logistic(effect - away), _logistic(effect + away)


def fit(design: Floats, scores: Floats, blocks: NDArray[np.int64]) -> Fit:
    """Fit the model.

    Parameters
    ----------
    design
        By rating, and by column, left minus right: of the axes' values, or one column a setting.
    scores
        By rating, of the left one: 1, 0.5 or 0.
    blocks
        By rating its block, as numbers from 0; the same in all studies.
    """
    import numpy as np

    columns = design.shape[-1]
    effects = np.zeros((*design.shape[:-2], columns))
    for _ in range(_STEPS):
        gradient, information = _derivatives(design, scores, effects)
        total = information.sum(-3) + _RIDGE * np.eye(columns)
        step = gradient.sum(-2) - _RIDGE * effects
        effects = effects + np.linalg.solve(total, step[..., None])[..., 0]
    gradient, information = _derivatives(design, scores, effects)
    total = information.sum(-3) + _RIDGE * np.eye(columns)
    member = np.eye(int(blocks.max(initial=0)) + 1)[blocks]
    by_block = np.einsum("nb,...nk->...bk", member, gradient)
    held = np.einsum("nb,...nkl->...bkl", member, information)
    # Each block's one step away from the whole; rows without information move nothing.
    moved = np.linalg.solve(total[..., None, :, :] - held, by_block[..., None])[..., 0]
    count = member.shape[1]
    covariance = (count - 1) / count * np.einsum("...bk,...bl->...kl", moved, moved)
    return Fit(effects, covariance, np.linalg.inv(total), count)


def surely_better(fitted: Fit) -> NDArray[np.bool_]:
    """Return by (i, j) whether setting i is surely better than j, all differences judged together at 95 %.

    `fitted` is one study, with a column for each setting. Nothing is sure from fewer than 3 blocks.
    """
    import numpy as np

    count = len(fitted.effects)
    if fitted.blocks < 3 or count < 2:
        return np.zeros((count, count), dtype=bool)
    laplace, error = _difference_errors(fitted.inverse), _errors(fitted)
    drawn = np.random.default_rng(_SEED).standard_normal((_DRAWS, count))
    drawn = drawn @ np.linalg.cholesky(fitted.inverse).T
    above = np.triu_indices(count, 1)
    away = np.abs(drawn[:, :, None] - drawn[:, None, :])[:, *above] / laplace[above]
    critical = np.quantile(away.max(1), 0.95)
    difference = fitted.effects[:, None] - fitted.effects[None, :]
    found: NDArray[np.bool_] = difference > critical * error
    return found & ~np.eye(count, dtype=bool)


def challengers(fitted: Fit) -> NDArray[np.int64]:
    """Return the leading setting and then the others, first whose difference to it is the least sure.

    `fitted` has a column for each setting; of many studies a row each.
    """
    import numpy as np

    count = fitted.effects.shape[-1]
    leader = fitted.effects.argmax(-1)[..., None]
    behind = np.take_along_axis(fitted.effects, leader, -1) - fitted.effects
    error = np.take_along_axis(_errors(fitted), leader[..., None], -2)[..., 0, :]
    unsure = np.where(np.arange(count) == leader, -1.0, behind / np.where(error > 0, error, 1.0))
    order: NDArray[np.int64] = unsure.argsort(-1, kind="stable")
    return order


def _errors(fitted: Fit) -> Floats:
    """Return the error of each difference: the larger of Laplace's and the jackknife's."""
    import numpy as np

    found: Floats = np.maximum(_difference_errors(fitted.inverse), _difference_errors(fitted.covariance))
    return found


def _derivatives(design: Floats, scores: Floats, effects: Floats) -> tuple[Floats, Floats]:
    """Return each rating's score and information."""
    import numpy as np

    chance = _logistic(np.einsum("...nk,...k->...n", design, effects))
    gradient = design * (scores - chance)[..., None]
    weight = chance * (1 - chance)
    return gradient, np.einsum("...n,...nk,...nl->...nkl", weight, design, design)


def _difference_errors(covariance: Floats) -> Floats:
    import numpy as np

    spread = np.diagonal(covariance, axis1=-2, axis2=-1)
    return np.sqrt(np.maximum(spread[..., :, None] + spread[..., None, :] - 2 * covariance, 0.0))


def _logistic(value: Floats) -> Floats:
    import numpy as np

    made: Floats = (1 + np.tanh(value / 2)) / 2
    return made
