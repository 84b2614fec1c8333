"""Read what a codec's own header says of transfer and fields, where the boxes around it say nothing.

Encoders state colours in the stream, and not all programs repeat that in a `colr` box; players believe both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.media.colours import UNSPECIFIED

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PARAMETER_SETS", "Stated", "stated_by"]

_SUBSAMPLED = {100, 110, 122, 244, 44, 83, 86, 118, 128}
"""H.264 profiles whose headers state depth and subsampling."""
_ANY_SHAPE = 255
"""The pixel aspect is written out."""
_SEQUENCE_HEADER = 1
"""Type of an open bitstream unit (OBU) of AV1."""
_SUBSAMPLED_NEVER, _PROFESSIONAL = 1, 2
"""Profiles of AV1: the former has no monochrome, the latter 12 bits."""
_LAST_WITHOUT_TIER = 7
"""Level of AV1."""
_MOST = 256
"""Things of one kind in a header; none has as many."""


class Stated(NamedTuple):
    """What a codec's header states."""

    transfer: int | None = None
    """By ISO/IEC 23091-2. None: unspecified."""
    interlaced: bool = False
    """Frames may hold two fields each."""
    matrix: int | None = None
    """By ISO/IEC 23091-2. None: unspecified."""


_Colours = tuple[int | None, int | None]
"""Transfer and matrix."""


class _Bits:
    """The bits of a header, from the first on; behind its end it raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int = 1) -> int:
        """Return the next `count` bits as a number."""
        value = 0
        for at in range(self._at, self._at + count):
            value = value << 1 | self._data[at >> 3] >> (7 - (at & 7)) & 1
        self._at += count
        return value

    def golomb(self) -> int:
        """Return the next number in Exp-Golomb code, as ue(v)."""
        zeros = 0
        while not self.take():
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """Return the next signed number in Exp-Golomb code, as se(v)."""
        value = self.golomb()
        return (value + 1) // 2 if value & 1 else -value // 2

    def count(self) -> int:
        """Return the next number, of things that follow.

        Raises
        ------
        IndexError
            There are absurdly many.
        """
        value = self.golomb()
        if value > _MOST:
            raise IndexError(value)
        return value


def stated_by(kind: bytes, config: bytes) -> Stated:
    """Return what a box of `PARAMETER_SETS` states; nothing if it is malformed."""
    try:
        return PARAMETER_SETS[kind](config)
    except IndexError:
        return Stated()


def _vp9(config: bytes) -> Stated:
    transfer, matrix = _specified(config[8], config[9])
    return Stated(transfer, matrix=matrix)


def _specified(transfer: int, matrix: int) -> _Colours:
    return None if transfer == UNSPECIFIED else transfer, None if matrix == UNSPECIFIED else matrix


def _plain(unit: bytes) -> bytes:
    """Return a unit without the bytes that keep its content from looking like the start of another."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _avc(config: bytes) -> Stated:
    """Read the first sequence parameter set of H.264 (7.3.2.1.1)."""
    length = int.from_bytes(config[6:8], "big")
    bits = _Bits(_plain(config[9 : 8 + length]))
    profile = bits.take(24) >> 16
    bits.golomb()
    if profile in _SUBSAMPLED:
        chroma = bits.golomb()
        bits.take(chroma == 3)
        bits.golomb(), bits.golomb(), bits.take()
        if bits.take():
            _skip_lists(bits, [16] * 6 + [64] * (2 if chroma != 3 else 6))
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(), bits.golomb(), bits.golomb()
        for _ in range(bits.count()):
            bits.golomb()
    bits.golomb(), bits.take(), bits.golomb(), bits.golomb()
    interlaced = not bits.take()
    bits.take(1 + interlaced)
    if bits.take():
        for _ in range(4):
            bits.golomb()
    transfer, matrix = _colours(bits)
    return Stated(transfer, interlaced, matrix)


def _skip_lists(bits: _Bits, sizes: list[int]) -> None:
    """Skip the scaling lists of H.264 (7.3.2.1.1.1)."""
    for size in sizes:
        last = following = 8
        for _ in range(size if bits.take() else 0):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _colours(bits: _Bits) -> _Colours:
    """Read on from the flag that usability information (VUI) follows, to the colours in it."""
    if not bits.take():
        return None, None
    if bits.take() and bits.take(8) == _ANY_SHAPE:
        bits.take(32)
    if bits.take():
        bits.take()
    if not bits.take():
        return None, None
    bits.take(4)
    if not bits.take():
        return None, None
    return _specified(bits.take(16) & 255, bits.take(8))


def _hevc(config: bytes) -> Stated:
    """Read the first sequence parameter set of HEVC (7.3.2.2)."""
    at = 23
    for _ in range(config[22]):
        kind, count = config[at] & 63, int.from_bytes(config[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(config[at : at + 2], "big")
            if kind == 33:
                transfer, matrix = _hevc_colours(_Bits(_plain(config[at + 4 : at + 2 + length])))
                return Stated(transfer, matrix=matrix)
            at += 2 + length
    return Stated()


def _hevc_colours(bits: _Bits) -> _Colours:
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    _skip_layers(bits, layers)
    bits.golomb()
    if bits.golomb() == 3:
        bits.take()
    bits.golomb(), bits.golomb()
    if bits.take():
        for _ in range(4):
            bits.golomb()
    bits.golomb(), bits.golomb()
    order = bits.golomb() + 4
    for _ in range(3 * (layers + 1 if bits.take() else 1)):
        bits.golomb()
    for _ in range(6):
        bits.golomb()
    if bits.take() and bits.take():
        _skip_hevc_lists(bits)
    bits.take(2)
    if bits.take():
        bits.take(8), bits.golomb(), bits.golomb(), bits.take()
    _skip_references(bits)
    if bits.take():
        for _ in range(bits.count()):
            bits.take(order + 1)
    bits.take(2)
    return _colours(bits)


def _skip_layers(bits: _Bits, layers: int) -> None:
    """Skip profile and level of the temporal layers (7.3.3)."""
    present = [(bits.take(), bits.take()) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _skip_hevc_lists(bits: _Bits) -> None:
    """Skip the scaling lists (7.3.4)."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.take():
                bits.golomb()
                continue
            if size > 1:
                bits.signed()
            for _ in range(min(64, 1 << (4 + 2 * size))):
                bits.signed()


def _skip_references(bits: _Bits) -> None:
    """Skip the short-term reference picture sets (7.3.7)."""
    pictures = 0
    for index in range(bits.count()):
        if index and bits.take():
            bits.take(), bits.golomb()
            # Of each picture and the one itself: used, or at least referred to.
            pictures = sum(1 for _ in range(pictures + 1) if bits.take() or bits.take())
            continue
        pictures = bits.count() + bits.count()
        for _ in range(pictures):
            bits.golomb(), bits.take()


def _av1(config: bytes) -> Stated:
    """Find the sequence header (5.5.1) among the units that come along, and read its colours."""
    at = 4
    while True:
        head, at = config[at], at + 1 + (config[at] >> 2 & 1)
        size = shift = 0
        more = head >> 1 & 1
        while more:  # leb128
            size |= (config[at] & 127) << shift
            more, at, shift = config[at] >> 7, at + 1, shift + 7
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            transfer, matrix = _av1_colours(_Bits(config[at : at + size if size else None]))
            return Stated(transfer, matrix=matrix)
        at += size


def _av1_colours(bits: _Bits) -> _Colours:
    profile, _, reduced = bits.take(3), bits.take(), bits.take()
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    wide, high = bits.take(4), bits.take(4)
    bits.take(wide + high + 2)
    if not reduced and bits.take():
        bits.take(7)
    bits.take(3)
    if not reduced:
        bits.take(4)
        ordered = bits.take()
        bits.take(2 * ordered)
        if (bits.take() or bits.take()) and not bits.take():  # tools for screens, whole motion vectors
            bits.take()
        bits.take(3 * ordered)
    bits.take(3)
    if bits.take() and profile == _PROFESSIONAL:
        bits.take()
    bits.take(profile != _SUBSAMPLED_NEVER)
    return _specified(bits.take(16) & 255, bits.take(8)) if bits.take() else (None, None)


def _skip_operating_points(bits: _Bits) -> None:
    """Skip timing, decoder model and operating points (5.5.1 to 5.5.5) of AV1."""
    delay = 0
    if bits.take():
        bits.take(64)
        if bits.take():
            bits.golomb()  # uvlc() is the same code
        if bits.take():
            delay = bits.take(5) + 1
            bits.take(42)
    shown_late = bits.take()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > _LAST_WITHOUT_TIER:
            bits.take()
        if delay and bits.take():
            bits.take(2 * delay + 1)
        if shown_late and bits.take():
            bits.take(4)


PARAMETER_SETS: dict[bytes, Callable[[bytes], Stated]] = {
    b"avcC": _avc,
    b"hvcC": _hevc,
    b"vpcC": _vp9,
    b"av1C": _av1,
}
"""How to read a codec's header, by the kind of its box."""
