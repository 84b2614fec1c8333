"""A drawing of lines, boxes and words that becomes SVG or PNG.

In SVG it takes the colours of the page and the fonts of the reader's machine, so it reads in light and dark
and has every script; nothing is said by colour alone, so it prints in grey. PNG is drawn by Pillow, with the
first font of this machine that has all characters.
"""

from __future__ import annotations

import functools
import io
import os
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import LogError
from motion_widgets.core.files import write_whole
from motion_widgets.core.html import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Drawing", "write"]

_SIZE = 13
"""px; height of the words."""
_SCALE = 2
"""px of a PNG for each px of the drawing."""
_ACCENT, _SOFT = "#3574d6", "#8a8f98"
"""Readable on white and on black."""
_LOOK = (
    "max-width:100%;height:auto;color-scheme:light dark;font-family:system-ui,sans-serif;"
    "color:var(--jp-ui-font-color1,CanvasText);background:var(--jp-layout-color1,Canvas)"
)
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts")
_FONTS = ("NotoSansCJK", "NotoSansJP", "SourceHanSans", "ipag", "Hiragino", "YuGoth", "meiryo", "msgothic")
"""Fonts with Japanese, by how their files' names begin."""


@dataclass
class Drawing:
    """Shapes on a sheet.

    Attributes
    ----------
    width, height
        px.
    text
        What it shows, in words, for those who do not see it.
    """

    width: int
    height: int
    text: str
    _shapes: list[tuple[Any, ...]] = field(default_factory=list, repr=False)

    def line(
        self, x: float, y: float, x2: float, y2: float, *, dotted: bool = False, bold: bool = False
    ) -> None:
        """Draw a line; a bold one is an interval."""
        self._shapes.append(("line", x, y, x2, y2, dotted, bold))

    def dot(self, x: float, y: float, *, hollow: bool = False) -> None:
        """Draw a point; a hollow one is something left out."""
        self._shapes.append(("dot", x, y, hollow))

    def words(self, x: float, y: float, said: object, *, anchor: str = "start", most: int = 40) -> None:
        """Write words with their middle at `y`; `anchor`: ``start``, ``middle`` or ``end`` stands at `x`.

        They are cut off where they would take more room than `most` Latin letters.
        """
        text = str(said)
        ends = list(accumulate(2 if east_asian_width(sign) in "WF" else 1 for sign in text))
        if ends and ends[-1] > most:
            text = f"{text[: sum(end < most for end in ends)]}\u2026"
        self._shapes.append(("words", x, y, text, anchor))

    def svg(self) -> str:
        """Return it as SVG."""
        shapes = "".join(_svg(one) for one in self._shapes)
        said = escape(self.text)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" width="{self.width}" '
            f'viewBox="0 0 {self.width} {self.height}" style="{_LOOK}" font-size="{_SIZE}">'
            f"<title>{said}</title>{shapes}</svg>"
        )

    def png(self, *, dark: bool = False) -> bytes:
        """Return it as PNG, on white or on black."""
        from PIL import Image, ImageDraw, PngImagePlugin

        back, ink = ("#111318", "#f2f3f5") if dark else ("#ffffff", "#15171c")
        image = Image.new("RGB", (self.width * _SCALE, self.height * _SCALE), back)
        pen = ImageDraw.Draw(image)
        for shape in self._shapes:
            _draw(pen, shape, ink, back)
        said = PngImagePlugin.PngInfo()
        said.add_itxt("Description", self.text)
        written = io.BytesIO()
        image.save(written, "PNG", pnginfo=said)
        return written.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write it to a file, by its ending ``.svg`` or ``.png``, and return the path.

        Raises
        ------
        LogError
            Another ending, or the file cannot be written.
        """
        path = path_of(path, LogError)
        kinds = {".svg": lambda: self.svg().encode(), ".png": self.png}
        if path.suffix.lower() not in kinds:
            raise LogError.of("plot_kind", name=path.name)
        return write(path, kinds[path.suffix.lower()]())

    def _repr_html_(self) -> str:
        return self.svg()


def write(path: Path, content: str | bytes) -> Path:
    """Write what somebody asked for to a file, whole or not at all.

    Raises
    ------
    LogError
        It cannot be written.
    """
    try:
        return write_whole(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogError.of("export_failed", name=str(path), reason=reason) from error


def _svg(shape: tuple[Any, ...]) -> str:
    kind, x, y, *rest = shape
    if kind == "line":
        x2, y2, dotted, bold = rest
        look = f'stroke="{_ACCENT}" stroke-width="5"' if bold else f'stroke="{_SOFT}"'
        dashes = ' stroke-dasharray="3 4"' if dotted else ""
        return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}{dashes}/>'
    if kind == "dot":
        fill = "none" if rest[0] else "currentColor"
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="currentColor" stroke-width="2"/>'
        )
    text, anchor = rest
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle" '
        f'fill="currentColor" unicode-bidi="isolate">{escape(text)}</text>'
    )


def _draw(pen: Any, shape: tuple[Any, ...], ink: str, back: str) -> None:
    """Draw a shape with Pillow."""
    kind, x, y, *rest = shape
    x, y = x * _SCALE, y * _SCALE
    if kind == "line":
        x2, y2, dotted, bold = rest
        colour, width = (_ACCENT, 5 * _SCALE) if bold else (_SOFT, _SCALE)
        for start, end in _dashes(x, y, x2 * _SCALE, y2 * _SCALE, dotted=dotted):
            pen.line((*start, *end), fill=colour, width=width)
    elif kind == "dot":
        radius = 5 * _SCALE
        fill = back if rest[0] else ink
        pen.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=fill, outline=ink, width=2 * _SCALE
        )
    else:
        text, anchor = "".join(" " if sign.isspace() else sign for sign in rest[0]), rest[1]
        sides = {"start": "lm", "middle": "mm", "end": "rm"}
        pen.text((x, y), text, font=_font(text), fill=ink, anchor=sides[anchor])


def _dashes(
    x: float, y: float, x2: float, y2: float, *, dotted: bool
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield a line, or the pieces of a dotted one."""
    pieces = max(1, round((abs(x2 - x) + abs(y2 - y)) / 7 / _SCALE)) if dotted else 1
    for piece in range(pieces):
        start, end = piece / pieces, (piece + (0.4 if dotted else 1)) / pieces
        yield (x + start * (x2 - x), y + start * (y2 - y)), (x + end * (x2 - x), y + end * (y2 - y))


def _font(text: str) -> Any:
    """Return the first font that has all characters of a text; where none has them, Pillow's own."""
    from PIL import ImageFont

    own = ImageFont.load_default(_SIZE * _SCALE)
    if _has(own, text):
        return own
    found = (ImageFont.truetype(path, _SIZE * _SCALE) for path in _font_files())
    return next((font for font in found if _has(font, text)), own)


def _has(font: Any, text: str) -> bool:
    """Return whether a font has all characters: one that it lacks looks like one that nobody has."""
    lacking = bytes(font.getmask("\U0010fffd"))
    return all(bytes(font.getmask(sign)) != lacking for sign in set(text) if not sign.isspace())


@functools.cache
def _font_files() -> list[str]:
    """Return the fonts of this machine, those with Japanese first."""
    home = Path.home()
    windows = Path(os.path.expandvars("%WINDIR%")) / "Fonts"
    folders = [
        *map(Path, _FOLDERS),
        home / ".fonts",
        home / ".local/share/fonts",
        home / "Library/Fonts",
        windows,
    ]
    files = [
        path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]  # fmt: skip
    return [str(path) for path in sorted(files, key=lambda path: not path.name.startswith(_FONTS))]
