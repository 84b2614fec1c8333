"""Images: by content, as shown, and never decoded."""

from __future__ import annotations

import contextlib
import io
import struct
import sys
import zlib
from importlib.util import find_spec

import pytest
from PIL import Image, ImageFile

from motion_widgets.core.errors import ClipError
from motion_widgets.media.preview import thumbnail
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.repair.judge import mends_for
from motion_widgets.request.findings import Finding


def encoded(kind: str, sides=(60, 40), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", sides, "teal").save(out, kind, **options)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that only claims its sides."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head))
    return body + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")) + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_format_by_content(kind, tmp_path):
    path = tmp_path / "named.jpg"
    path.write_bytes(encoded(kind))
    image = measure_image(path)
    assert (image.format, image.width, image.height, image.rotated) == (kind.lower(), 60, 40, False)
    assert (image.source, image.name, image.size) == (str(path), "named.jpg", path.stat().st_size)
    assert (
        measure_image(path, hash_content=True).sha256
        == measure_image(path.read_bytes(), hash_content=True).sha256
    )


@pytest.mark.parametrize(("turn", "sides"), [(1, (60, 40)), (3, (60, 40)), (6, (40, 60)), (8, (40, 60))])
def test_exif_rotation(turn, sides):
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded("JPEG", exif=exif)
    image = measure_image(data)
    assert (image.width, image.height) == sides
    assert image.rotated == (turn != 1)
    with Image.open(io.BytesIO(thumbnail(data, 20))) as small:
        assert (small.width > small.height) == (sides[0] > sides[1])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"hello", "not_image"),
        (b"%!PS-Adobe-3.0 EPSF\n%%BoundingBox: 0 0 9 9\n", "not_image"),
        (b"\x89PNG\r\n\x1a\n", "not_image"),
        (png_of(100_000, 100_000), "image_too_big"),
        (png_of(14_000, 14_000), "image_too_big"),
    ],
)
def test_no_image(data, code, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ClipError) as caught:
            measure_image(source)
        assert caught.value.code == code
        with pytest.raises(ClipError):
            thumbnail(source)


@pytest.mark.parametrize("installed", [False, True])
def test_a_heic_is_said_to_need_a_package_before_a_conversion_is_offered_that_would_fail(
    tmp_path, monkeypatch, installed
):
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    if not installed:
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
    elif find_spec("pillow_heif") is None:
        pytest.skip("pillow-heif is not installed here")
    with pytest.raises(ClipError) as caught:
        measure_image(path)
    assert (caught.value.code == "not_image") is installed
    assert ('%pip install "motion-widgets[heic]"' in str(caught.value)) is not installed
    finding = Finding(field="image_url", severity="error", message="", code=caught.value.code)
    assert bool(mends_for(finding, image=caught.value)) is installed


def test_large_sides_are_not_decoded():
    assert measure_image(png_of(12_000, 12_000)).width == 12_000


def test_no_pixel_is_decoded_to_look_for_a_turn_or_a_place(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        assert not measure_image(encoded(kind)).has_location


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("kind", ["eXIf", "iTXt"])
def test_notes_of_a_png_are_seen_before_and_behind_its_pixels(kind, behind):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0<e exif:GPSLatitude='35,40N'/>"
    body = kind.encode() + (exif.tobytes()[6:] if kind == "eXIf" else xmp)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    plain = encoded("PNG")
    at = plain.index(b"IEND" if behind else b"IDAT") - 4
    image = measure_image(plain[:at] + chunk + plain[at:])
    assert image.has_location
    assert image.rotated is (kind == "eXIf")
    assert not measure_image(plain).has_location


def test_what_is_not_there(tmp_path):
    for source, code in [(tmp_path / "no.png", "missing_file"), (tmp_path, "is_directory")]:
        with pytest.raises(ClipError) as caught:
            measure_image(source)
        assert caught.value.code == code


def test_fuzzed_pictures_end_in_a_clip_error():
    base = encoded("PNG")
    for at in range(len(base)):
        for value in (0, 255):
            with contextlib.suppress(ClipError):
                measure_image(base[:at] + bytes([value]) + base[at + 1 :])
