"""Rating pairs of results blind: one pair after the other, each answer stored at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.log.names import current_person
from motion_widgets.study.pairs import matched
from motion_widgets.study.ratings import standing
from motion_widgets.study.results import varying
from motion_widgets.study.study import Study
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_value, axis_word
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.blind_files import BlindFiles
from motion_widgets.widgets.pair_player import PairPlayer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from motion_widgets.log.rows import ComparisonRow
    from motion_widgets.study.conclude import Progress
    from motion_widgets.study.pairs import Drawn
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["RatingView"]

USUAL = ("mode", "character_orientation", "model")
"""What is asked about most, and so offered first."""


@dataclass(frozen=True)
class _Scene:
    """What the view shows next: practice, a pair, or what is said between rounds."""

    progress: Progress
    drawn: Drawn | None = None
    practice: bool = False
    clips: Mapping[str, Path | None] = field(default_factory=dict)
    """By the side on which they are shown, the motion clip's among them. Empty: nothing is."""
    said: str = ""
    """HTML."""
    more: bool = False
    """Whether a further round is offered."""


class RatingView(Panel):
    """Puts the pairs of a study to a person, blind, and stores each answer at once.

    Parameters
    ----------
    study
        The study. Where nobody asked its question yet, the view begins with that.

    Examples
    --------
    >>> view = mw.RatingView(mw.Study(ws, run))
    """

    def __init__(self, study: Study, *, watch: bool = True) -> None:
        if not isinstance(study, Study):
            raise RequestError.of("not_a_study", found=type(study).__name__)
        super().__init__(cast("Workspace", study.ws), watch=watch)
        self.study = study
        self._files = BlindFiles(self.ws)
        self._drawn: Drawn | None = None
        self._serial = 0
        self._practised = False
        self._revealed: set[str] = set()
        """Who has seen the settings."""
        self._shown: dict[str, str] = {}
        """The paths of the pair that is shown, the motion clip's among them."""
        self._at_round = -1
        """Rounds that were complete when the last pair was drawn; -1: not known yet."""
        self.rater = ui.control(w.Text, say("rating_who"), value=current_person(), continuous_update=False)
        self.motion = ui.check_box(say("rating_motion"), width="auto")
        self.count = ui.live_region()
        self.hint = ui.live_region()
        self.player = PairPlayer(on_answer=self._answered, on_undo=self._undo, read=self._files.read)
        self.question = ui.control(w.Dropdown, say("rating_ask_axis"))
        self.planned = ui.control(w.Text, say("rating_ask_planned"), value="48")
        self.criterion = ui.control(w.Text, say("rating_ask_criterion"), value="overall")
        ask = ui.button(self.edge, say("rating_ask_go"), self._ask, cls="mw-primary")
        why = f"<h3>{escape(say('rating_ask_head'))}</h3>{ui.note(say('rating_ask_why'))}"
        self._form = ui.Column(ui.html(why), self.question, self.criterion, self.planned, ask, cls="mw-card")
        self._none = ui.html(ui.note(say("rating_nothing")))
        self.said = ui.html(cls="mw-place")
        self.go_on = ui.button(self.edge, "", self._next, cls="mw-primary")
        self.reveal = ui.button(self.edge, say("rating_reveal"), self._reveal)
        self._warning = ui.html(
            f'<span class="mw-muted mw-small">{escape(say("rating_reveal_warns"))}</span>'
        )
        self._between = ui.Column(self.said, ui.flow(self.go_on, self.reveal), self._warning, cls="mw-card")
        head = ui.flow(self.rater, self.motion)
        self._rating = ui.Column(
            head, self.count, self.hint, self.player, self._between, cls="mw-stack-small"
        )
        self.fill(ui.Column(self.notice, self._none, self._form, self._rating, cls="mw-body"))
        self.rater.observe(self.edge.guard(lambda _: self._another_rater()), "value")
        self.motion.observe(self.edge.guard(lambda _: self._show_pair()), "value")
        self._show_only()
        self.later("open", self._begin, lambda _: None)
        self.watch()

    def _show_only(self, *shown: w.Widget) -> None:
        for one in (self._none, self._form, self._rating):
            ui.show(one, one in shown)

    # The question.

    def _begin(self) -> None:
        if self.study.question is not None:
            self._next()
            return
        results = self.study.material().results
        options = [
            (_words(axis, a, b), (axis, a, b))
            for axis, values in sorted(varying(results).items(), key=lambda one: one[0] not in USUAL)
            for a, b in combinations(values, 2)
            if matched(results, axis, a, b)
        ]
        with self.lock:
            self.question.options = options
            if options:
                self.question.value = options[0][1]
            self._show_only(self._form if options else self._none)

    def _ask(self) -> None:
        if self.question.value is None:
            return
        axis, a, b = self.question.value
        planned, criterion = ui.typed(self.planned.value).strip(), ui.typed(self.criterion.value)
        number: Any = int(planned) if planned.isdecimal() and len(planned) < 7 else planned
        self.later(
            "ask",
            lambda: self.study.ask(axis, a, b, planned=number, criterion=criterion),
            lambda _: self._next(),
        )

    # One pair after the other.

    @property
    def _who(self) -> str:
        return ui.typed(self.rater.value).strip() or current_person()

    def _another_rater(self) -> None:
        self._practised = False
        self._next()

    def _next(self) -> None:
        self.announce("")
        self.later("next", self._upcoming, self._draw)

    def _upcoming(self) -> _Scene | None:
        """Return what is shown next: a pair, or at a round's end what is known by then."""
        who, study = self._who, self.study
        if study.question is None:
            return None
        progress = study.progress()
        ended, over = self._at_round not in (-1, progress.rounds), progress.rounds >= progress.planned
        fresh = not self._practised and not any(row.rater == who for row in study.ratings())
        if fresh and not over:
            samples = self.ws.samples()
            clips = {"left": samples.clip_12s, "right": samples.clip_6s}
            return _Scene(progress, practice=True, clips=clips)
        drawn = None if ended or over else study.next_pair(who)
        if drawn is not None:
            return _Scene(progress, drawn, clips=self._clips(drawn))
        said = self._between_rounds(progress, seen_all=not ended)
        return _Scene(progress, said=said, more=ended and not over)

    def _clips(self, drawn: Drawn) -> dict[str, Path | None]:
        """Return the files of a pair, which may have to be fetched."""
        rows = {row.id: row for row in self.study.rows()}
        left, right = (self.ws.result_of(rows[job_id]) for job_id in (drawn.left, drawn.right))
        clip = rows[drawn.left].clip_path
        return {"left": left, "right": right, "motion": self.ws.folder / clip if clip else None}

    def _draw(self, scene: _Scene | None) -> None:
        if scene is None:
            return
        self._shown = self._files.lay_out(**scene.clips)
        self._at_round, self._drawn = scene.progress.rounds, scene.drawn
        self._serial += 1
        self._show_only(self._rating)
        self._show_pair()
        self._draw_count(scene.progress)
        ui.speak(self.hint, ui.note(say("rating_practice")) if scene.practice else "")
        ui.assign(self.said, "value", scene.said)
        ui.show(self._between, scene.said)
        ui.show(self.go_on, scene.more)
        ui.label_button(self.go_on, say("rating_go_on", round=scene.progress.rounds + 1))
        for one in (self.reveal, self._warning):
            ui.show(one, visible=True)
        self.focus(self._between if scene.said else self.player)

    def _show_pair(self) -> None:
        shown = dict(self._shown)
        if not self.motion.value:
            shown.pop("motion", None)
        ui.assign(self.player, "pair", {"serial": self._serial, **shown} if shown else {})
        ui.show(self.player, shown)

    def _draw_count(self, progress: Progress) -> None:
        asked = self.study.question
        code = "rating_count_done" if progress.rounds >= progress.planned else "rating_count"
        words = say(
            code, stored=progress.stored, round=progress.rounds + 1, planned=progress.planned,
            criterion=asked.criterion if asked is not None else "",
        )  # fmt: skip
        ui.speak(self.count, escape(words), cls="mw-muted")

    def _between_rounds(self, progress: Progress, *, seen_all: bool) -> str:
        if progress.rounds >= progress.planned:
            head = say("rating_over")
        else:
            head = (
                say("rating_seen_all")
                if seen_all
                else say("rating_round_over", round=progress.rounds, planned=progress.planned)
            )
        answer = self.study.answer()._repr_html_()
        return f"<h3>{escape(head)}</h3>{answer}"

    # What a person says.

    def _answered(self, serial: int, choice: str, seconds: float, plays: int) -> None:
        with self.lock:
            if serial != self._serial or self.closed:
                return
            drawn, self._drawn = self._drawn, None
            self._serial += 1  # a second answer to the same pair is none
            self._practised = True
        if drawn is None:  # it was practice
            self._next()
            return
        store = partial(
            self.study.rate, drawn, choice, names_visible=drawn.rater in self._revealed,
            seconds_shown=seconds, left_plays=plays, right_plays=plays,
        )  # fmt: skip
        self.later("rate", store, lambda _: self._next(), failed=self._not_stored, in_turn=True)

    def _not_stored(self, why: str) -> None:
        """Show why an answer was not stored, and ask for it again."""
        self._next()
        self.announce(why, bad=True)

    def _undo(self) -> None:
        who = self._who
        seen = who in self._revealed

        def told(undone: bool) -> None:
            self._at_round = -1
            self._next()
            none = "rating_undo_seen" if seen else "rating_undo_none"
            self.announce(say("rating_undone" if undone else none))

        undo = partial(self.study.undo, who, names_visible=seen)
        self.later("rate", undo, told, in_turn=True)  # of what is stored by then

    def _reveal(self) -> None:
        who = self._who
        self._revealed.add(who)

        def take(text: str) -> None:
            for one in (self.reveal, self._warning):
                ui.show(one, visible=False)
            ui.assign(self.said, "value", self.said.value + text)

        self.later("reveal", partial(self._rated_by, who), take)

    def _rated_by(self, who: str) -> str:
        """Return what a person rated, with the settings that they did not see."""
        settings = {one.id: one.settings for one in self.study.material().results}
        asked = self.study.question
        mine = [row for row in standing(self.study.ratings()) if row.rater == who]
        lines = "".join(
            f"<li>{escape(_line(row, settings, asked.axis if asked else ''))}</li>" for row in mine
        )
        return f"<ol>{lines}</ol>{ui.note(say('rating_revealed'), kind='warning')}"

    def refresh(self) -> None:
        """Draw the count of what is stored, by whomever."""
        if self.study.question is not None:
            progress = self.study.progress()
            with self.lock:
                self._draw_count(progress)

    def close(self) -> None:
        """Take the view from the page; what was rated is stored."""
        self.player.close()
        super().close()
        with self.lock:  # a pair that is being laid out goes as well
            self._files.close()


def _words(axis: str, a: str, b: str) -> str:
    return say("rating_ask_option", axis=axis_word(axis), a=axis_value(axis, a), b=axis_value(axis, b))


def _line(row: ComparisonRow, settings: dict[str, dict[str, str]], axis: str) -> str:
    left, right = (
        settings.get(job_id, {}).get(axis, "\u2013") for job_id in (row.left_job_id, row.right_job_id)
    )
    return say("rating_reveal_pair", left=left, right=right, choice=say(f"rating_choice_{row.choice}"))
