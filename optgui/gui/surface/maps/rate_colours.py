"""The colours of factors per step, and the bar that says what they mean."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import caption
from optgui.gui.surface.maps.image_layer import packed, rgb

Array = NDArray[np.float64]

SLOWEST, FASTEST = 0.9999, 0.1  # factors at the ends of the scale, which is logarithmic in −ln of the factor
DIVERGES = 0.45  # how grey: share of the muted colour in the background
THICK = 8  # pixels of the bar
WIDE = 32  # characters of the bar


def place(factor: Array | float) -> Array:
    """Where factors below 1 lie on the scale: 0 is the slowest, 1 the fastest."""
    with np.errstate(all="ignore"):
        speed = -np.log(np.clip(factor, FASTEST, SLOWEST))
    low, high = -np.log(SLOWEST), -np.log(FASTEST)
    return np.asarray(np.log(speed / low) / np.log(high / low))


def factor_at(share: float) -> float:
    """The factor at a place of the scale."""
    low, high = -np.log(SLOWEST), -np.log(FASTEST)
    return float(np.exp(-low * (high / low) ** share))


def paint_factors(factors: Array, tokens: theme.Colours) -> NDArray[np.uint32]:
    """ARGB of factors per step: viridis below 1, grey from 1 on, transparent where there is none (NaN)."""
    table = pg.colormap.get("viridis").getLookupTable(nPts=256).astype(np.float64)
    known = np.isfinite(factors)
    places = np.round(255 * place(np.where(known, factors, 0.5))).astype(np.intp)
    colours = table[places]
    colours[known & (factors >= 1)] = grey(tokens)
    return np.where(known, packed(colours), np.uint32(0))


def grey(tokens: theme.Colours) -> Array:
    """The neutral colour of what diverges."""
    return rgb(tokens.plot) * (1 - DIVERGES) + rgb(tokens.muted) * DIVERGES


class ColourBar(QWidget):
    """A strip from slow to fast with three numbers, and the grey of what diverges."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Colours of factors per step: dark is slow, bright is fast, grey diverges")
        self.setToolTip("What is left of the distance after one step: dark is slow, bright is fast")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(caption())
        wide = (WIDE + 16) * metrics.averageCharWidth()
        return QSize(round(wide), round(THICK + metrics.height() + 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme.colours(self)
        metrics = QFontMetricsF(caption())
        painter.setFont(caption())
        inset, wide = 4 * metrics.averageCharWidth(), WIDE * metrics.averageCharWidth()
        strip = QRectF(inset, 0, wide - 2 * inset, THICK)
        factors = np.array([[factor_at(share) for share in np.linspace(0, 1, 128).tolist()]])
        cells = np.ascontiguousarray(paint_factors(factors, tokens))
        painter.drawImage(strip, QImage(cells.data, 128, 1, QImage.Format.Format_ARGB32).copy())
        painter.fillRect(QRectF(wide + inset, 0, 1.5 * inset, THICK), QColor(*grey(tokens).astype(int)))
        painter.setPen(QColor(tokens.muted))
        centre = Qt.AlignmentFlag.AlignCenter
        for share in (0.0, 0.5, 1.0):
            at = strip.left() + share * strip.width()
            below = QRectF(at - 2 * inset, THICK + 1, 4 * inset, metrics.height())
            painter.drawText(below, centre, f"{factor_at(share):.4g}")
        below = QRectF(wide, THICK + 1, 3.5 * inset, metrics.height())
        painter.drawText(below, centre, "diverges")
