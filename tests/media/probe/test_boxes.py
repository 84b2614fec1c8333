"""Hostile headers: whatever the bytes are, the answer is a Clip or a ClipError, and soon."""

from __future__ import annotations

import contextlib
import os
import random
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.boxes import BoxError, boxes, u32
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.core.facts import Clip

FAST = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@cache
def headers(paths: tuple[Path, ...]) -> list[bytes]:
    """The files without most of their media, so that a mutation hits the header."""
    out = []
    for path in paths:
        data = path.read_bytes()
        at, end = data.index(b"mdat") + 4, data.rindex(b"moov")
        out.append(data if at > end else data[: at - 8] + data[end - 4 :])
    return out


def tried(data: bytes) -> Clip | None:
    with contextlib.suppress(ClipError):
        return measure_clip(data, confirm=False)
    return None


def some(clips):
    return headers(tuple(clips[name] for name in ("front", "end", "mov", "frag", "sidx")))


@FAST
@given(st.data())
def test_mutated_headers(clips, data):
    base = bytearray(data.draw(st.sampled_from(some(clips))))
    span = min(len(base), 6000)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, span - 9))
        piece = data.draw(
            st.sampled_from(
                [b"\xff" * 4, b"\0" * 4, b"\0\0\0\1", b"\x7f\xff\xff\xff", b"\xff" * 8, b"free", b"trak"]
            )
            | st.binary(min_size=1, max_size=8)
        )
        base[at : at + len(piece)] = piece
    tried(bytes(base[: data.draw(st.integers(1, len(base)))]) if data.draw(st.booleans()) else bytes(base))


@FAST
@given(st.data())
def test_mutated_words(clips, data):
    """Sizes and counts are words beside a box's name: hit exactly those."""
    base = bytearray(data.draw(st.sampled_from(some(clips))))
    names = [
        b"moov",
        b"mvhd",
        b"trak",
        b"tkhd",
        b"elst",
        b"mdhd",
        b"hdlr",
        b"stsd",
        b"stts",
        b"ctts",
        b"avc1",
    ]
    names += [b"trex", b"moof", b"tfhd", b"tfdt", b"trun", b"sidx", b"mp4a"]
    name = data.draw(st.sampled_from([name for name in names if name in base]))
    at = base.index(name) + data.draw(st.sampled_from([-4, 4, 8, 12, 16, 20, 24, 28]))
    if at >= 0:
        base[at : at + 4] = data.draw(st.integers(0, 2**32 - 1)).to_bytes(4, "big")
    tried(bytes(base))


@FAST
@given(st.binary(max_size=200))
def test_any_bytes(tail):
    tried(b"\0\0\0\x10ftypisom\0\0\0\0" + tail)
    tried(tail)


def test_deep_nesting_and_many_boxes():
    deep = b""
    for _ in range(20_000):
        deep = (len(deep) + 8).to_bytes(4, "big") + b"trak" + deep if len(deep) < 100_000 else deep
    many = b"\0\0\0\x08free" * 300_000
    for payload in (deep, many, b"\0\0\0\x08trak" * 100):
        moov = (len(payload) + 8).to_bytes(4, "big") + b"moov" + payload
        assert tried(b"\0\0\0\x10ftypisom\0\0\0\0" + moov) is None
    assert tried(b"\0\0\0\x10ftypisom\0\0\0\0" + many) is None


def test_header_of_4_gb_is_refused(tmp_path):
    path = tmp_path / "x.mp4"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x10ftypisom\0\0\0\0" + (4_000_000_000).to_bytes(4, "big") + b"moov")
        file.truncate(4_000_000_016)
    with pytest.raises(ClipError) as caught:
        measure_clip(path)
    assert caught.value.code == "header_large"


def test_random_noise_behind_a_good_header_is_ignored(clips):
    noise = random.Random(1).randbytes(500)
    assert measure_clip(clips["front"].read_bytes() + noise, confirm=False).length == pytest.approx(
        6, abs=0.05
    )


def test_boxes_refuse_what_reaches_too_far():
    with pytest.raises(BoxError):
        list(boxes(b"\0\0\0\x20free" + bytes(8)))
    with pytest.raises(BoxError):
        u32(b"abc", 0)
    assert [b.kind for b in boxes(b"\0\0\0\0free" + os.urandom(9))] == [b"free"]
