"""The rules by which `check` judges a request, all of them at once.

It accepts any draft, touches neither disk nor network, and changes nothing. The limits are in
`limits`, the sentences in `core/messages`, the rules for clips and images in `media_rules`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.core.hosts import host_of, is_private
from motion_widgets.core.messages import say
from motion_widgets.request.fields import FIELD, FIELDS, Field
from motion_widgets.request.findings import SEVERITIES, Finding, Findings, Fix, find, fix, show, wrong_type
from motion_widgets.request.limits import LIMITS, LONGEST_TEXT
from motion_widgets.request.media_rules import check_clip, check_image, check_media, check_pair, check_shots
from motion_widgets.request.request import MotionRequest, require_request

__all__ = ["check"]


def check(
    req: MotionRequest,
    *,
    clip: Clip | ClipError | None = None,
    image: Image | ClipError | None = None,
    live: bool = False,
    shots: Shots | None = None,
) -> Findings:
    """Return everything that is wrong, doubtful or worth knowing about a draft.

    Parameters
    ----------
    req
        Any draft.
    clip, image
        What was measured, or the error of measuring it. None: the `Clip` or `Image` that is the request's
        own `video_url` or `image_url`; if it is neither, there is a warning.
    live
        Judge for the live endpoint, which can only fetch public links.
    shots
        The clip's cuts and camera movement, for hints. None: unknown.

    Returns
    -------
    Findings
        A list: errors first, then warnings, then hints; of equal severity in the order of the form.

    Raises
    ------
    RequestError
        `req` is not a request, such as the body of one.

    Examples
    --------
    >>> clip, image = mw.measure_clip(samples.clip_12s), mw.measure_image(samples.image)
    >>> [finding.code for finding in mw.check(req, clip=clip, image=image)]
    ['clip_long_switch']
    """
    require_request(req)
    if not isinstance(clip, Clip | ClipError):
        clip = req.video_url if isinstance(req.video_url, Clip) else None
    if not isinstance(image, Image | ClipError):
        image = req.image_url if isinstance(req.image_url, Image) else None
    found = [
        *check_media("image_url", req.image_url, image, live=live),
        *check_image(image),
        *check_media("video_url", req.video_url, clip, live=live),
        *check_clip(req, clip),
        *_check_fields(req),
        *check_pair(image, clip),
        *check_shots(shots),
    ]
    return Findings(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _check_fields(req: MotionRequest) -> Iterator[Finding]:
    """Judge each field that is not media, by a rule of its own or by its choices."""
    for field in FIELDS:
        value = getattr(req, field.name)
        if field.name in _OWN_RULES:
            yield from _OWN_RULES[field.name](value)
        elif field.kind == "choice":
            yield from _check_choice(field, value)


def _unset(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _check_choice(field: Field, value: object) -> Iterator[Finding]:
    where, allowed = field.name, field.choices
    choices = ", ".join(allowed)
    if value is None and not field.required:
        return
    if _unset(value):
        yield find(where, "error", "missing_choice", name=where, choices=choices)
    elif not isinstance(value, str):
        yield wrong_type(where, value, choices)
    elif value not in allowed:
        near = value[:80].strip().lower()
        close = [near] if near in allowed else difflib.get_close_matches(near, allowed, n=1, cutoff=0.6)
        fixes = tuple(fix("fix_use", {where: one}, value=one) for one in close)
        yield find(
            where, "error", "wrong_choice", name=where, found=show(value), choices=choices, fixes=fixes
        )


def _check_prompt(prompt: object) -> Iterator[Finding]:
    if _unset(prompt):
        return
    if not isinstance(prompt, str):
        yield wrong_type("prompt", prompt, say("a_text"))
        return
    limit, count = LIMITS.prompt_characters, len(prompt)
    if count > LONGEST_TEXT:
        cut = fix("fix_cut_prompt", {"prompt": prompt[:limit]}, limit=limit)
        yield find("prompt", "error", "text_long", what=say("the_prompt"), limit=LONGEST_TEXT, fixes=(cut,))
        return
    if count > limit:
        cut = fix("fix_cut_prompt", {"prompt": prompt[:limit]}, limit=limit)
        yield find(
            "prompt", "error", "prompt_long", count=count, limit=limit, over=count - limit, fixes=(cut,)
        )
    # Pairs of surrogates, as JavaScript writes them, become their character again.
    mended = prompt.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    if mended != prompt:
        yield find(
            "prompt", "error", "prompt_surrogate", fixes=(fix("fix_drop_characters", {"prompt": mended}),)
        )
    if not prompt.strip():
        yield find("prompt", "hint", "prompt_blank", fixes=(fix("fix_no_prompt", {"prompt": None}),))


def _check_sound(sound: object) -> Iterator[Finding]:
    if isinstance(sound, bool):
        word = "yes" if sound else "no"
        use = fix("fix_use", {"keep_original_sound": word}, value=word)
        yield find("keep_original_sound", "error", "sound_boolean", found=sound, value=word, fixes=(use,))
    else:
        yield from _check_choice(FIELD["keep_original_sound"], sound)


def _is_watermark(value: object) -> bool:
    try:
        return isinstance(value, Mapping) and set(value) == {"enabled"} and isinstance(value["enabled"], bool)
    except Exception:  # noqa: BLE001 - a draft's own mapping may be broken
        return False


def _check_watermark(watermark: object) -> Iterator[Finding]:
    if watermark is None or _is_watermark(watermark):
        return
    fixes: tuple[Fix, ...] = ()
    if isinstance(watermark, bool):
        fixes = (fix("fix_watermark", {"watermark_info": {"enabled": watermark}}),)
    yield find("watermark_info", "error", "watermark_shape", found=show(watermark), fixes=fixes)


def _check_webhook(webhook: object) -> Iterator[Finding]:
    if _unset(webhook):
        return
    if not isinstance(webhook, str):
        yield wrong_type("webhook", webhook, say("a_link"))
        return
    if len(webhook) > LONGEST_TEXT:
        yield find("webhook", "error", "text_long", what=say("the_webhook"), limit=LONGEST_TEXT)
        return
    parts = host_of(webhook)
    if parts is None or parts[1] not in (None, 80, 443):
        yield find("webhook", "error", "webhook_wrong", found=show(webhook))
    elif is_private(parts[0]):
        yield find("webhook", "warning", "webhook_private", host=parts[0])


_OWN_RULES: dict[str, Callable[[Any], Iterator[Finding]]] = {
    "prompt": _check_prompt,
    "keep_original_sound": _check_sound,
    "watermark_info": _check_watermark,
    "webhook": _check_webhook,
}
"""By field, the rule that knows more than its row of the table."""
