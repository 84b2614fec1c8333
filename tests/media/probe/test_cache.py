"""What was measured is known again while it stays the same, and never longer."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest
from PIL import Image

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe import measure
from motion_widgets.media.probe.cache import Cache
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip


@pytest.fixture
def counted(monkeypatch):
    """Count how often a header is read."""
    calls = []
    real = measure._measure

    def counting(*args, **options):
        calls.append(args)
        return real(*args, **options)

    monkeypatch.setattr(measure, "_measure", counting)
    return calls


def settled(path, data):
    """Write a file as if some time ago: what was written just now is not remembered."""
    path.write_bytes(data)
    old = time.time_ns() - 60_000_000_000
    os.utime(path, ns=(old, old))
    return path


@pytest.fixture
def old_enough(monkeypatch):
    """A file's change time cannot be set, so the two seconds are taken away."""
    monkeypatch.setattr("motion_widgets.core.hashing._FRESH_NS", -(10**18))


def test_a_file_is_measured_once(clips, counted, tmp_path, old_enough):
    path = settled(tmp_path / "a.mp4", clips["front"].read_bytes())
    cache = Cache()
    first = measure_clip(path, confirm=False, cache=cache)
    assert measure_clip(str(path), confirm=False, cache=cache) == first
    assert len(counted) == 1
    assert measure_clip(path, confirm=False, cache=None) == first
    assert len(counted) == 2


def test_a_changed_file_is_measured_again(clips, tmp_path, old_enough):
    cache = Cache()
    path = settled(tmp_path / "a.mp4", clips["front"].read_bytes())
    assert measure_clip(path, confirm=False, cache=cache).length > 5.9
    # Of the same size, at another time.
    other = clips["2.96"].read_bytes()
    path.write_bytes(other + bytes(max(0, path.stat().st_size - len(other))))
    assert measure_clip(path, confirm=False, cache=cache).length == pytest.approx(2.96)


def test_a_file_written_just_now_is_not_remembered(clips, counted, tmp_path, monkeypatch):
    monkeypatch.setattr("motion_widgets.core.hashing._FRESH_NS", 10**18)  # the machine may stop for 2 s
    path = tmp_path / "a.mp4"
    path.write_bytes(clips["front"].read_bytes())
    cache = Cache()
    measure_clip(path, confirm=False, cache=cache)
    measure_clip(path, confirm=False, cache=cache)
    assert (len(counted), len(cache)) == (2, 0)


def test_moviepy_is_asked_where_it_was_not_and_its_figure_is_given_to_who_asks(
    clips, counted, tmp_path, old_enough
):
    path = settled(tmp_path / "a.mp4", clips["front"].read_bytes())
    cache = Cache()
    assert measure_clip(path, confirm=False, cache=cache).moviepy_length is None
    assert measure_clip(path, cache=cache).moviepy_length is not None
    assert measure_clip(path, cache=cache, hash_content=True).sha256 is not None
    assert measure_clip(path, confirm=False, cache=cache).moviepy_length is None
    assert measure_clip(path, cache=cache).sha256 is None
    assert len(counted) == 2


def test_errors_are_not_remembered(clips, tmp_path, old_enough):
    cache = Cache()
    path = settled(tmp_path / "a.mp4", clips["cut_end"].read_bytes())
    for _ in range(2):
        with pytest.raises(ClipError):
            measure_clip(path, cache=cache)
    assert len(cache) == 0


def test_a_link_is_believed_for_a_short_while(clips, server):
    cache = Cache(fresh=60)
    link = server.put("a.mp4", clips["front"].read_bytes())
    first = measure_clip(link, confirm=False, cache=cache)
    again = measure_clip(link, confirm=False, cache=cache)
    assert (first.requests, again.requests, again.fetched) == (1, 0, 0)
    assert again.length == first.length
    assert measure_clip(link + "?v=2", confirm=False, cache=cache).requests == 1


@pytest.mark.parametrize("mode", ["range", "heedless", "whole_etag"])
def test_then_its_server_is_asked_by_etag_in_one_request_without_a_body(clips, server, mode):
    cache = Cache(fresh=0)
    link = server.put("a.mp4", clips["front"].read_bytes(), mode)
    server.etags = ['"v1"']
    first = measure_clip(link, confirm=False, cache=cache)
    again = measure_clip(link, confirm=False, cache=cache)
    assert (again.requests, again.fetched, again.length) == (1, 0, first.length)
    assert server.seen[1]["if-none-match"] == '"v1"'
    assert "if-none-match" not in server.seen[0]


def test_another_version_is_measured_without_a_further_request(clips, server):
    cache = Cache(fresh=0)
    link = server.put("a.mp4", clips["front"].read_bytes())
    server.etags = ['"v1"']
    measure_clip(link, confirm=False, cache=cache)
    link = server.put("a.mp4", clips["2.96"].read_bytes())
    server.etags = ['"v2"']
    again = measure_clip(link, confirm=False, cache=cache)
    assert (again.requests, again.length) == (1, pytest.approx(2.96))


@pytest.mark.parametrize("etags", [[], ['W/"v1"']])
def test_without_a_strong_etag_it_is_measured_anew(clips, server, etags):
    cache = Cache(fresh=0)
    link = server.put("a.mp4", clips["front"].read_bytes())
    server.etags = etags
    measure_clip(link, confirm=False, cache=cache)
    assert measure_clip(link, confirm=False, cache=cache).fetched > 0
    assert "if-none-match" not in server.seen[-1]


def test_a_link_that_died_is_an_error_though_it_is_known(clips, server):
    cache = Cache(fresh=0)
    link = server.put("a.mp4", clips["front"].read_bytes())
    server.etags = ['"v1"']
    measure_clip(link, confirm=False, cache=cache)
    server.mode = "404"
    with pytest.raises(ClipError) as caught:
        measure_clip(link, confirm=False, cache=cache)
    assert caught.value.code == "link_dead"


def test_a_304_that_nobody_asked_for_is_an_error(server):
    with pytest.raises(ClipError) as caught:
        measure_clip(server.put("a.mp4", b"x", "304"), cache=None)
    assert caught.value.code == "link_dead"


def test_images_too(server, tmp_path, old_enough):
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "PNG")
    cache = Cache(fresh=0)
    link = server.put("a.png", out.getvalue())
    server.etags = ['"v1"']
    first = measure_image(link, cache=cache)
    assert measure_image(link, cache=cache) == first
    assert server.seen[1]["if-none-match"] == '"v1"'
    path = settled(tmp_path / "a.png", out.getvalue())
    assert measure_image(path, cache=cache) == measure_image(path, cache=cache)
    assert len(cache) == 2


def test_it_keeps_the_last_ones_used_from_many_threads(tmp_path, old_enough):
    cache = Cache(size=20)
    paths = [settled(tmp_path / str(number), b"x") for number in range(40)]
    wrong = []

    def ask(start):
        for number in range(start, start + 400):
            which = number * 7 % 40
            if cache.of_file("name", paths[which], lambda path=paths[which]: path.name) != str(which):
                wrong.append(which)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(cache) == 20
    for path in paths[:19]:
        cache.of_file("name", path, lambda: "new")
    cache.of_file("name", paths[0], lambda: "lost")
    assert cache.of_file("name", paths[0], lambda: "lost") != "lost"
