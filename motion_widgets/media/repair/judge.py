"""Judge mends by the rules: which of them help with a finding, and which leave a file worse than it was.

There is a row per finding in `_for_clip` or `_for_image`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from motion_widgets.core.errors import ClipError, RequestError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.media.ffmpeg import MOST_PIXELS
from motion_widgets.media.probe.image import MOST_DECODED, decoded_sides
from motion_widgets.media.probe.sniff import file_type_of
from motion_widgets.media.repair.clips import COPIES
from motion_widgets.media.repair.images import sides_after
from motion_widgets.media.repair.operation import Operation
from motion_widgets.request.fields import ORIENTATIONS
from motion_widgets.request.findings import Finding
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_rules import check_clip, check_image
from motion_widgets.request.request import MotionRequest

__all__ = ["findings_of", "mends_for", "require_no_worse"]

SAFE = 0.1
"""Seconds by which a length stays within its limits: ordinary ways to cut exceed theirs by up to 0.031 s."""

_CUT = 0.2
"""Seconds left out on either side of a cut: where it lies is known to a sixth of a second."""
_COPYABLE = {"avc1", "avc3", "hvc1", "hev1", "mp4v", "av01"}
"""Codecs that can be copied into an mp4."""


def mends_for(
    finding: Finding,
    clip: Clip | ClipError | None = None,
    image: Image | ClipError | None = None,
    orientation: object = None,
    shots: Shots | None = None,
) -> list[Operation]:
    """Return the operations after which `check` no longer reports a finding, the best first.

    Parameters
    ----------
    finding
        What `check` reported.
    clip, image
        What was measured, or the error of measuring it.
    orientation
        The request's ``character_orientation``. None or invalid: ``"video"``, as in `check`.
    shots
        The clip's cuts, by which it is trimmed to its longest shot.

    Returns
    -------
    list of Operation
        For the file of `finding.field`, except that ``pair_aspect`` changes the clip. Empty if no operation
        can help, as with a clip that is cut off.

    Examples
    --------
    >>> clip, image = mw.measure_clip(samples.clip_12s), mw.measure_image(samples.image)
    >>> finding = mw.check(req, clip=clip, image=image)[0]
    >>> [operation.name for operation in mw.mends_for(finding, clip, image, "image")]
    ['trim_clip', 'trim_clip']
    """
    if not isinstance(finding, Finding):
        raise RequestError.of("not_a_finding", found=type(finding).__name__)
    if isinstance(clip, Clip) and clip.truncated:  # it cannot be read to its end
        clip = None
    if isinstance(image, Image) and image.truncated and finding.field == "image_url":
        return []
    if finding.code == "clip_cuts":
        return _longest_shot(clip, shots, orientation) if isinstance(clip, Clip) and shots else []
    if finding.field == "video_url":
        return _for_clip(finding.code, clip, orientation)
    if finding.code == "pair_aspect":
        low, high = LIMITS.image_aspect
        if clip is None or not isinstance(image, Image) or not low <= image.aspect <= high:
            return []  # an image out of range is mended first
        aspect = round(image.aspect, 4)
        return [Operation("fit_clip", {"aspect": aspect, "how": how}) for how in ("crop", "pad")]
    return _for_image(finding.code, image)


def _longest_shot(clip: Clip, shots: Shots, orientation: object) -> list[Operation]:
    """Keep the longest shot without its ends."""
    low, high = LIMITS.clip_length(orientation)
    ends = [-_CUT, *shots.cuts, (clip.video_length or clip.length) + _CUT]
    parts = [(round(end - at - 2 * _CUT, 1), round(at + _CUT, 1)) for at, end in pairwise(ends)]
    length, start = max(parts, key=lambda part: part[0])
    if length < low + SAFE:
        return []
    return [Operation("trim_clip", {"start": start, "length": min(length, round(high - SAFE, 3))})]


def _for_clip(code: str, clip: Clip | ClipError | None, orientation: object) -> list[Operation]:
    if isinstance(clip, ClipError):
        convertible = code == "wrong_format" and file_type_of(clip).demuxer
        return [Operation("convert_clip")] if convertible else []
    if clip is None:
        return []
    low, high = LIMITS.clip_length(orientation)
    shortest, longest = round(low + SAFE, 3), round(high - SAFE, 3)
    trims = [Operation("trim_clip", {"start": start, "length": longest}) for start in (0.0, "stillest")]
    hold = Operation("hold_clip", {"length": shortest})
    # If only the sound is too long, the stillest part of the picture is all of it.
    offered = trims if (clip.video_length or clip.length) > longest else trims[:1]
    # If the picture fits as it is, removing the sound keeps all of it.
    fits = low <= round(clip.video_length or 0.0, 6) <= high and clip.codec in _COPYABLE
    mute = [Operation("mute_clip")] if clip.has_audio and fits else []
    convert = [Operation("convert_clip")]
    mends = {
        "clip_long": [*offered, *mute],
        "clip_long_switch": [*offered, *mute],
        "clip_short": [hold],
        "clip_borderline": [*([hold] if clip.length < (low + high) / 2 else trims[:1]), *mute],
        "clip_sides": [Operation("scale_clip")],
        # One that is hours long would not get small enough; trimmed, it does.
        "clip_bytes": trims[:1] if clip.length > high + LIMITS.clip_tolerance else convert,
        "clip_format": convert,
        "clip_codec": convert,
        "clip_hdr": convert,
        "clip_turned": convert,
        "clip_interlaced": convert,
        "clip_location": [Operation("strip_clip")] if clip.codec in _COPYABLE else convert,
    }.get(code, [])
    too_large = clip.width * clip.height > MOST_PIXELS  # to be decoded
    return [mend for mend in mends if mend.name in COPIES or not too_large]


def _for_image(code: str, image: Image | ClipError | None) -> list[Operation]:
    if isinstance(image, ClipError):
        convertible = code == "not_image" and file_type_of(image).id == "heif"
        return [Operation("convert_image")] if convertible else []
    scale = Operation("scale_image", {"least": LIMITS.image_side_safe})
    mend = {
        "image_format": Operation("convert_image"),
        "image_bytes": Operation("shrink_image"),
        **dict.fromkeys(("image_small", "image_smallish", "image_large"), scale),
        "image_aspect": Operation("pad_image"),
        "image_location": Operation("strip_image"),
        "image_turned": Operation("turn_image"),
    }.get(code)
    return [mend] if mend and image and _helps(mend, code, image) else []


def _helps(mend: Operation, code: str, image: Image) -> bool:
    """Return whether a finding is gone after a mend, and no new error has come."""
    had = decoded_sides(image.width, image.height, image.format)
    width, height = sides_after(mend, *had)
    if max(width * height, had[0] * had[1]) > MOST_DECODED:
        return False
    after = replace(
        image, width=width, height=height, size=None, format="png", rotated=False,
        has_location=image.has_location and mend.name == "turn_image",
    )  # fmt: skip
    left = {found for _, found in findings_of(after)}
    worse = findings_of(after, only_errors=True).keys() - findings_of(image, only_errors=True).keys()
    return code not in left and not worse


_ASKED = {"trim_clip": {"clip_short"}, "hold_clip": {"clip_long"}, "pad_image": {"image_aspect"}}
"""What a person may choose by an operation's parameters: a part of a second, a strip."""


def findings_of(fact: Clip | Image, *, only_errors: bool = False) -> dict[tuple[str, str], str]:
    """Return what all rules say of a clip (for each orientation) or an image: sentences by code."""
    if isinstance(fact, Image):
        found = [("", one) for one in check_image(fact)]
    else:
        found = [
            (orientation, one)
            for orientation in ORIENTATIONS
            for one in check_clip(MotionRequest(character_orientation=orientation), fact)
        ]
    return {
        (where, one.code.removesuffix("_switch")): one.message
        for where, one in found
        if one.severity == "error" or not only_errors
    }


def require_no_worse(operation: Operation, before: Clip | Image | ClipError, after: Clip | Image) -> None:
    """Raise ClipError if a file that was allowed would be refused after an operation.

    Raises
    ------
    ClipError
        ``mend_worse``.
    """
    if isinstance(before, ClipError):  # it was refused already
        return
    known, asked = findings_of(before, only_errors=True), _ASKED.get(operation.name, set())
    for (where, code), message in findings_of(after, only_errors=True).items():
        if (where, code) not in known and code not in asked:
            raise ClipError.of("mend_worse", name=before.name, reason=message)
