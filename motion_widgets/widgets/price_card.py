"""What the form says beside its button, as HTML: the price, and whether the request can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.facts import Clip
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.widgets.controls import note, status

if TYPE_CHECKING:
    from motion_widgets.core.errors import ClipError
    from motion_widgets.request.price import Estimate

__all__ = ["price_html", "summary_html"]


def price_html(price: Estimate | None, clip: Clip | ClipError | None) -> str:
    """Show what a request costs and how that was reckoned. None: there is no price."""
    shown, how = "\u2013", say("price_none")
    if price is not None:
        shown = str(price) if not price.length_unknown else say("price_up_to", high=price.high)
        code = "price_unknown" if price.length_unknown else "price_how"
        length = clip.length if isinstance(clip, Clip) else 0.0
        how = say(
            code, length=length, rate=price.per_second, date=price.prices_date, seconds=price.seconds_high
        )
    return (
        f'<div class="mw-muted">{escape(say("price_title"))}</div><div class="mw-price">{escape(shown)}</div>'
        f'<div class="mw-muted mw-small">{escape(how)}</div>'
    )


def summary_html(errors: int, warnings: int, *, measuring: bool, asked: bool) -> str:
    """Return whether the request can go, by how much was found; `asked`: a consent is missing."""
    if measuring:
        said = note(say("measuring"))
    elif errors:
        count = say("summary_error" if errors == 1 else "summary_errors", count=errors)
        said = note(say("summary_stop"), count, kind="error")
    elif asked:
        said = note(say("summary_agree"), kind="warning")
    elif warnings:
        count = say("summary_warning" if warnings == 1 else "summary_warnings", count=warnings)
        said = note(say("summary_go"), count, kind="warning")
    else:
        said = note(say("summary_ok"), kind="ok")
    return status(said)
