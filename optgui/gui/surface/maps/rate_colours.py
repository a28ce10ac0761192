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
DIVERGES, UNSETTLED = 0.45, 0.18  # how grey: shares of the muted colour in the background
THICK = 8  # pixels of the bar
WIDE = 32  # characters of the bar
NEUTRAL = (("diverges", DIVERGES, 14), ("not settled yet", UNSETTLED, 18))  # words, grey, characters


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


def paint_factors(
    factors: Array, tokens: theme.Colours, unsettled: NDArray[np.bool_] | None = None
) -> NDArray[np.uint32]:
    """ARGB of factors per step: viridis below 1, grey from 1 on, transparent where there is none (NaN).

    Where `unsettled` holds, which needs the shape of `factors`, the grey is paler.
    """
    table = pg.colormap.get("viridis").getLookupTable(nPts=256).astype(np.float64)
    known = np.isfinite(factors)
    places = np.round(255 * place(np.where(known, factors, 0.5))).astype(np.intp)
    colours = table[places]
    colours[known & (factors >= 1)] = grey(tokens)
    if unsettled is not None:
        colours[unsettled] = grey(tokens, UNSETTLED)
    return np.where(known, packed(colours), np.uint32(0))


def grey(tokens: theme.Colours, share: float = DIVERGES) -> Array:
    """The neutral colour of what diverges, or a paler one."""
    return rgb(tokens.plot) * (1 - share) + rgb(tokens.muted) * share


class ColourBar(QWidget):
    """A strip from slow to fast with three numbers, and the greys of what diverges or is not settled."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(
            "Colours of factors per step: dark is slow, bright is fast, grey diverges or is not settled"
        )
        self.setToolTip(
            "What is left of the distance after one step: dark is slow, bright is fast. "
            "Not settled: the gradient still grows, though the loss falls."
        )
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(caption())
        wide = (WIDE + 2 + sum(letters for *_, letters in NEUTRAL)) * metrics.averageCharWidth()
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
        painter.setPen(QColor(tokens.muted))
        centre = Qt.AlignmentFlag.AlignCenter
        for share in (0.0, 0.5, 1.0):
            at = strip.left() + share * strip.width()
            below = QRectF(at - 2 * inset, THICK + 1, 4 * inset, metrics.height())
            painter.drawText(below, centre, f"{factor_at(share):.4g}")
        left = wide + inset / 2
        for words, share, letters in NEUTRAL:
            room = letters * metrics.averageCharWidth()
            swatch = QRectF(left + room / 2 - 0.75 * inset, 0, 1.5 * inset, THICK)
            painter.fillRect(swatch, QColor(*grey(tokens, share).astype(int)))
            painter.setPen(QColor(tokens.muted))
            painter.drawRect(swatch.adjusted(0.5, 0.5, -0.5, -0.5))
            painter.drawText(QRectF(left, THICK + 1, room, metrics.height()), centre, words)
            left += room
