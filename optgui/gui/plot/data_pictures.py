"""Four pictures of problems with data: a fitted line, two classes, a margin, and a polygon with levels."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPen
from PySide6.QtWidgets import QGraphicsRectItem, QWidget

from optgui.core.constraints import Polygon
from optgui.core.surface import SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.data_lines import Array, Heads, Lines, Picture, View, chord
from optgui.gui.plot.data_points import CLASSES, Rows

ACTIVE = 1e-6  # how near to equality a constraint counts as active
LEVELS = 11
SHADE = 75  # alpha of the shading where the model is sure
ARROW_PX, HEAD_PX = 56, 9


class FittedLines(Picture):
    """The line v = w u + b of each racer at (w, b), and how far the chosen one misses each point."""

    round = False
    axes = ("u", "v")

    def __init__(self, plot: pg.PlotWidget, widget: QWidget) -> None:
        super().__init__(plot, widget)
        self.residuals = self.add(pg.PlotCurveItem(connect="pairs"), 3)

    def draw(self, config: SurfaceConfig, rows: Rows, heads: Heads, chosen: int | None, view: View) -> str:
        self.lines.draw({i: chord((w, -1.0), -b, view) for i, (w, b) in heads.items()}, chosen)
        self.residuals.setVisible(chosen is not None)
        if chosen is None:
            return ""
        w, b = heads[chosen]
        u, v = np.array(rows)[:, :2].T
        high = 1000 * view.rect.height()
        fitted = np.clip(w * u + b, view.centre[1] - high, view.centre[1] + high)
        self.residuals.setData(u.repeat(2), np.stack([v, fitted], axis=1).ravel())
        colour = theme.racer_colour(chosen, self.widget)
        colour.setAlpha(150)
        self.residuals.setPen(pg.mkPen(colour, width=1))
        return f"Fitted line: v = {plain(w)} u {signed(b)}"


class Classes(Picture):
    """The line w · u = 0 of each racer at w, and how sure the chosen one is of each class."""

    labelled = True
    through_zero = True

    def __init__(self, plot: pg.PlotWidget, widget: QWidget) -> None:
        super().__init__(plot, widget)
        self.shade = self.add(QGraphicsRectItem(), -20)
        self.shade.setPen(QPen(Qt.PenStyle.NoPen))

    def draw(self, config: SurfaceConfig, rows: Rows, heads: Heads, chosen: int | None, view: View) -> str:
        self.lines.draw({i: chord(w, 0.0, view) for i, w in heads.items()}, chosen)
        w = heads[chosen] if chosen is not None else np.zeros(2)
        self.shade.setVisible(bool(0 < w @ w < math.inf))
        if chosen is None:
            return ""
        if not w.any():
            return "No decision line: w = 0"
        if self.shade.isVisible():
            self.shade.setRect(view.rect)
            self.shade.setBrush(self._sigmoid(w))
        data = np.array(rows)
        right = int(np.sum(data[:, :2] @ w * data[:, 2] > 0))
        return f"Decision line: {plain(w[0])} u₁ {signed(w[1])} u₂ = 0, {right} of {len(rows)} points right"

    def _sigmoid(self, w: Array) -> QLinearGradient:
        """Shades of sigmoid(w · u): nearly all of it happens where |w · u| < 6."""
        squared = float(w @ w)
        x, y = 6.0 * w / squared
        gradient = QLinearGradient(QPointF(-x, -y), QPointF(x, y))
        series = theme.colours(self.widget).series
        for place in np.linspace(0.0, 1.0, 25):
            sure = math.tanh((12 * place - 6) / 2)  # 2 sigmoid − 1
            colour = QColor(series[CLASSES[1.0 if sure > 0 else -1.0][1]])
            colour.setAlpha(round(SHADE * abs(sure)))
            gradient.setColorAt(float(place), colour)
        return gradient


class Margins(Picture):
    """The line w · u = b of each racer at w with its margin, and the points that touch or violate it."""

    labelled = True

    def __init__(self, plot: pg.PlotWidget, widget: QWidget) -> None:
        super().__init__(plot, widget)
        self.edges = Lines(self, 4, thin=True)
        self.support = self.add(pg.ScatterPlotItem(symbol="o", size=21, brush=None), 12)
        self.violated = self.add(pg.ScatterPlotItem(symbol="x", size=21), 11)
        self.recolour()

    def recolour(self) -> None:
        super().recolour()
        tokens = theme.colours(self.widget)
        self.edges.recolour()
        self.support.setPen(pg.mkPen(tokens.text, width=1.5))
        self.violated.setPen(pg.mkPen(tokens.plot, width=1))
        self.violated.setBrush(pg.mkBrush(tokens.text))

    def draw(self, config: SurfaceConfig, rows: Rows, heads: Heads, chosen: int | None, view: View) -> str:
        b = float(config.values["b"])
        self.lines.draw({i: chord(w, b, view) for i, w in heads.items()}, chosen)
        self.edges.draw(
            {i: np.vstack([chord(w, b - 1, view), chord(w, b + 1, view)]) for i, w in heads.items()}, chosen
        )
        data = np.array(rows)
        w = heads[chosen] if chosen is not None else np.zeros(2)
        slack = (data[:, :2] @ w - b) * data[:, 2] - 1
        known = chosen is not None
        support, violated = known & (np.abs(slack) <= ACTIVE), known & (slack < -ACTIVE)
        self.support.setData(pos=data[support, :2])
        self.violated.setData(pos=data[violated, :2])
        if chosen is None:
            return ""
        if not w.any():
            return "No margin: w = 0"
        words = f"Margin {2 / math.hypot(*w):.3g}, {counted(int(support.sum()), 'support vector')}"
        return words + (f", {int(violated.sum())} violated" if violated.any() else "")


class Levels(Picture):
    """The polygon of a linear program, level lines of c · x, and where each racer stands."""

    axes = ("x", "y")

    def __init__(self, plot: pg.PlotWidget, widget: QWidget) -> None:
        super().__init__(plot, widget)
        self.hull = self.add(pg.PlotCurveItem(antialias=True), 2)
        self.levels = self.add(pg.PlotCurveItem(connect="pairs"), 1)
        self.active = self.add(pg.PlotCurveItem(connect="pairs", antialias=True), 3)
        self.corner = self.add(pg.ScatterPlotItem(symbol="o", size=21, brush=None), 12)
        self.heads = self.add(pg.ScatterPlotItem(), 32)
        self.arrow = self.add(pg.PlotCurveItem(connect="pairs", antialias=True), 31)
        self.downhill = self.add(pg.TextItem("−c", anchor=(0.5, 0.5)), 31)
        self._brushes: dict[int, QBrush] = {}  # kept: pyqtgraph renders a marker anew for each new object
        self.recolour()

    def recolour(self) -> None:
        super().recolour()
        tokens = theme.colours(self.widget)
        self.hull.setPen(pg.mkPen(tokens.text, width=1))
        fill = QColor(tokens.muted)
        fill.setAlpha(28)
        self.hull.setBrush(fill)
        self.hull.setFillLevel("enclosed")
        faint = QColor(tokens.muted)
        faint.setAlpha(90)
        self.levels.setPen(pg.mkPen(faint, width=1))
        self.active.setPen(pg.mkPen(tokens.text, width=3))
        self.corner.setPen(pg.mkPen(tokens.text, width=1.5))
        self.arrow.setPen(pg.mkPen(tokens.text, width=2))
        self.downhill.setColor(tokens.text)
        self._casing = pg.mkPen(tokens.casing, width=1.5)
        self._brushes.clear()

    def draw(self, config: SurfaceConfig, rows: Rows, heads: Heads, chosen: int | None, view: View) -> str:
        corners = np.array(Polygon(tuple((row[0], row[1]) for row in rows)).corners)
        round_trip = np.vstack([corners, corners[:1]])
        self.hull.setData(round_trip[:, 0], round_trip[:, 1])
        c = config.curvature(float(view.centre[0]), float(view.centre[1])).gradient
        heights = corners @ c
        levels = [chord(c, height, view) for height in np.linspace(heights.min(), heights.max(), LEVELS)]
        drawn = np.vstack(levels)
        self.levels.setData(drawn[:, 0], drawn[:, 1])
        self.lines.draw({i: chord(c, float(c @ x), view) for i, x in heads.items()}, chosen)
        self._draw_heads(heads, chosen)
        for item in (self.active, self.corner, self.arrow, self.downhill):
            item.setVisible(chosen is not None)
        if chosen is None:
            return ""
        x = heads[chosen]
        self._draw_arrow(x, -c, view)
        touched, at_corner = self._draw_active(corners, x)
        where = "at a vertex" if at_corner else "on an edge" if touched else "inside"
        if not touched and outside(corners, x):
            where = "outside"
        return f"c · x = {plain(float(c @ x))}, {where}"

    def _draw_heads(self, heads: Heads, chosen: int | None) -> None:
        for identity in heads:
            if identity not in self._brushes:
                self._brushes[identity] = pg.mkBrush(theme.racer_colour(identity, self.widget))
        self.heads.setData(
            [
                {
                    "pos": x,
                    "symbol": theme.MARKERS[i % len(theme.MARKERS)],
                    "size": 14 if i == chosen else 10,
                    "brush": self._brushes[i],
                    "pen": self._casing,
                }
                for i, x in heads.items()
            ]
        )

    def _draw_active(self, corners: Array, x: Array) -> tuple[bool, bool]:
        """Mark edges and corner that x touches; whether there is an edge, and a corner."""
        near = ACTIVE * max(1.0, float(np.hypot(*x)))
        ends = np.roll(corners, -1, axis=0)
        along = ends - corners
        shares = ((x - corners) * along).sum(1) / np.maximum((along**2).sum(1), 1e-300)
        feet = corners + np.clip(shares, 0, 1)[:, None] * along
        touching = np.hypot(*(x - feet).T) <= near
        segments = np.stack([corners[touching], ends[touching]], axis=1).reshape(-1, 2)
        self.active.setData(segments[:, 0], segments[:, 1])
        at = corners[np.hypot(*(x - corners).T) <= near]
        self.corner.setData(pos=at)
        return bool(touching.any()), bool(len(at))

    def _draw_arrow(self, start: Array, direction: Array, view: View) -> None:
        length = math.hypot(*direction)
        if not length:
            return
        unit, size = direction / length, max(view.pixel)
        tip = start + ARROW_PX * size * unit
        across = 0.5 * HEAD_PX * size * np.array([-unit[1], unit[0]])
        back = tip - HEAD_PX * size * unit
        lines = np.array([start, tip, back + across, tip, back - across, tip])
        self.arrow.setData(lines[:, 0], lines[:, 1])
        self.downhill.setPos(*(tip + 1.6 * HEAD_PX * size * unit))


PICTURES: Mapping[str, type[Picture]] = {
    "line": FittedLines,
    "classes": Classes,
    "margin": Margins,
    "polygon": Levels,
}


def outside(corners: Array, x: Array) -> bool:
    """Whether x lies right of an edge of an anticlockwise polygon (or off a segment)."""
    along = np.roll(corners, -1, axis=0) - corners
    offsets = x - corners
    return bool((along[:, 0] * offsets[:, 1] - along[:, 1] * offsets[:, 0] < 0).any()) or len(corners) < 3


def plain(number: float) -> str:
    """A number with three digits that count and a proper minus."""
    return f"{number:.3g}".replace("-", "−")


def signed(number: float) -> str:
    """A number as it follows another term: "+ 0.3" or "− 0.3"."""
    return f"{'−' if number < 0 else '+'} {plain(abs(number))}"


def counted(number: int, word: str) -> str:
    """A number with its noun: "1 point", "2 points"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
