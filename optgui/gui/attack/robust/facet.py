"""One small plot of robust accuracy: every network's curve in one norm."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from optgui.core.attack.robust import RobustCurve
from optgui.gui import theme
from optgui.gui.attack.robust.marks import NAMES, line_pen, noise_pen

BAND = 40  # alpha of the confidence band
DOT = 3.5  # pixels
FEW = 110  # pixels of height below which every other number of the y axis stands


class Line(NamedTuple):
    """A curve and the place of its network in the measurement, which is its colour."""

    place: int
    curve: RobustCurve


class Facet:
    """The axes of one norm within a rectangle, which `lay_out` gives."""

    def __init__(self, norm: str, lines: list[Line], widget: QWidget) -> None:
        self.norm, self.lines, self._widget = norm, lines, widget
        self.epsilons = lines[0].curve.epsilons
        self.plot = QRectF()
        self._metrics = QFontMetricsF(widget.font())
        self._first = True

    def lay_out(self, room: QRectF, metrics: QFontMetricsF, *, first: bool) -> None:
        """Stand within `room`; the first of a row has the numbers of y."""
        self._metrics, self._first = metrics, first
        left = metrics.horizontalAdvance("100") + 10 if first else 12
        self.plot = room.adjusted(left, metrics.height() + 6, -14, -metrics.height() - 8)

    def at(self, epsilon: float, share: float = 0.0) -> QPointF:
        """The pixel of a radius and a share of digits."""
        plot = self.plot
        across = epsilon / float(self.epsilons[-1])
        return QPointF(plot.left() + across * plot.width(), plot.bottom() - share * plot.height())

    def nearest(self, position: QPointF) -> int:
        """Which radius is nearest to a pixel."""
        across = (position.x() - self.plot.left()) / max(1.0, self.plot.width())
        return int(np.abs(self.epsilons - across * self.epsilons[-1]).argmin())

    def paint(self, painter: QPainter, title: str) -> None:
        """Axes, bands, noise and curves."""
        tokens = theme.colours(self._widget)
        self._paint_axes(painter, tokens, title)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in self.lines:
            self._paint_band(painter, line)
        for line in self.lines:
            if line.curve.noise is not None:
                painter.setPen(noise_pen(line.place, self._widget))
                painter.drawPolyline(self._points(line.curve.noise))
        for line in reversed(self.lines):
            painter.setPen(line_pen(line.place, self._widget))
            painter.drawPolyline(self._points(line.curve.robust))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._name_noise(painter, tokens)

    def paint_epsilon(self, painter: QPainter, epsilon: float) -> None:
        """A line at the radius of the tab's attack, where it lies within the axes."""
        if not 0 < epsilon <= self.epsilons[-1]:
            return
        tokens = theme.colours(self._widget)
        painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DashLine))
        top = self.at(epsilon, 1)
        painter.drawLine(QLineF(top, self.at(epsilon)))
        words = f"ε = {epsilon:.4g}"
        wide = self._metrics.horizontalAdvance(words)
        left = top.x() + 4 if top.x() + 4 + wide <= self.plot.right() else top.x() - 4 - wide
        painter.drawText(QPointF(left, self.plot.center().y()), words)

    def paint_cursor(self, painter: QPainter, index: int) -> None:
        """A line at a radius with a dot on every curve."""
        tokens = theme.colours(self._widget)
        epsilon = float(self.epsilons[index])
        painter.setPen(QPen(QColor(tokens.muted), 0))
        painter.drawLine(QLineF(self.at(epsilon, 1), self.at(epsilon)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self.lines:
            painter.setPen(QPen(QColor(tokens.plot), 1.5))
            painter.setBrush(line_pen(line.place, self._widget).color())
            painter.drawEllipse(self.at(epsilon, float(line.curve.robust[index])), DOT, DOT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _points(self, shares: NDArray[np.float64]) -> QPolygonF:
        pairs = zip(self.epsilons.tolist(), shares.tolist(), strict=True)
        return QPolygonF([self.at(epsilon, share) for epsilon, share in pairs])

    def _paint_band(self, painter: QPainter, line: Line) -> None:
        colour = line_pen(line.place, self._widget).color()
        colour.setAlpha(BAND)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        lower, upper = self._points(line.curve.low), self._points(line.curve.high)
        painter.drawPolygon(QPolygonF([*lower.toList(), *reversed(upper.toList())]))
        painter.restore()

    def _paint_axes(self, painter: QPainter, tokens: theme.Colours, title: str) -> None:
        metrics, plot = self._metrics, self.plot
        rule, muted = QPen(QColor(tokens.rule), 1), QPen(QColor(tokens.muted), 1)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            level = round(self.at(0, share).y())
            painter.setPen(rule)
            painter.drawLine(QLineF(plot.left(), level, plot.right(), level))
            if self._first and (plot.height() >= FEW or share in (0.0, 0.5, 1.0)):
                painter.setPen(muted)
                number = f"{100 * share:.0f}"
                left = plot.left() - 6 - metrics.horizontalAdvance(number)
                painter.drawText(QPointF(left, level + metrics.ascent() / 2 - 1), number)
        label = "ε (px)"
        end = plot.right() - metrics.horizontalAdvance(label)
        baseline = plot.bottom() + 5 + metrics.ascent()
        painter.setPen(muted)
        painter.drawText(QPointF(end, baseline), label)
        marks = ticks(float(self.epsilons[-1]), plot.width() / (8 * metrics.averageCharWidth()))
        for mark in marks:
            at = self.at(mark).x()
            painter.setPen(rule)
            painter.drawLine(QLineF(round(at), plot.top(), round(at), plot.bottom()))
            number = f"{mark:.4g}"
            wide = metrics.horizontalAdvance(number)
            if at + wide / 2 + 4 <= end:
                painter.setPen(muted)
                painter.drawText(QPointF(at - wide / 2, baseline), number)
        above = plot.top() - 6
        painter.setPen(QColor(tokens.text))
        painter.drawText(QPointF(plot.left(), above), NAMES[self.norm])
        painter.setPen(muted)
        beside = plot.left() + metrics.horizontalAdvance(f"{NAMES[self.norm]}   ")
        words = metrics.elidedText(title, Qt.TextElideMode.ElideRight, plot.right() - beside)
        painter.drawText(QPointF(beside, above), words)

    def _name_noise(self, painter: QPainter, tokens: theme.Colours) -> None:
        """One word below the ends of the dotted lines."""
        ends = [float(line.curve.noise[-1]) for line in self.lines if line.curve.noise is not None]
        if not ends:
            return
        metrics = self._metrics
        end = self.at(float(self.epsilons[-1]), min(ends))
        level = min(end.y() + metrics.height(), self.plot.bottom() - metrics.descent() - 2)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(end.x() - metrics.horizontalAdvance("noise") - 4, level), "noise")


def ticks(most: float, count: float) -> list[float]:
    """Round numbers from 0 to `most`, about `count` of them at the most."""
    rough = most / max(1.0, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [step * place for place in range(int(most / step * (1 + 1e-9)) + 1)]
