"""Mended images: upright, without a place, in a format and size that is taken, their colours kept."""

from __future__ import annotations

import io
import struct
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.preview import thumbnail
from motion_widgets.media.repair import images as room
from tests.media.repair.test_mend import HOSTILE

TURN, GPS, MAKER = 0x0112, 0x8825, 0x010F
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><e exif:GPSLatitude="35,40N"/></x:xmpmeta>'


def corners() -> Image.Image:
    """A red and a blue half, wider than tall."""
    half = Image.new("RGB", (60, 80), "blue")
    whole = Image.new("RGB", (120, 80), "red")
    whole.paste(half, (60, 0))
    return whole


def exif_of(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[TURN], exif[MAKER] = turn, "A camera"
    place = exif.get_ifd(GPS)
    place[1], place[2] = "N", (35.0, 40.0, 0.0)
    return exif


def photo(folder: Path, turn: int = 6, **options) -> Path:
    path = folder / "photo.jpg"
    corners().save(path, exif=exif_of(turn), quality=95, **options)
    return path


def near(pixel, colour) -> bool:
    return bool(np.abs(np.array(pixel[:3]) - np.array(colour)).max() < 12)


@pytest.mark.parametrize("how", [mw.turn_image, mw.strip_image, mw.convert_image, mw.shrink_image])
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_rotation_is_baked_in_as_it_was_shown(tmp_path, how, turn):
    source = photo(tmp_path, turn)
    image = how(source)
    shown = mw.measure_image(source)
    assert (image.width, image.height, image.rotated) == (shown.width, shown.height, False)
    red, blue = (250, 0, 0), (0, 0, 250)
    first, last = {
        1: (red, blue), 2: (blue, red), 3: (blue, red), 4: (red, blue),
        5: (red, blue), 6: (red, blue), 7: (blue, red), 8: (blue, red),
    }[turn]  # fmt: skip
    with Image.open(image.source) as made:
        assert near(made.getpixel((3, 3)), first)
        assert near(made.getpixel((made.width - 4, made.height - 4)), last)


def test_turning_keeps_what_the_camera_wrote_and_stripping_does_not(tmp_path):
    source = photo(tmp_path, xmp=XMP, comment=b"at home")
    assert mw.has_location(source)
    turned, stripped = mw.turn_image(source), mw.strip_image(source)
    with Image.open(turned.source) as made:
        assert made.getexif().get(MAKER) == "A camera"
        assert TURN not in made.getexif()
    assert not mw.has_location(stripped.source)
    data = Path(stripped.source).read_bytes()
    for trace in (b"GPS", b"camera", b"Exif", b"xmp", b"at home"):
        assert trace not in data


def test_a_place_in_xmp_alone_is_seen(tmp_path):
    path = tmp_path / "x.jpg"
    corners().save(path, xmp=XMP)
    assert mw.has_location(path)
    assert not mw.has_location(mw.convert_image(path).source)


def test_the_colour_profile_stays_where_it_is_true(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = photo(tmp_path, icc_profile=profile)
    for how in (mw.strip_image, mw.turn_image, mw.pad_image, mw.scale_image):
        made = how(source)
        with Image.open(made.source) as picture:
            assert picture.info.get("icc_profile") == profile
    print_ready = tmp_path / "cmyk.jpg"
    Image.new("CMYK", (40, 40)).save(print_ready, icc_profile=profile[:16] + b"CMYK" + profile[20:])
    with Image.open(mw.strip_image(print_ready).source) as picture:
        assert (picture.mode, picture.info.get("icc_profile")) == ("RGB", None)


@pytest.mark.parametrize(
    ("kind", "mode", "form"),
    [
        ("WEBP", "RGB", "jpeg"), ("WEBP", "RGBA", "png"), ("GIF", "P", "png"), ("BMP", "RGB", "png"),
        ("TIFF", "CMYK", "png"), ("TIFF", "I;16", "png"), ("PNG", "LA", "png"), ("PNG", "1", "png"),
        ("AVIF", "RGB", "png"),
    ],
)  # fmt: skip
def test_every_format_becomes_one_that_is_taken(tmp_path, kind, mode, form):
    source = tmp_path / "named.jpg"
    colour = {"RGBA": (9, 9, 9, 9), "LA": (9, 9), "CMYK": (9, 9, 9, 9), "RGB": (9, 9, 9)}.get(mode, 1)
    Image.new(mode, (50, 40), colour).save(source, kind)
    image = mw.convert_image(source)
    assert (image.format, image.width, image.height) == (form, 50, 40)
    assert Path(image.source).suffix == {"jpeg": ".jpg", "png": ".png"}[form]
    assert mw.convert_image(source, "png").format == "png"
    assert mw.convert_image(source, "jpeg").format == "jpeg"
    with pytest.raises(ClipError, match="jpeg or png"):
        mw.convert_image(source, "bmp")


def test_deep_grey_keeps_its_brightness_and_transparency_becomes_white_in_jpeg(tmp_path):
    deep, clear = tmp_path / "deep.png", tmp_path / "clear.png"
    Image.new("I;16", (50, 40), 40_000).save(deep)
    Image.new("RGBA", (50, 40), (0, 0, 0, 0)).save(clear)
    with Image.open(mw.convert_image(deep).source) as made:
        assert abs(made.convert("L").getpixel((5, 5)) - 156) < 3
    with Image.open(mw.convert_image(clear, "jpeg").source) as made:
        assert near(made.getpixel((5, 5)), (255, 255, 255))


def test_a_heic_photo_becomes_an_upright_jpeg(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    source = tmp_path / "photo.heic"
    heif.from_pillow(corners().resize((480, 320))).save(source, exif=exif_of(6).tobytes(), quality=95)
    assert mw.has_location(source)
    image = mw.convert_image(source)
    assert (image.format, image.width, image.height, image.rotated) == ("jpeg", 320, 480, False)
    with Image.open(image.source) as made:
        assert near(made.getpixel((160, 10)), (250, 0, 0))
    assert not mw.has_location(image.source)


def test_heic_without_its_package_is_said_in_words(tmp_path, monkeypatch):
    source = tmp_path / "photo.heic"
    source.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ClipError, match=r"motion-widgets\[heic\]"):
        mw.convert_image(source)


def test_shrinking_goes_by_quality_first_then_by_sides(tmp_path, monkeypatch):
    source = tmp_path / "noise.png"
    Image.effect_noise((1000, 800), 120).convert("RGB").save(source)
    sizes = []
    for limit in (800_000, 240_000, 100_000):
        monkeypatch.setattr(room, "LIMITS", replace(room.LIMITS, image_bytes=limit))
        image = mw.shrink_image(source, to=tmp_path / f"{limit}.jpg")
        assert (image.format, image.size <= limit) == ("jpeg", True)
        assert image.aspect == pytest.approx(1.25, abs=0.02)
        sizes.append(image.width)
    assert sizes[0] == 1000
    assert sizes[-1] < 1000
    monkeypatch.setattr(room, "LIMITS", replace(room.LIMITS, image_bytes=9_000))
    with pytest.raises(ClipError) as caught:
        mw.shrink_image(source, to=tmp_path / "small.jpg")
    assert caught.value.code == "mend_worse", "its sides would be too small then"


@pytest.mark.parametrize("sides", [(900, 100), (100, 900), (260, 100), (3, 500), (333, 1000)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_padding_adds_bars_and_cuts_nothing(tmp_path, sides, mode):
    source = tmp_path / "wide.png"
    Image.new(mode, sides, {"RGB": (10, 200, 10), "RGBA": (10, 200, 10, 255), "L": 90}[mode]).save(source)
    image = mw.pad_image(source)
    assert 1 / 2.5 <= image.aspect <= 2.5
    assert max(image.width, image.height) == max(sides)
    with Image.open(image.source) as made:
        assert made.mode == mode
        middle = made.getpixel((made.width // 2, made.height // 2))
        assert middle in {(10, 200, 10), (10, 200, 10, 255), 90}
        corner = made.getpixel((0, 0))
        assert (corner == (0, 0, 0, 0)) if mode == "RGBA" else corner == middle


def test_padding_to_an_aspect_and_enlarging(tmp_path):
    source = photo(tmp_path, 1)
    assert mw.pad_image(source, 9 / 16).aspect == pytest.approx(9 / 16, abs=0.01)
    image = mw.scale_image(source)
    assert (image.width, image.height) == (510, 340)


def test_a_suffix_that_would_lie_is_made_true(tmp_path):
    image = mw.strip_image(photo(tmp_path), to=tmp_path / "named.png")
    assert Path(image.source).name == "named.jpg"
    with pytest.raises(ClipError) as caught:
        mw.strip_image(photo(tmp_path), to=tmp_path / "named.png")
    assert caught.value.code == "mend_exists"


def test_the_same_again_is_found(tmp_path):
    source = photo(tmp_path)
    first = mw.strip_image(source)
    made = Path(first.source).stat().st_ino
    assert Path(mw.strip_image(source).source).stat().st_ino == made


@pytest.mark.parametrize("name", [Path(name).stem + ".jpg" for name in HOSTILE])
def test_hostile_names_do_no_harm(tmp_path, name):
    source = tmp_path / name
    corners().save(source, "JPEG")
    image = mw.strip_image(source)
    assert Path(image.source).parent == tmp_path
    assert image.name.isprintable()


def test_a_cut_off_or_foreign_file_is_said_in_words_and_leaves_nothing(tmp_path):
    data = io.BytesIO()
    Image.effect_noise((300, 300), 90).save(data, "PNG")
    for content in (data.getvalue()[:9000], b"<html></html>", b"\0\0\0\x18ftypheic" + bytes(50)):
        source = tmp_path / "a.png"
        source.write_bytes(content)
        with pytest.raises(ClipError) as caught:
            mw.convert_image(source)
        assert caught.value.code == "not_image"
        assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_cancelled_mend_leaves_nothing(tmp_path):
    source, cancel = photo(tmp_path), threading.Event()
    with pytest.raises(ClipError) as caught:
        mw.convert_image(source, cancel=cancel, progress=lambda share: share > 0.5 and cancel.set())
    assert caught.value.code == "mend_cancelled"
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_full_disk_is_said_in_words(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    source = photo(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ClipError, match=r"No space left on device.*Free some space"):
        mw.strip_image(source)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_place_in_an_image_is_measured(tmp_path, server):
    source = photo(tmp_path)
    assert mw.measure_image(source).has_location
    assert mw.measure_image(server.put("a.jpg", source.read_bytes())).has_location
    assert not mw.strip_image(source).has_location
    assert mw.turn_image(source).has_location, "only its turn was asked for"


def in_xmp(turn: int) -> bytes:
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><e tiff:Orientation="%d"/></x:xmpmeta>' % turn


def saved(folder: Path, kind: str, turn: int) -> Path:
    """Write the red and blue halves in a way that says how they are turned."""
    exif = Image.Exif()
    exif[TURN] = turn
    path = folder / "turned"
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", in_xmp(turn).decode(), zip=kind == "PNG, packed XMP")
    tags = {700: in_xmp(turn)} if kind == "TIFF, XMP" else {}
    options = {
        "TIFF": {"exif": exif}, "TIFF, packed": {"exif": exif, "compression": "tiff_lzw"},
        "JPEG, XMP": {"xmp": in_xmp(turn), "quality": 95}, "WEBP, XMP": {"xmp": in_xmp(turn), "quality": 95},
        "PNG, XMP": {"pnginfo": text}, "PNG, packed XMP": {"pnginfo": text}, "TIFF, XMP": {"tiffinfo": tags},
        "PNG": {"exif": exif}, "AVIF": {"exif": exif, "quality": 95},
        "AVIF, mif1": {"exif": exif, "quality": 95},
    }[kind]  # fmt: skip
    corners().save(path, kind.partition(",")[0], **options)
    if kind == "AVIF, mif1":
        data = path.read_bytes()
        path.write_bytes(data[:8] + b"mif1" + data[12:])
    return path


@pytest.mark.parametrize("turn", [1, 2, 3, 6, 8])
@pytest.mark.parametrize(
    "kind",
    [
        "TIFF", "TIFF, packed", "TIFF, XMP", "JPEG, XMP", "WEBP, XMP", "PNG", "PNG, XMP", "PNG, packed XMP",
        "AVIF", "AVIF, mif1",
    ],
)  # fmt: skip
def test_a_turn_is_measured_and_mended_once_wherever_it_is_noted(tmp_path, kind, turn):
    source = saved(tmp_path, kind, turn)
    measured, image = mw.measure_image(source), mw.convert_image(source)
    assert (measured.width, measured.height) == ((80, 120) if turn > 4 else (120, 80))
    assert (image.width, image.height, image.rotated) == (measured.width, measured.height, False)
    assert measured.rotated is (turn > 1)
    red, blue = (250, 0, 0), (0, 0, 250)
    first = {1: red, 2: blue, 3: blue, 6: red, 8: blue}[turn]
    with Image.open(image.source) as made, Image.open(io.BytesIO(thumbnail(source, 120))) as small:
        assert near(made.convert("RGB").getpixel((3, 3)), first)
        assert near(small.convert("RGB").getpixel((3, 3)), first)
        assert small.size == made.size


def deep_tiff(order: str, photometric: int, turn: int = 1, bits: int = 16, form: int = 1) -> bytes:
    """Write a TIFF of one grey channel by hand, from dark on the left to bright on the right."""
    width, height = 40, 20
    shares = [x / (width - 1) for x in range(width)] * height
    code = {(16, 1): "H", (16, 2): "h", (32, 1): "I", (32, 3): "f"}[bits, form]
    white = 1.0 if form == 3 else 2 ** (bits - (form == 2)) - 1
    shown = [white * (share if photometric else 1 - share) for share in shares]
    data = b"".join(struct.pack(order + code, value if form == 3 else round(value)) for value in shown)
    short = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (274, turn)]
    short += [(277, 1), (278, height), (279, len(data)), (339, form)]
    rows = b"".join(
        struct.pack(order + "HHI", tag, 3, 1) + struct.pack(order + "HH", value, 0) for tag, value in short
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return head + data + struct.pack(order + "H", len(short)) + rows + bytes(4)


@pytest.mark.parametrize("turn", [1, 3, 6])
@pytest.mark.parametrize(("order", "photometric"), [("<", 0), ("<", 1), (">", 1)])
def test_sixteen_bits_of_grey_keep_their_brightness(tmp_path, order, photometric, turn):
    source = tmp_path / "deep.tif"
    source.write_bytes(deep_tiff(order, photometric, turn))
    image = mw.convert_image(source)
    assert (image.width, image.height) == ((20, 40) if turn == 6 else (40, 20))
    with Image.open(image.source) as made, Image.open(io.BytesIO(thumbnail(source, 40))) as small:
        ends = ((0, 0), (image.width - 1, image.height - 1))
        dark, bright = ends[::-1] if turn == 3 else ends
        for picture in (made.convert("L"), small.convert("L")):
            assert picture.getpixel(dark) < 14
            assert picture.getpixel(bright) > 241


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("bits", "form"), [(16, 2), (32, 1), (32, 3)], ids=["signed", "32 bits", "float"])
def test_numbers_that_do_not_say_what_white_is_are_refused_in_one_sentence(tmp_path, order, bits, form):
    source = tmp_path / "deep.tif"
    source.write_bytes(deep_tiff(order, 1, bits=bits, form=form))
    for how in (mw.measure_image, mw.convert_image, thumbnail):
        with pytest.raises(ClipError) as caught:
            how(source)
        assert caught.value.code in {"image_depth", "not_image"}


@pytest.mark.parametrize("how", [mw.strip_image, mw.convert_image, mw.scale_image, mw.pad_image])
def test_a_png_full_of_notes_is_mended_without_them(tmp_path, how):
    source, text = tmp_path / "workflow.png", PngInfo()
    text.add_text("workflow", "node " * 500_000, zip=True)
    corners().resize((480, 320)).save(source, pnginfo=text)
    image = how(source)
    assert (image.format, image.width, image.height) == ("png", 510 if how is mw.scale_image else 480,
                                                         340 if how is mw.scale_image else 320)  # fmt: skip
    data = Path(image.source).read_bytes()
    assert b"zTXt" not in data
    with Image.open(io.BytesIO(data)) as made:
        assert near(made.getpixel((5, 5)), (250, 0, 0))


def test_colours_of_a_profile_too_large_to_keep_become_srgb(tmp_path):
    """Padded, the profile says what it said; half the red of this one is another red in sRGB."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    large = profile + bytes(2 << 20)
    source, broken = tmp_path / "large.png", tmp_path / "broken.jpg"
    corners().save(source, icc_profile=large)
    corners().save(broken, icc_profile=profile[:36] + b"none" + bytes(2 << 20))
    for path in (source, broken):
        with Image.open(mw.strip_image(path).source) as made:
            assert "icc_profile" not in made.info
            assert near(made.getpixel((3, 3)), (250, 0, 0))
