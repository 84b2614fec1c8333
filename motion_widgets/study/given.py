"""What a person gives to a study, checked: values of an axis, a criterion, a rater, jobs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.names import current_person, person_named
from motion_widgets.request.findings import show
from motion_widgets.study.pairs import Drawn, matched
from motion_widgets.study.ratings import ANSWERS
from motion_widgets.study.results import varying
from motion_widgets.study.tables import contests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motion_widgets.log.rows import QuestionRow
    from motion_widgets.log.store import Log
    from motion_widgets.study.material import Material
    from motion_widgets.study.pairs import Pair

__all__ = [
    "RUN",
    "asked_of",
    "check_rating",
    "criterion_of",
    "digest",
    "ids_of",
    "jobs_of",
    "offered",
    "pairs_of",
    "rater_named",
    "values_of",
]

RUN = "run-"
"""How the id of a run begins."""
NUMBER = 1_000_000
"""s or plays of one pair, at most."""
CRITERION = 60
"""Characters of a criterion."""


def asked_of(it: Material) -> QuestionRow:
    """Return the question, or raise."""
    if it.question is None:
        raise LogError.of("study_unasked")
    return it.question


def offered(it: Material, asked: QuestionRow, aim: str) -> Iterable[list[Pair]]:
    """Return the pairs that a rater is given by an aim: of the first list first, then of the others."""
    if aim == "question":
        return [pairs_of(it, asked)]
    if aim == "overview":
        return [it.pairs]
    if aim == "best":
        return contests(it)
    raise LogError.of("study_aim", found=show(aim))


def pairs_of(it: Material, asked: QuestionRow) -> list[Pair]:
    """Return the pairs that answer a question."""
    return matched(it.results, asked.axis, asked.a, asked.b)


def rater_named(rater: str | None) -> str:
    """Return a rater's name; None: who writes here."""
    return current_person() if rater is None else person_named(rater)


def check_rating(
    it: Material, pair: object, answer: str, seconds: float | None, plays: tuple[int | None, int | None]
) -> None:
    """Raise if this is no answer to a pair of the study."""
    if answer not in ANSWERS:
        raise LogError.of("study_answer", found=show(answer), known=", ".join(ANSWERS))
    have = {one.id for one in it.results}
    if not isinstance(pair, Drawn) or not {pair.left, pair.right} <= have:
        raise LogError.of("study_pair")
    for number, kind in ((seconds, (int, float)), *((one, (int,)) for one in plays)):
        if number is not None and (type(number) not in kind or not 0 <= number <= NUMBER):
            raise LogError.of("study_number", found=show(number), most=NUMBER)


def criterion_of(given: object) -> str:
    """Return a criterion without spaces around it, or raise."""
    word = given.strip() if isinstance(given, str) else ""
    if not 1 <= len(word) <= CRITERION:
        raise LogError.of("study_criterion", found=show(given), most=CRITERION)
    return word


def values_of(it: Material, axis: str, a: str | None, b: str | None) -> tuple[str, str]:
    """Return two values of an axis that vary, or raise."""
    known = varying(it.results)
    if not isinstance(axis, str) or axis not in known:
        raise LogError.of(
            "study_axis", axis=show(axis), known=", ".join(known) or say("study_nothing_varies")
        )
    values = known[axis]
    if a is None and b is None and len(values) == 2:
        a, b = values
    if a is None or b is None or a == b or a not in values or b not in values:
        raise LogError.of("study_values", axis=axis, known=", ".join(values))
    return a, b


def ids_of(source: Any) -> list[str]:
    """Return the id of a run, or of a job, or those of several."""
    several = [source] if isinstance(source, str) or hasattr(source, "id") else source
    try:
        ids = [one if isinstance(one, str) else one.id for one in several]
    except (TypeError, AttributeError):
        raise LogError.of("study_source", found=show(source)) from None
    return list(dict.fromkeys(ids))


def jobs_of(store: Log, ids: list[str]) -> list[str]:
    """Return the jobs of a run as it is now, or the jobs themselves.

    Raises
    ------
    LogError
        The log has no such run or job.
    """
    if len(ids) == 1 and ids[0].startswith(RUN):
        run = store.sweeps.get(ids[0])
        if run is None:
            raise LogError.of("no_such_id", id=ids[0], name=store.name)
        return [cell["job_id"] for cell in json.loads(run.cells)]
    here = store.jobs.present(ids)
    for one in ids:
        if one not in here:
            raise LogError.of("no_such_id", id=one, name=store.name)
    return ids


def digest(*words: str) -> str:
    """Return a short hash of words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
