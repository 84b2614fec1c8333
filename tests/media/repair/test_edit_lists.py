"""What plays is what is kept: clips cut, trimmed and shifted by edit lists, as PyAV decodes them."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

import motion_widgets as mw
from tests.media.conftest import ffmpeg
from tests.media.edited import with_edits
from tests.media.numbered import numbered, numbers

FIRST, PRIMING = 0.08, 1024 / 48000
"""Seconds into their media at which picture (of B-frames) and sound begin."""
PITCHES = "sin(2*PI*(300+100*floor(t*5))*t)"
"""Sound that gets higher every 0.2 s."""
LISTS = {
    "a cut in the middle": {
        b"vide": [(0.6, FIRST + 0.2), (0.8, FIRST + 1.6)],
        b"soun": [(0.6, PRIMING + 0.2), (0.8, PRIMING + 1.6)],
    },
    "a part that comes twice": {
        b"vide": [(0.6, FIRST), (0.6, FIRST)],
        b"soun": [(0.6, PRIMING), (0.6, PRIMING)],
    },
    "three parts": {
        b"vide": [(0.4, FIRST), (0.4, FIRST + 1.0), (0.4, FIRST + 2)],
        b"soun": [(0.4, PRIMING), (0.4, PRIMING + 1.0), (0.4, PRIMING + 2)],
    },
    "trimmed on the phone": {b"vide": [(1.0, FIRST + 0.52)], b"soun": [(1.0, PRIMING + 0.52)]},
    "the end cut off": {b"vide": [(1.6, FIRST)], b"soun": [(1.6, PRIMING)]},
    "a late picture": {b"vide": [(0.4, None), (2.0, FIRST)], b"soun": [(2.4, PRIMING)]},
    "a late part": {b"vide": [(0.4, None), (1.0, FIRST + 0.6)], b"soun": [(1.4, PRIMING)]},
    "the sound cut": {b"vide": [(2.4, FIRST)], b"soun": [(1.2, PRIMING)]},
    "a start between frames": {b"vide": [(1.6, FIRST + 0.0001)], b"soun": [(1.6, PRIMING)]},
    "nothing cut": {b"vide": [(2.4, FIRST)], b"soun": [(2.4, PRIMING)]},
}
SHOWN = {
    "a cut in the middle": [*range(5, 20), *range(40, 60)],
    "a part that comes twice": [*range(15), *range(15)],
    "three parts": [*range(10), *range(25, 35), *range(50, 60)],
    "trimmed on the phone": list(range(13, 38)),
    "the end cut off": list(range(40)),
    "a late picture": [0] * 10 + list(range(50)),
    "a late part": [15] * 10 + list(range(15, 40)),
    "the sound cut": list(range(60)),
    "a start between frames": list(range(1, 41)),
    "nothing cut": list(range(60)),
}
"""The numbers of the frames by time; what comes late is held before it, so that the sound keeps its place."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """60 frames of 25 per second in one group of pictures, with sound."""
    folder = tmp_path_factory.mktemp("edits")
    silent, path = numbered(folder / "silent.mp4", 60, "25"), folder / "source.mp4"
    heard = ["-f", "lavfi", "-t", "2.4", "-i", f"aevalsrc='{PITCHES}':s=48000"]
    ffmpeg("-i", silent, *heard, "-map", 0, "-map", 1, "-c:v", "copy", "-c:a", "aac", path)
    return path.read_bytes()


def pitches(path) -> list[float]:
    """Return the pitch in Hz of every 0.1 s of the sound that PyAV decodes, 0 for silence."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        heard = np.zeros(rate * 4)
        end = 0
        for frame in container.decode(audio=0):
            at = max(0, round(frame.time * rate))
            piece = frame.to_ndarray().mean(axis=0)
            heard[at : at + len(piece)] = piece
            end = max(end, at + len(piece))
    step = rate // 10
    pieces = heard[: end // step * step].reshape(-1, step)
    found = np.abs(np.fft.rfft(pieces * np.hanning(step), axis=1))
    return [float(one.argmax()) * 10 if one.max() > 1 else 0.0 for one in found]


@pytest.mark.parametrize("name", LISTS)
def test_what_plays_is_what_is_kept(name, source, tmp_path, out):
    path = tmp_path / "edited.mp4"
    path.write_bytes(with_edits(source, LISTS[name]))
    shown = SHOWN[name]
    late = next((number for number, (one, other) in enumerate(pairwise(shown)) if one != other), 0)
    assert numbers(path) == shown[late:], "as PyAV decodes it"
    sound = pitches(path)
    for mend in ("mute_clip", "strip_clip", "convert_clip" if late else "trim_clip"):
        made = getattr(mw, mend)(path, to=out)
        assert numbers(made.source) == shown, mend
        for length in made.lengths:
            assert length == pytest.approx(len(shown) / 25, abs=0.045), mend
        if mend != "mute_clip":
            kept = pitches(made.source)
            same = [abs(one - other) <= 20 for one, other in zip(kept, sound, strict=False)]
            assert len(kept) >= len(sound) - 1, mend
            assert sum(same) >= len(same) - 2, (mend, kept, sound)  # where one piece holds two pitches


def test_a_part_behind_a_cut_is_found(source, tmp_path, out):
    path = tmp_path / "cut.mp4"
    path.write_bytes(with_edits(source, LISTS["a cut in the middle"]))
    assert numbers(mw.trim_clip(path, 0.8, to=out).source) == list(range(45, 60))
    assert numbers(mw.trim_clip(path, 0.4, length=0.4, to=out).source) == [*range(15, 20), *range(40, 45)]


def test_what_is_stored_as_it_plays_is_copied(source, tmp_path, out):
    path = tmp_path / "plain.mp4"
    path.write_bytes(source)
    for mend in ("mute_clip", "strip_clip"):
        with av.open(getattr(mw, mend)(path, to=out).source) as made, av.open(str(path)) as original:
            packets = [[bytes(one) for one in each.demux(video=0)] for each in (made, original)]
        assert packets[0] == packets[1], mend
