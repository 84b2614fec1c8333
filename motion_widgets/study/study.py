"""The study of a run: one question, blind ratings of pairs, an answer with its interval, costs, advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from motion_widgets.core.arguments import path_of, require_workspace
from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.request.findings import show
from motion_widgets.study import conclude, given, plots, tables
from motion_widgets.study.drawing import Drawing, write
from motion_widgets.study.fidelity.difference import Difference, difference
from motion_widgets.study.fidelity.frame import frame
from motion_widgets.study.material import Material
from motion_widgets.study.next_step import advice
from motion_widgets.study.pairs import draw, matched
from motion_widgets.study.ratings import standing
from motion_widgets.study.report import page
from motion_widgets.study.verdict import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    import pandas as pd

    from motion_widgets.log.rows import ComparisonRow, JobRow, QuestionRow
    from motion_widgets.media.progress_bar import Report
    from motion_widgets.study.answer import Answer
    from motion_widgets.study.conclude import Progress
    from motion_widgets.study.host import StudyHost
    from motion_widgets.study.pairs import Drawn, Pair

__all__ = ["Study"]


class Study:
    """What people prefer among the results of a run, and what that costs.

    Everything that is asked and rated is kept in the log, so another kernel or person goes on with it.

    Parameters
    ----------
    ws
        The workspace.
    source
        A run or jobs, or their ids.
    name
        Of a further study of the same results, with a question of its own.

    Raises
    ------
    LogError
        The log has no such run or job, or some are rehearsals and some live.

    Examples
    --------
    >>> study = mw.Study(ws, run)
    >>> study.ask("mode", "pro", "std", planned=8)
    >>> pair = study.next_pair("ana")
    >>> study.rate(pair, "tie")
    >>> study.answer().kind
    'open'
    """

    def __init__(self, ws: StudyHost, source: Any, name: str = "") -> None:
        self.ws = require_workspace(ws)
        self._ids = given.ids_of(source)
        given.jobs_of(ws.log_store, self._ids)
        is_run = len(self._ids) == 1 and self._ids[0].startswith(given.RUN)
        base = self._ids[0] if is_run else f"jobs-{given.digest(*sorted(self._ids))}"
        self.id = f"{base}/{name}" if name else base
        self.seed = int(given.digest(self.id)[:8], 16)
        """Of the drawing of pairs and sides."""
        self._sessions: dict[str, list[Drawn]] = {}
        self._kept: tuple[int, list[JobRow], dict[str, bool | None]] | None = None
        """The jobs and which are usable, as of a change counter of the log."""
        self._rated: Sequence[ComparisonRow] = ()
        """The ratings, as they were read last."""
        if len({row.sandbox for row in self.rows()}) > 1:
            raise LogError.of("study_mixed")

    # What there is.

    def rows(self) -> list[JobRow]:
        """Return the jobs of the study, whatever became of them."""
        store = self.ws.log_store
        return store.jobs.last_attempts(given.jobs_of(store, self._ids))

    def material(self) -> Material:
        """Return everything that the log has; what did not change is not read again."""
        store = self.ws.log_store
        version = store.jobs.version()
        if self._kept is None or self._kept[0] != version:
            rows = self.rows()
            said = store.annotations.of([row.id for row in rows])
            self._kept = version, rows, {job_id: one.usable for job_id, one in said.items()}
        _, rows, usable = self._kept
        self._rated = store.comparisons.of(self.id, self._rated)
        return Material(rows, self._rated, store.comparisons.questions(self.id), usable)

    def ratings(self) -> list[ComparisonRow]:
        """Return all ratings as they are stored, oldest first, those that were taken back among them."""
        return list(self.material().ratings)

    @property
    def question(self) -> QuestionRow | None:
        """The question of this study (`Material.question`). None: it was not asked yet."""
        return self.material().question

    def pairs(self) -> list[Pair]:
        """Return the pairs that answer the question: they differ in nothing else."""
        it = self.material()
        return given.pairs_of(it, given.asked_of(it))

    # Asking and rating.

    def ask(self, axis: str, a: str, b: str, *, planned: int = 48, criterion: str = "overall") -> None:
        """Name the one question of this study and how many ratings are planned, before the first rating.

        Parameters
        ----------
        axis
            The wire field that varies, such as ``"mode"``.
        a, b
            Its two values; the answer says how often `a` is preferred.
        planned
            Ratings after which the study ends at the latest, rounded up to whole rounds. To show a true 70/30
            takes about 48 to 64, 80/20 about 20, 60/40 about 170.
        criterion
            What people judge by.

        Raises
        ------
        LogError
            Nothing varies so, no two results differ in it alone, or there are ratings of another question.
        """
        it = self.material()
        a, b = given.values_of(it, axis, a, b)
        if type(planned) is not int or planned < LEAST:
            raise LogError.of("study_planned", found=show(planned), least=LEAST)
        wanted: dict[str, Any] = {"axis": axis, "a": a, "b": b, "planned": planned}
        wanted["criterion"] = given.criterion_of(criterion)
        have = it.question
        if have is not None and {name: getattr(have, name) for name in wanted} == wanted:
            return
        if have is not None and standing(it.ratings):
            raise LogError.of("study_asked", **{name: getattr(have, name) for name in wanted})
        if not matched(it.results, axis, a, b):
            raise LogError.of("study_no_pairs", axis=axis, a=a, b=b)
        self.ws.log_store.comparisons.ask(self.id, **wanted)

    def next_pair(self, rater: str | None = None, *, aim: str = "question") -> Drawn | None:
        """Return the pair that a person rates next. None: they have seen all in this session.

        Parameters
        ----------
        rater
            Their name. None: you.
        aim
            ``"question"``: pairs that answer it. ``"overview"``: of any two settings. ``"best"``: of the
            leading setting with the one that is least surely behind it; it finds the best sooner, and says
            less of all others (`ranking` tells who is still in the running).

        Raises
        ------
        LogError
            There is no question yet, or no such aim.
        """
        it, who = self.material(), given.rater_named(rater)
        choices = given.offered(it, given.asked_of(it), aim)
        session = self._sessions.get(who, [])
        seen = [frozenset((one.left, one.right)) for one in session]
        last = session[-1].block if session else ""
        drawn = (draw(pairs, it.counted, who, seed=self.seed, session=seen, last=last) for pairs in choices)
        return next((one for one in drawn if one is not None), None)

    def rate(
        self, pair: Drawn, answer: str, *, criterion: str | None = None, names_visible: bool = False,
        seconds_shown: float | None = None, left_plays: int | None = None, right_plays: int | None = None,
    ) -> None:  # fmt: skip
        """Store what a person says of a pair that `next_pair` drew for them; again: in the place of that.

        Parameters
        ----------
        answer
            ``"left"``, ``"right"``, ``"tie"``, ``"both_bad"`` or ``"skip"``.
        criterion
            What it was judged by. None: the question's.
        names_visible
            The settings could be seen, so it is stored and never counts.
        seconds_shown, left_plays, right_plays
            How long the pair was shown, and how often each side was played. None: not known.

        Raises
        ------
        LogError
            It is no answer, no pair of this study, or a number is none.

        Examples
        --------
        >>> study = mw.Study(ws, run, name="hands")
        >>> study.ask("mode", "pro", "std", planned=8, criterion="hands")
        >>> study.rate(study.next_pair("ana"), "left", seconds_shown=6.5)
        >>> [(row.rater, row.choice) for row in study.ratings()]
        [('ana', 'left')]
        """
        it = self.material()
        asked = given.asked_of(it)
        given.check_rating(it, pair, answer, seconds_shown, (left_plays, right_plays))
        by = asked.criterion if criterion is None else given.criterion_of(criterion)
        session = self._sessions.setdefault(pair.rater, [])
        before = [
            row.id
            for row in standing(it.ratings, by)
            if pair in session and row.rater == pair.rater
            and (row.left_job_id, row.right_job_id, row.place) == (pair.left, pair.right, pair.place)
        ]  # fmt: skip
        self.ws.log_store.comparisons.add(
            study=self.id, criterion=by, rater=pair.rater, left_job_id=pair.left,
            right_job_id=pair.right, choice=answer, block=pair.block, round=pair.round, place=pair.place,
            seconds_shown=seconds_shown, left_plays=left_plays, right_plays=right_plays,
            names_visible=names_visible, seed=pair.seed, supersedes=before[-1] if before else None,
        )  # fmt: skip
        if pair not in session:
            session.append(pair)

    def undo(self, rater: str | None = None, *, names_visible: bool = False) -> bool:
        """Take back what a person said last; the log keeps both. False: there is nothing to take back.

        `names_visible`: only what was said with the settings in sight, and so nothing that counts.
        """
        who = given.rater_named(rater)
        all_ = standing(self.ratings(), blind=False)
        mine = [row for row in all_ if row.rater == who and (row.names_visible or not names_visible)]
        if not mine:
            return False
        self.ws.log_store.comparisons.take_back(mine[-1])
        session, pair = self._sessions.get(who, []), {mine[-1].left_job_id, mine[-1].right_job_id}
        if session and {session[-1].left, session[-1].right} == pair:
            session.pop()
        return True

    # Answers.

    @overload
    def answer(self, axis: str | None = None, a: str | None = None, b: str | None = None) -> Answer: ...
    @overload
    def answer(
        self, axis: str | None = None, a: str | None = None, b: str | None = None, *, by: str
    ) -> Difference: ...
    def answer(
        self, axis: str | None = None, a: str | None = None, b: str | None = None, *, by: str | None = None
    ) -> Answer | Difference:
        """Return the answer to the question; of another axis what was rated, for information.

        Parameters
        ----------
        axis
            None: the question's.
        a, b
            Two of its values. None: the question's, or the only two.
        by
            A measure of `fidelity`, such as ``"timing"``: by how much it differs within blocks, instead.

        Examples
        --------
        >>> study = mw.Study(ws, run, name="sharpness")
        >>> study.ask("mode", "pro", "std", planned=8, criterion="sharpness")
        >>> print(study.answer())
        Sandbox: Not decided yet: pro or std. 0 of 8 planned ratings; 0 of 8 rounds complete. ...
        """
        it = self.material()
        asked = it.question
        if axis is None:
            asked = given.asked_of(it)
            axis, a, b = asked.axis, a or asked.a, b or asked.b
        if by is not None:
            return difference(it, self.ws, axis, given.values_of(it, axis, a, b), by)
        if asked is not None and axis == asked.axis and {a or asked.a, b or asked.b} == {asked.a, asked.b}:
            return conclude.answer(it, asked)
        first, second = given.values_of(it, axis, a, b)
        return conclude.information(it, axis, first, second)

    def fidelity(
        self, *, executor: Executor | None = None, progress: Report | bool | None = None,
        direction: bool = False,
    ) -> pd.DataFrame:  # fmt: skip
        """Return how the motion of each result follows its clip: six kinds of measures, never added up.

        They are computed once (some 1 s a result) and kept in the log. Compare results of one ``block`` only,
        as ``answer(axis, by="timing")`` does; an absolute figure means little. Hands, faces and a still limb
        are not seen, and a mess that moves in time scores well.

        Parameters
        ----------
        executor
            Any `concurrent.futures.Executor` whose workers can read the files. None: threads.
        progress
            Called with (done, all) files. None: a bar in a notebook or terminal. False: nothing.
        direction
            Also measure which way things move; it needs OpenCV (``motion-widgets[flow]``).

        Returns
        -------
        pandas.DataFrame
            A row for each result: ``id``, ``block``, what varies, and ``timing`` (-1 to 1; from 0.8 it moves
            when the clip moves), ``lag_ms``, ``place`` (from 0.6 where it moves), ``amount``, ``still_tail``,
            ``blur``, ``sound`` and others: ``log/COLUMNS.md`` has unit, range and limits of each.
            ``remark``: why something is missing.

        Examples
        --------
        >>> "timing" in mw.Study(ws, run).fidelity(progress=False)
        True
        """
        return frame(self.material(), self.ws, executor, progress, direction=direction)

    def preference(self) -> pd.DataFrame:
        """Return how often one value is preferred to another, by axis: of pairs of any kind, by a model.

        The question's row is its own answer; all others are for information, with 99 % intervals.
        """
        return tables.preference(self.material())

    def ranking(self) -> pd.DataFrame:
        """Return the settings with their best possible rank; rank 1 is still in the running."""
        return tables.ranking(self.material())

    def costs(self) -> pd.DataFrame:
        """Return what each setting's results cost in USD, and how many are usable.

        ``excluded``: another setting costs no more a second and is surely better.
        """
        return tables.costs(self.material())

    def next_step(self) -> str:
        """Return what the next dollar and the next minute are best spent on."""
        return advice(self.material())

    def plot(self, kind: str = "preference") -> Drawing:
        """Return a plot; notebooks show it, and ``save("plot.svg")`` or ``.png`` writes it.

        Parameters
        ----------
        kind
            ``"preference"``: with intervals; ``"cost"``: against preference, with what is excluded;
            ``"waiting"``: how long results took; ``"motion"``: when and where it follows, by `fidelity`.
        """
        if kind == "motion":
            return plots.motion(self.material(), self.fidelity())
        if not isinstance(kind, str) or kind not in plots.PLOTS:
            raise LogError.of("plot_wrong", found=show(kind), known=", ".join([*plots.PLOTS, "motion"]))
        return plots.PLOTS[kind](self.material())

    def report(self, path: str | Path, *, montage: str | Path | None = None) -> Path:
        """Write question, answers, plots, costs, stills, failures and versions to one HTML file; return it.

        It opens anywhere, without a network, with what `fidelity` measured. Stills take 0.3 s a result.
        `montage`: a clip beside it that `mw.montage` wrote, to be linked.

        Raises
        ------
        LogError
            The file cannot be written.

        Examples
        --------
        >>> mw.Study(ws, run).report(folder / "report.html").name
        'report.html'
        """
        target = path_of(path, LogError)
        beside = path_of(montage, LogError) if montage is not None else None
        return write(target, page(self.material(), self.id, self.ws, target.parent, beside))

    def progress(self) -> Progress:
        """Return how many ratings are stored, and how many rounds are complete and planned."""
        it = self.material()
        return conclude.progress(it, given.asked_of(it))

    def __repr__(self) -> str:
        asked = self.question
        if asked is None:
            return f"<Study {self.id}: {say('study_no_question')}>"
        stored, rounds, planned = self.progress()
        said = say(
            "study_count", axis=asked.axis, a=asked.a, b=asked.b, criterion=asked.criterion,
            stored=stored, planned=asked.planned, rounds=rounds, all=planned,
        )  # fmt: skip
        return f"<Study {self.id}: {said}>"
