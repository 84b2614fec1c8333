"""Clips whose frames show their own numbers, so that each can be told after a mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from tests.media.conftest import ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

_BITS, _WIDE = 9, 8
"""Bars of a number, the lowest first, and px of each."""
CODERS = {
    "avi": ("-c:v", "mpeg4", "-q:v", "2", "-bf", "1"),
    "flv": ("-c:v", "flv1", "-q:v", "2", "-ar", "44100"),
    "mpg": ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2"),
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "2M"),
    "wmv": ("-c:v", "wmv2", "-q:v", "2"),
}
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-qp", "10", "-pix_fmt", "yuv420p")


def numbered(path: Path, frames: int, rate: str, *, sound: float = 0.0) -> Path:
    """Make a clip of this many frames with `sound` s of sound; its ending says how it is encoded."""
    bars = "+".join(
        f"gte(X,{_WIDE * bit})*lt(X,{_WIDE * (bit + 1)})*mod(floor(N/{2**bit}),2)" for bit in range(_BITS)
    )
    source = f"color=black:s={_BITS * _WIDE}x32:r={rate},trim=end_frame={frames}"
    drawn = f"{source},format=yuv420p,geq=lum='16+219*({bars})':cb=128:cr=128"
    heard = ["-f", "lavfi", "-t", sound, "-i", "sine=f=440:r=48000"] if sound else []
    coder = CODERS.get(path.suffix[1:], _X264)
    ffmpeg("-f", "lavfi", "-i", drawn, *heard, *coder, path)
    return path


def numbers(path: Path | str) -> list[int]:
    """Return the numbers of a clip's frames, as PyAV decodes them."""
    with av.open(str(path)) as container:
        drawn = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    found = []
    for frame in drawn:
        tall, wide = frame.shape
        row = frame[tall // 2]
        found.append(sum(int(row[round((bit + 0.5) * wide / _BITS)] > 128) << bit for bit in range(_BITS)))
    return found
