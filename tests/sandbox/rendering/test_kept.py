"""Results that are kept: drawn once, whoever asks, and within bounds."""

from __future__ import annotations

import os
import threading

import pytest

from motion_widgets.sandbox.rendering.kept import KeptResults, content_key


def writer(target, content, calls):
    def draw():
        calls.append(target.name)
        target.write_bytes(content)

    return draw


def test_what_is_asked_again_is_not_drawn_again(tmp_path):
    kept, calls = KeptResults(tmp_path / "kept"), []
    for name in ("a", "b"):
        kept.write("key", tmp_path / name, writer(tmp_path / name, b"mp4", calls))
    kept.write("other", tmp_path / "c", writer(tmp_path / "c", b"else", calls))
    assert calls == ["a", "c"]
    assert (tmp_path / "b").read_bytes() == b"mp4"


def test_two_at_once_draw_once(tmp_path):
    kept, calls, begun, go_on = KeptResults(tmp_path / "kept"), [], threading.Event(), threading.Event()

    def slow():
        calls.append("first")
        begun.set()
        assert go_on.wait(30)
        (tmp_path / "first").write_bytes(b"mp4")

    first = threading.Thread(target=kept.write, args=("key", tmp_path / "first", slow))
    again = writer(tmp_path / "second", b"mp4", calls)
    second = threading.Thread(target=kept.write, args=("key", tmp_path / "second", again))
    first.start()
    assert begun.wait(30)
    second.start()
    go_on.set()
    first.join(30)
    second.join(30)
    assert calls == ["first"]
    assert (tmp_path / "second").read_bytes() == b"mp4"


def test_what_failed_is_tried_again(tmp_path):
    kept, calls, target = KeptResults(tmp_path / "kept"), [], tmp_path / "a"

    def broken():
        target.write_bytes(b"half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        kept.write("key", target, broken)
    kept.write("key", target, writer(target, b"whole", calls))
    assert calls == ["a"]
    assert target.read_bytes() == b"whole"


def test_the_oldest_go_when_there_is_too_much(tmp_path):
    kept, calls, target = KeptResults(tmp_path / "kept", most=10), [], tmp_path / "a"
    for key in ("one", "two", "one", "three", "one", "two"):
        kept.write(key, target, writer(target, b"1234", calls))
        for one in (tmp_path / "kept").iterdir():  # a disk's clock may tick in longer steps than these
            age = one.stat().st_mtime_ns - 10**9
            os.utime(one, ns=(age, age))
    assert len(calls) == 4, "two went when three came; one, just used, did not"


def test_another_process_finds_them_and_a_folder_that_takes_none_does_no_harm(tmp_path):
    calls, target = [], tmp_path / "a"
    for _ in range(2):
        KeptResults(tmp_path / "kept").write("key", target, writer(target, b"mp4", calls))
    assert [one.name for one in (tmp_path / "kept").iterdir()] == ["key.mp4"]
    for _ in range(2):
        KeptResults(target / "no folder").write("key", target, writer(target, b"mp4", calls))
    assert calls == ["a"] * 3


def test_a_key_tells_contents_and_options(tmp_path):
    image, clip = tmp_path / "i", tmp_path / "c"
    image.write_bytes(b"a")
    clip.write_bytes(b"b")
    key = content_key(image, clip, ("std", True))
    assert key == content_key(image, clip, ("std", True))
    assert key != content_key(clip, image, ("std", True))
    assert key != content_key(image, clip, ("pro", True))
    clip.write_bytes(b"c")
    assert key != content_key(image, clip, ("std", True))
