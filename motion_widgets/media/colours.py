"""To the BT.709 that browsers, encoders and eyes expect, from HDR as well, by ffmpeg's own filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip

__all__ = [
    "BT709", "UNSPECIFIED", "encoded", "forgotten_matrix", "guessed_matrix", "matrix_of", "to_bt709",
    "with_matrix",
]  # fmt: skip

UNSPECIFIED = 2
"""A transfer or matrix by ISO/IEC 23091-2 that states nothing."""

_HD_LINES = 720
_SD_TRANSFERS = {4, 5, 6}
"""BT.470 and SMPTE 170M by ISO/IEC 23091-2: their matrix is that of BT.601."""
_FORGETFUL = {"hvc1", "hev1", "vp09", "av01"}
"""Codecs whose decoders in ffmpeg take colours from the stream alone, against any option."""
_MATRICES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}
"""ffmpeg's names, by ISO/IEC 23091-2."""
_ROUNDING = "flags=bicubic+accurate_rnd"
"""Otherwise, colours of another matrix get up to four levels off."""


def matrix_of(transfer: int | None, lines: int) -> str:
    """Return ffmpeg's name of a picture's matrix; what is not stated depends on its lines."""
    is_sd = lines < _HD_LINES if transfer is None else transfer in _SD_TRANSFERS
    return "smpte170m" if is_sd else "bt709"


def guessed_matrix(transfer: int | None, lines: int) -> list[str]:
    """Return the options that open a picture of which the stream may not state a matrix.

    ffmpeg takes all that is not stated as BT.601, players only what has few lines.
    """
    return ["-colorspace", "bt709"] if transfer is None and matrix_of(None, lines) == "bt709" else []


def forgotten_matrix(clip: Clip) -> str:
    """Return ffmpeg's name of the matrix of a clip's frames; empty if its decoder knows it."""
    if clip.codec not in _FORGETFUL:
        return ""
    return matrix_of(clip.transfer, clip.height) if clip.matrix is None else _MATRICES.get(clip.matrix, "")


def with_matrix(matrix: str) -> list[str]:
    """Return the filters with which the graph begins of a picture with this matrix; none if it is empty."""
    return [f"setparams=colorspace={matrix}"] if matrix else []


def encoded(matrix: str = "bt709", sides: tuple[int, int] | None = None) -> str:
    """Return the filters for what is encoded, with a picture's own matrix, scaled to `sides` (px) if given.

    Frames carry the tags: ffmpeg believes them rather than options, and players guess what is untagged. The
    matrix stays, as Chromium makes blue up to ten levels darker from BT.709 than from BT.601.
    """
    tags = f"color_primaries=bt709:color_trc={matrix}:colorspace={matrix}:range=tv"
    scaled = "{}:{}:".format(*sides) if sides else ""
    return f"scale={scaled}out_color_matrix={matrix}:out_range=tv:{_ROUNDING},format=yuv420p,setparams={tags}"


BT709 = encoded()
"""Filters for what is encoded in BT.709 throughout."""

_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67:agamma=false"}
"""ffmpeg's names of the transfers of HDR, by ISO/IEC 23091-2.

HLG with exact curves: the quick ones apply its system gamma to each colour instead of to the luminance, which
makes blue 35 levels too bright.
"""
_FILTERS = (
    "zscale=pin=bt2020:tin={transfer}:min=bt2020nc:t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=mobius:param=0.8:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
)
"""Colours stay up to 80 % of white (203 cd/m², BT.2408) and roll off above."""


def to_bt709(transfer: int | None) -> list[str]:
    """Return the filters that make BT.709 of a picture with this transfer; none if it is not HDR."""
    name = _TRANSFERS.get(transfer or 0)
    return [_FILTERS.format(transfer=name)] if name else []
