"""Renders the two icon drawings into the PNG sizes of the Linux icon theme, an .ico and an .icns.

    python packaging/make_icons.py

Run it after a change of resources/icons/*.svg and look at 16, 48 and 256 px before committing the result.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt: rendering needs no display

from PIL import Image
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

PACKAGING = Path(__file__).resolve().parent
ICONS = PACKAGING.parent / "resources" / "icons"
PNG_SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = (32, 64, 128, 256, 512, 1024)  # those Pillow writes, the @2x ones among them
LARGEST_SMALL = 32  # up to here optgui-small.svg: the contour lines of the large one turn to mush


def render(size: int) -> Image.Image:
    """The icon as a square RGBA image, from the drawing made for that size."""
    name = "optgui-small.svg" if size <= LARGEST_SMALL else "optgui.svg"
    renderer = QSvgRenderer(str(ICONS / name))
    if not renderer.isValid():
        raise ValueError(f"expected a drawing that Qt can render, got {ICONS / name}")
    image = QImage(size, size, QImage.Format.Format_RGBA8888_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    image.convertTo(QImage.Format.Format_RGBA8888)
    return Image.frombytes("RGBA", (size, size), bytes(image.constBits()))


def main() -> int:
    """Writes all icon files."""
    app = QGuiApplication(sys.argv[:1])  # gradients and masks need one; kept in a name so that it lives
    for size in PNG_SIZES:
        render(size).save(ICONS / f"optgui-{size}.png", optimize=True)
    largest_first = [render(size) for size in sorted(ICO_SIZES, reverse=True)]
    largest_first[0].save(
        PACKAGING / "optgui.ico", sizes=[(s, s) for s in ICO_SIZES], append_images=largest_first[1:]
    )
    largest_first = [render(size) for size in sorted(ICNS_SIZES, reverse=True)]
    largest_first[0].save(PACKAGING / "optgui.icns", append_images=largest_first[1:])
    del app
    return 0


if __name__ == "__main__":
    sys.exit(main())
