"""Jobs that may have been charged, above the log: ask the account, send again, or write off."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from motion_widgets.core.html import escape, isolate
from motion_widgets.core.messages import say
from motion_widgets.core.moments import day_words
from motion_widgets.core.money import total
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.row_text import cell_name, dotted, price
from motion_widgets.workspace.account_check import ask_account

if TYPE_CHECKING:
    import ipywidgets as w

    from motion_widgets.log.rows import JobRow
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.job_line import JobActions

__all__ = ["Undecided", "undecided"]

SHOWN = 3
"""Jobs that are decided on at once; the others follow."""
_READ = 100
"""Jobs that are looked at."""
_STEPS = ("ask", "resend", "write_off")


def undecided(panel: Panel) -> list[JobRow]:
    """Return this account's jobs of unknown outcome that a person can decide on, oldest first."""
    rows = panel.ws.log_store.jobs.rows(
        *panel.ws.connection.mine, jobs.c.state == State.UNKNOWN.value, limit=_READ
    )
    return [row for row in rows if row.undecided]


class Undecided(ui.Column):
    """Shows each such job with its held money; money moves only after a second click.

    Parameters
    ----------
    host
        The panel.
    actions
        Does what a button says, at the price that it names.
    """

    def __init__(self, host: Panel, actions: JobActions) -> None:
        super().__init__(cls="mw-undecided")
        self.host, self.actions = host, actions
        self.answers: dict[str, str] = {}
        """What the account said of a job."""
        self.asking: str | None = None
        """The job and the step that a person has to confirm."""
        self._head, self._more = ui.live_region(), ui.html()
        self._lines: list[_Line] = []
        """Made when they are needed, which is seldom."""
        self.children = (self._head, self._more)
        ui.show(self, visible=False)

    def draw(self, rows: list[JobRow]) -> None:
        """Show the jobs. Blocks, so the panel calls it while it refreshes."""
        drawn = [(row, self.actions.drawing(row).named) for row in rows[:SHOWN]]
        with self.host.lock:
            ui.show(self, rows)
            held = price(total(row.reserved for row in rows))
            head = f"<b>{escape(say('undecided_head', count=len(rows), price=held))}</b>" if rows else ""
            ui.speak(self._head, head)
            self._lines += [_Line(self) for _ in drawn[len(self._lines) :]]
            ui.assign(self, "children", (self._head, *self._lines, self._more))
            for number, line in enumerate(self._lines):
                row, named = drawn[number] if number < len(drawn) else (None, None)
                line.draw(row, "" if named is None else price(named.high_micro), alone=len(rows) == 1)
            more = len(rows) - SHOWN
            ui.show(self._more, more > 0)
            ui.assign(self._more, "value", escape(say("undecided_more", count=more)) if more > 0 else "")

    def step(self, row: JobRow, step: str) -> None:
        """Ask the account, which is free; or ask a person whether they are sure."""
        if step == "ask":
            self.answers[row.id] = say("undecided_asking")
            self.host.later(
                f"account {row.id}", partial(ask_account, self.host.ws, row), partial(self._answered, row.id),
                failed=partial(self._answered, row.id),
            )  # fmt: skip
        self.asking = None if step in ("ask", "no") else f"{step} {row.id}"
        self.host.later("undecided", lambda: self.draw(undecided(self.host)))

    def _answered(self, job_id: str, said: str) -> None:
        self.answers[job_id] = said
        self.host.later("undecided", lambda: self.draw(undecided(self.host)))

    def sure(self, row: JobRow, step: str) -> None:
        """Do it: a person clicked twice, the second time on the price."""
        self.asking = None
        self.answers.pop(row.id, None)
        self.actions.act(step, row.id)


class _Line(ui.Column):
    """One job and its buttons; made once, so that the focus stays."""

    def __init__(self, owner: Undecided) -> None:
        super().__init__(cls="mw-undecided-line")
        self._owner = owner
        self._row: JobRow | None = None
        self._text, self._said = ui.html(), ui.live_region()
        edge = owner.host.edge
        self._steps = [
            ui.button(edge, say(f"undecided_{step}"), partial(self._step, step)) for step in _STEPS
        ]
        self._yes = ui.button(edge, "", self._sure)
        self._no = ui.button(edge, say("cancel"), partial(self._step, "no"))
        buttons: list[w.Button] = [*self._steps, self._yes, self._no]
        self.children = (self._text, self._said, ui.flow(*buttons))

    def draw(self, row: JobRow | None, named: str, *, alone: bool) -> None:
        ui.show(self, row is not None)
        self._row = row
        if row is None:
            return
        reason = row.error_message or say("undecided_sent", when=day_words(row.sent or row.created))
        facts = dotted(cell_name(row), day_words(row.sent or row.created), row.id)
        one = "" if alone else f"<b>{escape(say('undecided_one', price=price(row.reserved)))}</b> "
        small = f'<span class="mw-small mw-muted">{isolate(facts)}</span>'
        ui.assign(self._text, "value", f"<div>{one}{isolate(reason)}<br>{small}</div>")
        asked = self._asked()
        sure = say(f"undecided_sure_{asked}", price=price(row.reserved)) if asked else ""
        ui.speak(self._said, escape(sure or self._owner.answers.get(row.id, "")))
        for step in self._steps:
            ui.show(step, not asked)
        for button in (self._yes, self._no):
            ui.show(button, asked)
        if asked:
            live = asked == "resend" and not row.sandbox
            money = price(row.reserved) if asked == "write_off" else named or say("action_no_price")
            yes = say("undecided_yes_resend_live", price=money) if live else ""
            ui.label_button(self._yes, yes or say(f"undecided_yes_{asked}", price=money), live=live)

    def _asked(self) -> str:
        """Return the step of this job that waits for a person's yes; ``""``: none does."""
        step, _, job_id = (self._owner.asking or "").partition(" ")
        return step if self._row is not None and job_id == self._row.id else ""

    def _step(self, step: str) -> None:
        if self._row is not None:
            self._owner.step(self._row, step)

    def _sure(self) -> None:
        asked = self._asked()
        if self._row is not None and asked:
            self._owner.sure(self._row, asked)
