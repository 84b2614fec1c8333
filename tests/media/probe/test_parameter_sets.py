"""Colours and fields that only the stream states, compared with what PyAV's decoders find."""

from __future__ import annotations

import av
import pytest
from hypothesis import HealthCheck, given, settings
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


class Writer:
    """The bits of a header, from the first on, as the standards write them."""

    def __init__(self, draw):
        self._draw = draw
        self._bits = []
        self.matrix = None
        """The matrix that was written. None: none was."""

    def put(self, count, value=None):
        """Write a number of `count` bits; return it. None: any."""
        value = self._draw(st.integers(0, (1 << count) - 1)) if value is None else value
        self._bits += [value >> at & 1 for at in reversed(range(count))]
        return value

    def golomb(self, value=None, most=40):
        """Write a number as ue(v); return it. None: any up to `most`."""
        value = self._draw(st.integers(0, most)) if value is None else value
        zeros = (value + 1).bit_length() - 1
        self.put(zeros, 0)
        self.put(zeros + 1, value + 1)
        return value

    def signed(self, value=None):
        """Write a number as se(v); return it. None: any."""
        value = self._draw(st.integers(-40, 40)) if value is None else value
        self.golomb(2 * value - 1 if value > 0 else -2 * value)
        return value

    def golombs(self, count):
        for _ in range(count):
            self.golomb()

    def unit(self, *, guarded=True):
        """Return the bytes; `guarded`: none that look like the start of another unit."""
        bits = [*self._bits, 1]
        bits += [0] * (-len(bits) % 8)
        whole = bytes(int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8))
        made = bytearray()
        for one in whole:
            if guarded and one <= 3 and made.endswith(b"\0\0"):
                made.append(3)
            made.append(one)
        return bytes(made)


def write_usability(bits, transfer):
    """Write usability information (VUI) of H.264 and HEVC. None: it states no transfer."""
    if not bits.put(1, None if transfer is None else 1):
        return
    if bits.put(1) and bits.put(8, bits._draw(st.sampled_from([1, 255]))) == 255:
        bits.put(32)
    if bits.put(1):
        bits.put(1)
    if not bits.put(1, None if transfer is None else 1):
        return
    bits.put(4)
    if bits.put(1, 0 if transfer is None else 1):
        bits.put(8), bits.put(8, transfer)
        bits.matrix = bits.put(8, bits._draw(st.sampled_from([0, 1, 2, 5, 6, 9])))


def write_avc(bits, transfer, interlaced):
    """Write a sequence parameter set of H.264 by 7.3.2.1.1; return its box."""
    profile = bits.put(8, bits._draw(st.sampled_from([66, 77, 100, 110, 122, 244])))
    bits.put(16), bits.golomb()
    if profile >= 100:
        chroma = bits.golomb(most=3)
        if chroma == 3:
            bits.put(1)
        bits.golombs(2), bits.put(1)
        if bits.put(1):
            for size in [16] * 6 + [64] * (6 if chroma == 3 else 2):
                write_list(bits, size)
    bits.golomb()
    order = bits.golomb(most=2)
    if order == 0:
        bits.golomb()
    if order == 1:
        bits.put(1), bits.signed(), bits.signed()
        for _ in range(bits.golomb(most=3)):
            bits.signed()
    bits.golomb(), bits.put(1), bits.golombs(2)
    if not bits.put(1, int(not interlaced)):
        bits.put(1)
    bits.put(1)
    if bits.put(1):
        bits.golombs(4)
    write_usability(bits, transfer)
    unit = b"\x67" + bits.unit()
    return b"\1" + bytes(4) + b"\xe1" + len(unit).to_bytes(2, "big") + unit


def write_list(bits, size):
    """Write a scaling list of H.264 by 7.3.2.1.1.1, which may end before its last place."""
    if not bits.put(1):
        return
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed(bits._draw(st.sampled_from([0, 0, 1, -2, -last])))) % 256
        last = following or last


def write_hevc(bits, transfer, _):
    """Write a sequence parameter set of HEVC by 7.3.2.2 behind a video parameter set; return their box."""
    bits.put(4)
    layers = bits.put(3, bits._draw(st.integers(0, 6)))
    bits.put(1), bits.put(88), bits.put(8)
    write_layers(bits, layers)
    bits.golomb()
    if bits.golomb(most=3) == 3:
        bits.put(1)
    bits.golombs(2)
    if bits.put(1):
        bits.golombs(4)
    bits.golombs(2)
    order = bits.golomb(most=12) + 4
    bits.golombs(3 * (layers + 1) if bits.put(1) else 3)
    bits.golombs(6)
    if bits.put(1) and bits.put(1):
        write_hevc_lists(bits)
    bits.put(2)
    if bits.put(1):
        bits.put(8), bits.golombs(2), bits.put(1)
    write_references(bits)
    if bits.put(1):
        for _ in range(bits.golomb(most=3)):
            bits.put(order), bits.put(1)
    bits.put(2)
    write_usability(bits, transfer)
    units = [(32, b"\x40\1\xff"), (33, b"\x42\1" + bits.unit())]
    arrays = (bytes([kind, 0, 1]) + len(unit).to_bytes(2, "big") + unit for kind, unit in units)
    return bytes(22) + bytes([len(units)]) + b"".join(arrays)


def write_layers(bits, layers):
    present = [(bits.put(1), bits.put(1)) for _ in range(layers)]
    if layers:
        bits.put(2 * (8 - layers), 0)
    for profile, level in present:
        bits.put(88 * profile), bits.put(8 * level)


def write_hevc_lists(bits):
    """Write scaling lists by 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.put(1):
                bits.golomb()
                continue
            if size > 1:
                bits.signed()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                bits.signed(0)


def write_references(bits):
    """Write short-term reference picture sets by 7.3.7, some predicted from the one before."""
    known = 0
    for index in range(bits.golomb(most=4)):
        if index and bits.put(1):
            bits.put(1), bits.golomb()
            flags = [(1, 0) if bits.put(1) else (0, bits.put(1)) for _ in range(known + 1)]
            known = sum(used or referred for used, referred in flags)
        else:
            negative, positive = bits.golomb(most=3), bits.golomb(most=3)
            known = negative + positive
            for _ in range(known):
                bits.golomb(), bits.put(1)


def write_av1(bits, transfer, _):
    """Write a sequence header of AV1 by 5.5 behind another unit; return their box."""
    profile, _, reduced = bits.put(3, bits._draw(st.integers(0, 2))), bits.put(1), bits.put(1)
    if reduced:
        bits.put(5)
    else:
        write_operating_points(bits)
    wide, high = bits.put(4), bits.put(4)
    bits.put(wide + 1), bits.put(high + 1)
    if not reduced and bits.put(1):
        bits.put(4), bits.put(3)
    bits.put(3)
    if not reduced:
        bits.put(4)
        ordered = bits.put(1)
        if ordered:
            bits.put(2)
        screens = bits.put(1) or bits.put(1)
        if screens and not bits.put(1):
            bits.put(1)
        if ordered:
            bits.put(3)
    bits.put(3)
    deep = bits.put(1)
    if profile == 2 and deep:
        bits.put(1)
    if profile != 1:
        bits.put(1)
    if bits.put(1, 0 if transfer is None else 1):
        bits.put(8), bits.put(8, transfer)
        bits.matrix = bits.put(8, bits._draw(st.sampled_from([0, 1, 2, 5, 6, 9])))
    unit = bits.unit(guarded=False)
    size = bytes([len(unit) & 127 | (128 if len(unit) > 127 else 0), *([len(unit) >> 7] * (len(unit) > 127))])
    other = b"\x7e\0" + bytes([3]) + b"???"  # with an extension and a size
    sized = bits._draw(st.booleans())
    return bytes(4) + other + (b"\x0a" + size if sized else b"\x08") + unit


def write_operating_points(bits):
    delay = 0
    if bits.put(1):
        bits.put(64)
        if bits.put(1):
            bits.golomb()
        if bits.put(1):
            delay = bits.put(5) + 1
            bits.put(42)
    shown_late = bits.put(1)
    for _ in range(bits.put(5, bits._draw(st.integers(0, 3))) + 1):
        bits.put(12)
        if bits.put(5) > 7:
            bits.put(1)
        if delay and bits.put(1):
            bits.put(delay), bits.put(delay), bits.put(1)
        if shown_late and bits.put(1):
            bits.put(4)


@given(
    st.data(),
    st.sampled_from([(b"avcC", write_avc), (b"hvcC", write_hevc), (b"av1C", write_av1)]),
    st.sampled_from([None, 1, 2, 16, 18]),
    st.booleans(),
)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_header_with_any_of_its_optional_parts_states_its_colours(data, written, transfer, interlaced):
    kind, write = written
    bits = Writer(data.draw)
    config = write(bits, transfer, interlaced)
    stated = stated_by(kind, config)
    assert stated.transfer == (None if transfer == 2 else transfer)
    assert stated.matrix == (None if bits.matrix == 2 else bits.matrix)
    assert stated.interlaced == (interlaced and kind == b"avcC")


@pytest.mark.parametrize("kind", sorted(PARAMETER_SETS))
def test_a_header_of_absurd_counts_ends_at_once(kind):
    """Ones behind many zeros are numbers of dozens of digits, and a loop of as many steps would not end."""
    for fill in (b"\0", b"\xff", b"\0\0\1", b"\0\0\0\xff"):
        assert stated_by(kind, bytes(23) + fill * 40).interlaced in (True, False)


def test_a_configuration_without_a_parameter_set_states_nothing():
    assert stated_by(b"hvcC", bytes(22) + b"\0") == Stated()
    assert stated_by(b"hvcC", bytes(22) + b"\1\x20\0\1\0\2ab") == Stated()
