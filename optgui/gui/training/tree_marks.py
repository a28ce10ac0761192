"""The dots of a run's tree, and where its axis has numbers."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

RADIUS = 4.0  # pixels
PALE = 0.4  # of the colour where the run has left a branch


def paint_halo(painter: QPainter, colour: QColor, at: QPointF) -> None:
    """What surrounds the chosen dot."""
    halo = QColor(colour)
    halo.setAlphaF(0.35)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(halo)
    painter.drawEllipse(at, RADIUS + 5, RADIUS + 5)


def paint_dot(painter: QPainter, kind: str, at: QPointF) -> None:
    """A square for the start, a diamond for an edit, a triangle for a mark, a disc for an epoch."""
    r = RADIUS
    match kind:
        case "start":
            painter.drawRect(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r))
        case "edit":
            r += 1
            corners = [QPointF(0, -r), QPointF(r, 0), QPointF(0, r), QPointF(-r, 0)]
            painter.drawPolygon(QPolygonF([at + corner for corner in corners]))
        case "mark":
            r += 1.5
            corners = [QPointF(-r, -r), QPointF(r, -r), QPointF(0, r)]
            painter.drawPolygon(QPolygonF([at + corner for corner in corners]))
        case _:
            painter.drawEllipse(at, r, r)


def round_number(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that is at least `least`."""
    power: int = 10 ** math.floor(math.log10(max(1.0, least)))
    return next(int(power * digit) for digit in (1, 2, 5, 10) if power * digit >= least)
