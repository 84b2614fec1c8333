"""What a study's answers are made of, read from the log at once; everything else is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from motion_widgets.study.pairs import overview
from motion_widgets.study.ratings import standing
from motion_widgets.study.results import results_of, varying

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.log.rows import ComparisonRow, JobRow, QuestionRow
    from motion_widgets.study.pairs import Pair
    from motion_widgets.study.results import Result

__all__ = ["Material"]


@dataclass(frozen=True)
class Material:
    """A study as the log has it.

    Attributes
    ----------
    rows
        Its jobs, whatever became of them.
    ratings
        All ratings of pairs, oldest first.
    questions
        What was asked, oldest first.
    usable
        By job whether people call its result usable.
    """

    rows: Sequence[JobRow]
    ratings: Sequence[ComparisonRow]
    questions: Sequence[QuestionRow]
    usable: Mapping[str, bool | None]

    @cached_property
    def results(self) -> list[Result]:
        """The collected results."""
        return results_of(self.rows)

    @cached_property
    def question(self) -> QuestionRow | None:
        """The last question that was asked before the first rating. None: there is none."""
        first = min((row.created for row in standing(self.ratings)), default=None)
        before = [one for one in self.questions if first is None or one.created <= first]
        return before[-1] if before else None

    @property
    def axes(self) -> dict[str, list[str]]:
        """What varies within blocks, with its values: the prompt only where it is asked about."""
        kept = self.question is not None and self.question.axis == "prompt"
        return {name: values for name, values in varying(self.results).items() if kept or name != "prompt"}

    @cached_property
    def pairs(self) -> list[Pair]:
        """All pairs of different settings within blocks."""
        return overview(self.results, self.question.axis if self.question is not None else "")

    @property
    def counted(self) -> list[ComparisonRow]:
        """The ratings that stand, by the question's criterion."""
        return standing(self.ratings, self.question.criterion if self.question is not None else None)

    @property
    def sandbox(self) -> bool:
        """Whether these are rehearsals."""
        return any(row.sandbox for row in self.rows)
