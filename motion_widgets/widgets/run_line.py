"""The line above the matrix: how many cells a plan has and what they cost, or how its run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_usd
from motion_widgets.sweep.fractional_design import estimable_by
from motion_widgets.sweep.progress import span
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.sweep_cells import is_unfilled

if TYPE_CHECKING:
    from collections.abc import Collection

    from motion_widgets.sweep import Plan
    from motion_widgets.sweep.progress import Outlook

__all__ = ["fraction_html", "plan_line", "run_line"]

_TIMES = " \u00d7 "


def plan_line(plan: Plan) -> str:
    """Return the axes multiplied, the price of what is new, and how many cells cannot run."""
    parts = [f"<b>{escape(product(plan))}</b>"]
    if is_unfilled(plan):
        return f'<div class="mw-sum"><span>{parts[0]}</span><span>{escape(say("line_unfilled"))}</span></div>'
    parts.append(f"<b>{escape(str(plan.cost))}</b>")
    new = sum(cell.status == "new" for cell in plan.cells)
    if new != len(plan.cells):
        parts.append(escape(say("line_new", count=new)))
    invalid = sum(cell.status == "invalid" for cell in plan.cells)
    if invalid:
        parts.append(f'<span class="mw-cannot">{escape(say("line_invalid", count=invalid))}</span>')
    return f'<div class="mw-sum">{"".join(f"<span>{one}</span>" for one in parts)}</div>'


def product(plan: Plan) -> str:
    """Return how a plan's cells come about: the lengths of its axes, and their product."""
    sizes = [len(values) for values in plan.sweep.axes.values() if len(values) > 1]
    made = say("line_cells", count=len(plan.cells))
    return f"{_TIMES.join(map(str, sizes))} = {made}" if len(sizes) > 1 else made


def run_line(outlook: Outlook, plan: Plan | None) -> str:
    """Return how many cells are where, what was spent and is held of the budget, and what is left to wait.

    `plan` is the plan that holds the run. None: there is none.
    """
    whole = f"<span><b>{escape(product(plan))}</b></span>" if plan is not None else ""
    money = _money(outlook)
    line = (
        f"{whole}<span>{escape(_counts(outlook))}</span>{_meter(outlook, money)}<span>{escape(money)}</span>"
    )
    left = _left(outlook)
    line += f'<span class="mw-muted">{escape(left)}</span>' if left else ""
    held = ui.note(outlook.held, kind="warning") if outlook.held else ""
    return f'<div class="mw-sum">{line}</div>{held}'


def fraction_html(plan: Plan, keys: Collection[str]) -> str:
    """Return what a run of only some of a plan's cells can tell, with the details folded."""
    at = [place for place, cell in enumerate(plan.cells) if cell.key in keys]
    told = estimable_by(plan.cells, plan.sweep.axes, at)
    head = say("line_balanced" if told.balanced else "line_fraction", count=len(at), all=len(plan.cells))
    said = say(
        "line_tells_all"
        if told.mains and told.pairs
        else "line_tells_mains"
        if told.mains
        else "line_tells_none"
    )
    return f'<div class="mw-tells">{escape(head)} {escape(said)} {ui.folded(told.details)}</div>'


def _counts(outlook: Outlook) -> str:
    counts = [
        ("line_done", outlook.done), ("line_running", outlook.running), ("line_waiting", outlook.waiting),
        ("line_failed", outlook.failed), ("line_unknown", outlook.unknown),
    ]  # fmt: skip
    told = " \u00b7 ".join(say(code, count=count) for code, count in counts if count)
    return say("line_run", count=outlook.cells, counts=told)


def _money(outlook: Outlook) -> str:
    spent, held = format_usd(outlook.used - outlook.reserved), format_usd(outlook.reserved)
    code = "line_spent_held" if outlook.reserved else "line_spent"
    said = say(code, spent=spent, held=held)
    return said if outlook.limit is None else say("line_of", spent=said, limit=format_left(outlook.limit))


def _meter(outlook: Outlook, money: str) -> str:
    """Return a bar of what was spent and what is held; of cells where there is no budget."""
    if outlook.limit:
        whole, parts = outlook.limit, (outlook.used - outlook.reserved, outlook.reserved)
    else:
        whole, parts = float(outlook.cells or 1), (float(outlook.done), float(outlook.running))
    widths = [min(max(one / whole, 0.0), 1.0) * 100 for one in parts]
    bars = "".join(f'<i style="width:{one:.1f}%"></i>' for one in widths)
    return f'<span class="mw-meter" role="img" aria-label="{escape(money)}">{bars}</span>'


def _left(outlook: Outlook) -> str:
    if outlook.left is not None:
        low, high = outlook.left
        return say("matrix_left", about=f"\u2248 {span((low + high) / 2)}")
    return say("board_left_unknown") if outlook.moving else ""
