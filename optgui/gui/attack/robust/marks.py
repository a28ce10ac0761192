"""How a network looks in the robust plot and its table: colour, and a dash as second cue."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from optgui.gui import theme

NAMES = {"L2": "L2", "Linf": "L∞", "L1": "L1"}
MOST = 6  # networks that can be told apart
CHIP = QSize(26, 12)
# In widths of the pen; dots are the noise's alone.
_DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5, 3),
    (5, 2, 1, 2),
    (10, 3),
    (5, 2, 1, 2, 1, 2),
    (2, 1.5),
)
_DOTS = (1, 2.5)
_PALE = 170  # alpha of the noise


def line_pen(place: int, widget: QWidget) -> QPen:
    """The line of the network at `place` of a measurement."""
    return _pen(place, widget, _DASHES[place % len(_DASHES)])


def noise_pen(place: int, widget: QWidget) -> QPen:
    """The noise of the network at `place`."""
    pen = _pen(place, widget, _DOTS)
    colour = pen.color()
    colour.setAlpha(_PALE)
    pen.setColor(colour)
    return pen


def chip(place: int, widget: QWidget) -> QIcon:
    """A piece of the line, for a row of the table."""
    ratio = widget.devicePixelRatioF()
    picture = QPixmap(CHIP * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(line_pen(place, widget))
    painter.drawLine(0, CHIP.height() // 2, CHIP.width(), CHIP.height() // 2)
    painter.end()
    return QIcon(picture)


def percent(share: float) -> str:
    """A share to a tenth of a percent: `64.3 %`."""
    return f"{100 * share:.1f} %"


def _pen(place: int, widget: QWidget, dashes: tuple[float, ...]) -> QPen:
    pen = QPen(theme.racer_colour(place, widget), 2)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashes:
        pen.setDashPattern(dashes)
    return pen
