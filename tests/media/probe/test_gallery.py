"""Every kind of clip that people have, against an independent reader, from a file and from a link."""

from __future__ import annotations

import av
import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media import measure_clip
from tests.media.gallery import make_gallery

REFUSED = {
    "no_mp3": "wrong_format",
    "no_webm": "wrong_format",
    "no_m4a": "no_video",
    "no_cut_end": "no_header",
    "no_html": "html_file",
    "no_playlist": "wrong_format",
    "no_manifest": "wrong_format",
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return make_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def truth(gallery):
    """What PyAV reads: length, sides and codec by name."""
    found = {}
    for name, path in gallery.items():
        if name not in REFUSED:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                sides, sound = (stream.width, stream.height), bool(container.streams.audio)
                found[name] = (container.duration / 1e6, sides, stream.frames, sound)
    return found


def test_there_are_over_a_hundred_and_the_lengths_reach_both_limits(truth):
    lengths = [length for length, *_ in truth.values()]
    assert len(truth) >= 100
    assert min(lengths) < 3
    assert max(lengths) > 30.04


def test_exact_length_is_pyavs_within_a_millisecond_on_every_clip(gallery, truth):
    off = {
        name: (measured, length)
        for name, (length, *_) in truth.items()
        if abs((measured := measure_clip(gallery[name], confirm=False).length) - length) > 1e-3
    }
    assert off == {}


def test_the_same_by_link(gallery, truth, server):
    """Of a fragmented link without an index of the whole only a part is read, and the length is the same."""
    off = {}
    for name, (length, *_) in truth.items():
        if name.startswith(("frag", "hevc", "late", "edit", "cut", "vfr")):
            clip = measure_clip(server.put(f"{name}.mp4", gallery[name].read_bytes()), confirm=False)
            if abs(clip.length - length) > 1e-3:
                off[name] = (clip.length, length)
    assert off == {}


def test_facts_are_pyavs(gallery, truth):
    for name, (_, sides, frames, sound) in truth.items():
        clip = measure_clip(gallery[name], confirm=False)
        stored = (clip.height, clip.width) if clip.rotation in (90, 270) else (clip.width, clip.height)
        assert (stored, clip.has_audio) == (sides, sound), name
        if "first_in_moov" not in name:  # there PyAV counts what the moov lists
            assert frames in (0, clip.frames), name
        assert clip.fragmented is name.startswith(("frag", "hevc_frag")), name
        # The first byte of a body that is cut off is missing as well as the last.
        assert clip.truncated is (name == "cut"), name


def test_moviepy_agrees_on_every_clip(gallery, truth):
    """It rounds to 10 ms; the priming of sound in a fragmented file is nothing that a header can tell it."""
    off = {}
    for name, (length, *_) in truth.items():
        slack = 0.03 if name.startswith("frag") else 0.0051
        figure = measure_clip(gallery[name]).moviepy_length
        if figure is None or abs(figure - length) > slack + 1e-3:
            off[name] = (figure, length)
    assert off == {}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_clip_is_refused_by_its_content(gallery, server, name):
    for source in (gallery[name], server.put(f"{name}.mp4", gallery[name].read_bytes())):
        with pytest.raises(ClipError) as caught:
            measure_clip(source)
        assert (caught.value.code, caught.value.reached) == (REFUSED[name], True)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_clips_tell_their_turn(gallery, turn):
    clip = measure_clip(gallery[f"turned_{turn}"], confirm=False)
    assert clip.rotation == turn
    assert (clip.width, clip.height) == ((48, 32) if turn == 180 else (32, 48))


def test_variable_rate_is_told_as_its_mean(gallery):
    clip = measure_clip(gallery["vfr"], confirm=False)
    assert clip.frames is not None
    assert clip.fps == pytest.approx(clip.frames / clip.video_length, rel=0.02)
    assert clip.fps < 20


def test_an_index_of_one_fragment_does_not_stand_for_the_file(gallery, server):
    """A file for streaming has one `sidx` before each fragment; the first one tells nothing of the rest."""
    data = gallery["frag_dash_plain30"].read_bytes()
    assert data.count(b"sidx") > 1
    link = server.put("z.mp4", data + b"\0\0\0\x08free")
    assert measure_clip(link, confirm=False).length > 7


def test_a_file_cut_off_behind_its_index_says_so(gallery, server):
    data = gallery["frag_sidx_empty_plain"].read_bytes()
    cut = data[: len(data) // 2]
    for source in (cut, server.put("a.mp4", cut)):
        assert measure_clip(source, confirm=False).truncated
