"""A PNG's notes, however many, stay out of Pillow's way; what they say of turn, place and colours is read."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from motion_widgets.core.errors import ClipError
from motion_widgets.media.preview import thumbnail
from motion_widgets.media.probe.image import measure_image, open_image
from motion_widgets.media.probe.image_file import read_png
from motion_widgets.media.repair.judge import mends_for
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import check

LARGE = b"workflow " * 300_000
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<rdf:Description tiff:Orientation="6"/><e exif:GPSLatitude="35,40N"/>'


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def plain() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((60, 40)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def with_chunks(*chunks: bytes, behind: bool = False) -> bytes:
    data = plain()
    at = data.index(b"IEND" if behind else b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def text(packed: bool, keyword: bytes, body: bytes) -> bytes:
    if packed:
        return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(body))
    return chunk(b"tEXt", keyword + b"\0" + body)


NOTED = {
    "zTXt": text(True, b"workflow", LARGE),
    "iTXt": chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(LARGE)),
    "tEXt": text(False, b"parameters", LARGE),
    "iCCP": chunk(b"iCCP", b"large\0\0" + zlib.compress(SRGB + bytes(3_000_000))),
    "broken zTXt": chunk(b"zTXt", b"workflow\0\0" + b"no zlib"),
    "broken iCCP": chunk(b"iCCP", b"large\0\0" + b"no zlib"),
    "broken check": text(False, b"a", b"b")[:-1] + b"\0",
}


@pytest.mark.parametrize("name", ["zTXt", "iTXt", "iCCP"])
def test_pillow_itself_refuses_what_is_tried_here(name):
    with pytest.raises(ValueError, match="large"):
        Image.open(io.BytesIO(with_chunks(NOTED[name])))


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("name", NOTED)
def test_a_png_is_taken_whatever_is_noted_in_it(name, behind):
    data = with_chunks(NOTED[name], behind=behind)
    image = measure_image(data)
    assert (image.format, image.width, image.height, image.size) == ("png", 60, 40, len(data))
    assert (image.rotated, image.has_location, image.truncated) == (False, False, False)
    with Image.open(io.BytesIO(thumbnail(data, 40))) as small:
        assert small.size == (60, 40)


def test_the_pixels_are_those_of_the_file():
    data = with_chunks(NOTED["zTXt"])
    with open_image(io.BytesIO(data), "a") as made, Image.open(io.BytesIO(plain())) as source:
        assert ImageChops.difference(made, source).getbbox() is None


def hexadecimal(kind: bytes, body: bytes) -> bytes:
    return b"\n%b\n%8d\n%b\n" % (kind, len(body), body.hex().encode())


def exif(turn: int) -> bytes:
    noted = Image.Exif()
    noted[0x0112] = turn
    noted.get_ifd(0x8825)[1] = "N"
    return noted.tobytes()


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(
    "noted",
    [
        chunk(b"eXIf", exif(6)[6:]),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(XMP)),
        text(True, b"Raw profile type exif", hexadecimal(b"exif", exif(6))),
        text(False, b"Raw profile type APP1", hexadecimal(b"APP1", exif(6))),
        text(True, b"Raw profile type xmp", hexadecimal(b"xmp", XMP)),
    ],
    ids=["eXIf", "XMP", "packed XMP", "ImageMagick", "ImageMagick's APP1", "ImageMagick's XMP"],
)
def test_turn_and_place_are_read_wherever_they_are_noted(noted, behind):
    data = with_chunks(NOTED["zTXt"], noted, behind=behind)
    image = measure_image(data)
    assert (image.width, image.height, image.rotated, image.has_location) == (40, 60, True, True)
    with Image.open(io.BytesIO(thumbnail(data, 60))) as small:
        assert small.size == (40, 60)


def test_exif_goes_before_xmp():
    both = with_chunks(chunk(b"eXIf", exif(1)[6:]), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    assert not measure_image(both).rotated


def test_a_file_of_many_small_pieces_is_read_in_one_pass():
    pixels = zlib.compress(bytes(61 * 40))
    tiny = chunk(b"zTXt", b"a\0\0")
    pieces = b"".join(chunk(b"IDAT", pixels[at : at + 1]) + tiny for at in range(len(pixels)))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 40, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + pieces + tiny * 9_000 + chunk(b"IEND", b"")
    with open_image(io.BytesIO(data), "a") as picture:
        assert picture.getextrema() == (0, 0)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(8, 400), value=st.binary(min_size=1, max_size=6), cut=st.integers(0, 50))
def test_a_damaged_png_ends_in_words(at, value, cut):
    raw = text(True, b"Raw profile type exif", hexadecimal(b"exif", exif(6)))
    data = with_chunks(chunk(b"eXIf", exif(6)[6:]), raw)
    broken = (data[:at] + value + data[at + len(value) :])[: len(data) - cut]
    assert read_png(io.BytesIO(broken)).is_whole <= (cut == 0)
    with suppress(ClipError):
        measure_image(broken)
        thumbnail(broken)


def noise() -> Image.Image:
    return Image.effect_noise((400, 360), 90).convert("RGB")


def exif_with_a_small_picture() -> bytes:
    """EXIF that holds a whole JPEG, end and all."""
    small = io.BytesIO()
    noise().resize((40, 30)).save(small, "JPEG")
    return b"Exif\0\0" + small.getvalue()


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    options = {
        "progressive": {"format": "JPEG", "progressive": True},
        "small picture inside": {"format": "JPEG", "exif": exif_with_a_small_picture()},
        "restarts": {"format": "JPEG", "restart_marker_rows": 1},
        "two pictures": {"format": "MPO", "save_all": True, "append_images": [noise()]},
        "png": {"format": "PNG"},
    }.get(kind, {"format": "JPEG"})
    noise().save(out, **options)
    return out.getvalue()


KINDS = ["baseline", "progressive", "small picture inside", "restarts", "two pictures", "png"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [b"", bytes(3000), b"\xff" * 9, b"ftypmp42 and a film"])
def test_whole_pictures_are_whole_whatever_comes_behind(kind, behind):
    assert not measure_image(encoded(kind) + behind).truncated


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 2 / 3, 0.999])
@pytest.mark.parametrize("padding", [b"", bytes(20_000)])
def test_a_cut_picture_is_an_error_before_it_is_sent(kind, share, padding):
    data = encoded(kind)
    whole = len(data) if kind != "two pictures" else data.index(b"\xff\xd8", 2)
    image = measure_image(data[: int(whole * share) - 2] + padding)
    assert image.truncated
    found = check(MotionRequest(image_url="a.jpg"), image=image)
    told = next(one for one in found if one.code == "image_truncated")
    assert (told.severity, told.field) == ("error", "image_url")
    assert not any(mends_for(one, image=image) for one in found if one.field == "image_url")


@pytest.mark.parametrize(
    "colours", [{}, {"palette": b"\0" * 768}, {"comment": b"x" * 400, "transparency": 3}]
)
def test_a_cut_gif_is_an_error_unless_its_first_picture_is_there(colours):
    out, first = io.BytesIO(), io.BytesIO()
    one, two = (noise().quantize(200) for _ in range(2))
    one.save(first, "GIF", **colours)
    one.save(out, "GIF", save_all=True, append_images=[two], **colours)
    data, picture = out.getvalue(), len(first.getvalue())
    assert not measure_image(data).truncated
    assert not measure_image(data[: int(picture * 1.5)]).truncated
    for share in (0.02, 0.3, 0.9, 0.99):
        assert measure_image(data[: int(picture * share)]).truncated
    found = check(MotionRequest(image_url="a.gif"), image=measure_image(data[: picture // 2]))
    assert "image_truncated" in {one.code for one in found}


def test_a_file_larger_than_a_block_is_searched_to_its_end():
    data = encoded("baseline")
    scan = data.index(b"\xff\xda") + 2
    scan += int.from_bytes(data[scan : scan + 2], "big")
    for size in (1 << 20, (1 << 20) - 1, (1 << 20) + 1, 3 << 20):
        long = data[:scan] + b"\xff\0" * (size // 2) + b"\xff\xd9"
        assert not measure_image(long + bytes(9)).truncated
        assert measure_image(long[:-2] + bytes(9)).truncated
