"""Every mend of every kind of picture, decoded again by Pillow: upright, its colours kept, in JPEG or PNG."""

from __future__ import annotations

import struct
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.repair.judge import findings_of
from tests.media.drawn import COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable

Method = Image.Transpose
STORED = {
    2: Method.FLIP_LEFT_RIGHT, 3: Method.ROTATE_180, 4: Method.FLIP_TOP_BOTTOM, 5: Method.TRANSPOSE,
    6: Method.ROTATE_90, 7: Method.TRANSVERSE, 8: Method.ROTATE_270,
}  # fmt: skip
"""How a picture is stored that is shown upright in this orientation."""
MENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "turn": ("turn_image", {}),
    "strip": ("strip_image", {}),
    "convert": ("convert_image", {}),
    "shrink": ("shrink_image", {}),
    "scale": ("scale_image", {"least": 420}),
    "pad": ("pad_image", {"aspect": 1.0}),
}
SIDES = (360, 310)


def quarters(sides: tuple[int, int] = SIDES) -> Image.Image:
    """Four coloured quarters."""
    wide, tall = sides
    drawn = np.empty((tall, wide, 3), np.uint8)
    x, y = wide // 2, tall // 2
    drawn[:y, :x], drawn[:y, x:], drawn[y:, :x], drawn[y:, x:] = COLOURS
    return Image.fromarray(drawn)


def turned(orientation: int, **options: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture = quarters().transpose(STORED[orientation]) if orientation > 1 else quarters()
        picture.save(path, exif=exif, **options)

    return save


def saved(mode: str = "RGB", **options: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        picture = quarters()
        picture = picture.quantize(64) if mode == "P" else picture.convert(mode)
        picture.save(path, **options)

    return save


def moving(path: Path) -> None:
    quarters().save(path, save_all=True, append_images=[quarters().rotate(180)], duration=100)


def clear(mode: str) -> Callable[[Path], None]:
    """Transparent along the edges."""

    def save(path: Path) -> None:
        picture = quarters().convert("RGBA")
        alpha = Image.new("L", SIDES, 0)
        alpha.paste(255, (20, 20, SIDES[0] - 20, SIDES[1] - 20))
        picture.putalpha(alpha)
        picture.convert(mode).save(path)

    return save


def placed(path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    quarters().save(path, exif=exif, quality=95)


def workflow(path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("workflow", "abcdefgh" * 200_000, zip=True)
    quarters().save(path, pnginfo=notes)


def profiled(path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    quarters().save(path, icc_profile=profile, quality=95)


def sixteen(order: str) -> Callable[[Path], None]:
    """Write a grey TIFF of 16 bits by hand."""

    def save(path: Path) -> None:
        grey = np.asarray(quarters().convert("L")).astype(f"{order}u2") * 257
        tall, wide = grey.shape
        short = lambda value: value << 16 if order == ">" else value  # noqa: E731
        tags = [
            (256, 3, short(wide)), (257, 3, short(tall)), (258, 3, short(16)), (259, 3, short(1)),
            (262, 3, short(1)), (273, 4, 8), (277, 3, short(1)), (278, 3, short(tall)), (279, 4, grey.nbytes),
        ]  # fmt: skip
        rows = b"".join(struct.pack(f"{order}HHII", tag, kind, 1, value) for tag, kind, value in tags)
        head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8 + grey.nbytes)
        path.write_bytes(head + grey.tobytes() + struct.pack(f"{order}H", len(tags)) + rows + bytes(4))

    return save


def sixteen_png(path: Path) -> None:
    Image.fromarray(np.asarray(quarters().convert("L")).astype(np.uint16) * 257).save(path)


def floats(path: Path) -> None:
    grey = np.asarray(quarters().convert("L")).astype(np.float32) / 255
    Image.fromarray(grey, "F").save(path)


def heic(orientation: int) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        heif = pytest.importorskip("pillow_heif")
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture = quarters().transpose(STORED[orientation]) if orientation > 1 else quarters()
        heif.from_pillow(picture).save(path, quality=95, exif=exif.tobytes())

    return save


KINDS: dict[str, Callable[[Path], None]] = {
    **{f"turned-{one}.jpg": turned(one, quality=95) for one in (1, *STORED)},
    "turned-6.png": turned(6), "turned-8.webp": turned(8, quality=95), "turned-6.tif": turned(6),
    "turned-3.tif": turned(3), "turned-5.tif": turned(5), "turned-6.avif": turned(6, quality=95),
    "plain.jpg": saved(quality=95), "progressive.jpg": saved(quality=95, progressive=True),
    "full-colour.jpg": saved(quality=95, subsampling=0), "grey.jpg": saved("L", quality=95),
    "cmyk.jpg": saved("CMYK", quality=95), "placed.jpg": placed, "profile.jpg": profiled,
    "two-pictures.mpo": moving, "plain.png": saved(), "grey.png": saved("L"), "palette.png": saved("P"),
    "black-white.png": saved("1"), "clear.png": clear("RGBA"), "clear-grey.png": clear("LA"),
    "clear-palette.png": clear("P"), "workflow.png": workflow, "moving.png": moving,
    "sixteen.png": sixteen_png,
    "lossy.webp": saved(quality=95), "lossless.webp": saved(lossless=True), "clear.webp": clear("RGBA"),
    "moving.webp": moving, "still.gif": saved("P"), "moving.gif": moving, "plain.bmp": saved(),
    "palette.bmp": saved("P"), "plain.tif": saved(), "packed.tif": saved(compression="tiff_lzw"),
    "cmyk.tif": saved("CMYK"), "little-16.tif": sixteen("<"), "big-16.tif": sixteen(">"), "float.tif": floats,
    "plain.avif": saved(quality=95), "plain.jp2": saved(), "plain.ppm": saved(), "plain.tga": saved(),
    "photo.heic": heic(1), "turned-6.heic": heic(6),
}  # fmt: skip
SHIPPED = {
    "jupyter_server": ["static/logo/logo.png"],
    "ipykernel": ["resources/logo-64x64.png", "resources/logo-32x32.png"],
    "distributed": [f"http/static/images/{name}.png" for name in ("numpy", "pandas")],
    "ipywidgets": ["widgets/tests/data/jupyter-logo-transparent.png"],
    "playwright": ["driver/package/lib/server/chromium/appIcon.png"],
}
"""Pictures that nobody here made, by the package that ships them."""
MAY_REFUSE = {"float.tif"}
"""What one sentence may refuse: nobody knows which number is white."""


@cache
def content(name: str, folder: Path) -> Path:
    path = folder / name
    KINDS[name](path)
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


def mended(path: Path, mend: str, folder: Path) -> mw.Image:
    made = mw.mend(path, mw.Operation(*MENDS[mend]), to=folder).measure()
    assert isinstance(made, mw.Image)
    return made


def sides(mend: str, before: tuple[int, int]) -> tuple[int, int]:
    """Return the sides that a mend gives."""
    if mend == "pad":
        return max(before), max(before)
    factor = max(1.0, 420 / min(before)) if mend == "scale" else 1.0
    return round(before[0] * factor), round(before[1] * factor)


@pytest.mark.parametrize("mend", MENDS)
@pytest.mark.parametrize("name", KINDS)
def test_what_was_shown_is_shown(name, mend, pictures, tmp_path):
    path = content(name, pictures)
    try:
        made = mended(path, mend, tmp_path)
    except ClipError as error:
        if name not in MAY_REFUSE or name not in str(error):
            raise
        return
    assert (made.width, made.height) == pytest.approx(sides(mend, SIDES), abs=1)
    assert made.format in mw.LIMITS.image_formats
    assert not made.rotated
    assert mend == "turn" or not made.has_location
    with Image.open(made.source) as opened:
        opened.load()
        assert opened.size == (made.width, made.height)
        shown = opened.convert("RGB")
    wide, tall = (made.width, made.height) if mend != "pad" else SIDES
    grey = name.startswith(("grey", "clear-grey", "sixteen", "little", "big", "float"))
    wanted = np.asarray(quarters().convert("L").convert("RGB") if grey else quarters())
    if name.startswith("black-white"):  # in dots
        mean = np.asarray(shown).mean()
        assert mend == "pad" or mean == pytest.approx(np.asarray(wanted).mean(), abs=6)
        return
    for x, y in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        found = shown.getpixel((made.width // 2 + x * wide // 4, made.height // 2 + y * tall // 4))
        right = wanted[SIDES[1] // 2 + y * SIDES[1] // 4, SIDES[0] // 2 + x * SIDES[0] // 4]
        assert np.abs(np.array(found) - right).max() <= 10, (found, right)


def on_white(picture: Image.Image) -> Image.Image:
    shown = ImageOps.exif_transpose(picture).convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    return ground.convert("RGB")


def shipped() -> list[Any]:
    found = []
    for package, names in SHIPPED.items():
        spec = find_spec(package)
        where = Path(spec.origin).parent if spec and spec.origin else None
        found += [pytest.param(where and where / name, id=f"{package}-{Path(name).name}") for name in names]
    return found


@pytest.mark.parametrize("path", shipped())
def test_pictures_that_nobody_here_made(path, tmp_path):
    if path is None or not path.exists():
        pytest.skip("this version ships it no more")
    with Image.open(path) as opened:
        before = on_white(opened)
    for mend in MENDS:
        made = mended(path, mend, tmp_path)
        assert (made.width, made.height) == pytest.approx(sides(mend, before.size), abs=1)
        if mend == "pad":
            continue
        with Image.open(made.source) as opened:
            after = on_white(opened).resize(before.size)
        assert np.abs(np.asarray(after).mean((0, 1)) - np.asarray(before).mean((0, 1))).max() < 4, mend


@pytest.mark.parametrize("name", KINDS)
def test_offers_end_valid(name, pictures, tmp_path):
    """What is offered is followed; at most three steps, and nothing is offered then."""
    source: Any = content(name, pictures)
    try:
        image: mw.Image | ClipError = mw.measure_image(source)
    except ClipError as error:
        image = error
    for step in range(4):
        request = mw.MotionRequest(image_url="hero.png" if isinstance(image, ClipError) else image)
        found = [one for one in mw.check(request, image=image) if one.field == "image_url"]
        offers = [mend for one in found for mend in mw.mends_for(one, image=image)]
        if not offers:
            break
        assert step < 3
        try:
            image = mw.mend(source, offers[0], to=tmp_path).measure()  # type: ignore[assignment]
        except ClipError as error:
            if name not in MAY_REFUSE or name not in str(error):
                raise
            return
        source = image.source
    if isinstance(image, ClipError):
        assert name in str(image)
    else:
        assert findings_of(image, only_errors=True) == {}
