"""Colours and fields that only the stream states, compared with what PyAV's decoders find."""

from __future__ import annotations

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import motion_widgets as mw
from motion_widgets.media.probe.parameter_sets import PARAMETER_SETS, Stated, stated_by
from tests.media.conftest import ffmpeg

X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"]
CODERS = {
    "H.264": ["-c:v", "libx264", "-preset", "ultrafast"],
    "H.264 with lists and fields": ["-c:v", "libx264", "-x264-params", "cqm=jvt:tff=1"],
    "HEVC": [*X265, "log-level=none"],
    "HEVC with lists and layers": [*X265, "log-level=none:scaling-list=default:temporal-layers=3:bframes=3"],
    "AV1": ["-c:v", "libaom-av1", "-cpu-used", 8],
    "VP9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8],
}


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize(
    ("transfer", "pixels"),
    [("arib-std-b67", "yuv420p10le"), ("smpte2084", "yuv444p"), ("bt709", "yuv420p"), ("unknown", "yuv420p")],
)
def test_what_the_stream_states_is_read(coder, transfer, pixels, tmp_path):
    path = tmp_path / "stated.mp4"
    drawn = f"setparams=color_trc={transfer}:color_primaries=bt2020:colorspace=bt2020nc,setsar=64/45"
    source = ["-f", "lavfi", "-t", "0.08", "-i", "testsrc2=s=170x100:r=25"]
    ffmpeg(*source, "-vf", f"{drawn},format={pixels}", *CODERS[coder], path)
    data = path.read_bytes()

    path.write_bytes(data.replace(b"colr", b"free"))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        wanted = container.streams.video[0].codec_context.color_trc
    clip = mw.measure_clip(path, confirm=False)
    assert (clip.transfer or 2, clip.interlaced) == (wanted, frame.interlaced_frame)
    assert clip.hdr == {"arib-std-b67": "HLG", "smpte2084": "PQ"}.get(transfer, "")


@given(st.sampled_from(sorted(PARAMETER_SETS)), st.binary(max_size=80))
@settings(max_examples=60)
def test_nonsense_states_what_it_states(kind, config):
    assert isinstance(stated_by(kind, config), Stated)
