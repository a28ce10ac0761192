"""Tangent and parabola of one racer on a curve, and the words for a place of a function of one variable."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor

from optgui.core.curvature import Curvature

Array = NDArray[np.float64]

MODELS = {"taylor1": ("tangent", Qt.PenStyle.DashLine), "taylor2": ("parabola", Qt.PenStyle.DashDotLine)}
WORD_PX = (80.0, 24.0)  # the room of a word
SAMPLES = 161


class TaylorModels:
    """The Taylor models of first and second order round one point, each with its word."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self.curves = {name: pg.PlotCurveItem(antialias=True) for name in MODELS}
        self.words = {name: pg.TextItem(word) for name, (word, _) in MODELS.items()}
        for depth, items in ((2, self.curves), (3, self.words)):
            for item in items.values():
                item.setZValue(depth)
                item.setVisible(False)
                plot.addItem(item, ignoreBounds=True)

    def hide(self) -> None:
        """Show neither."""
        for items in (self.curves, self.words):
            for item in items.values():
                item.setVisible(False)

    def draw(
        self, at: Curvature, on: dict[str, bool], colour: QColor, view: QRectF, pixel: tuple[float, float]
    ) -> None:
        """Draw the models that are on, over the view."""
        self.hide()
        if at.kind == "not finite":
            return
        x = np.linspace(view.left(), view.right(), SAMPLES)
        step = x - at.point[0]
        heights = {"taylor1": at.value + at.gradient[0] * step}
        heights["taylor2"] = heights["taylor1"] + at.hessian[0, 0] / 2 * step**2
        taken: list[tuple[float, float]] = []
        for name, y in heights.items():
            if not on[name]:
                continue
            near = (y >= view.top() - view.height()) & (y <= view.bottom() + view.height())
            curve = self.curves[name]
            curve.setPen(pg.mkPen(colour, width=1, style=MODELS[name][1]))
            curve.setData(x, np.where(near, y, np.nan), connect="finite")
            curve.setVisible(True)
            self._place_word(name, at, x, y, view, pixel, taken)

    def _place_word(
        self,
        name: str,
        at: Curvature,
        x: Array,
        y: Array,
        view: QRectF,
        pixel: tuple[float, float],
        taken: list[tuple[float, float]],
    ) -> None:
        """Put a word at the end in view that is farther from the ball, clear of the words placed before."""
        width, height = WORD_PX[0] * pixel[0], WORD_PX[1] * pixel[1]
        seen = (y > view.top() + 0.3 * height) & (y < view.bottom() - 1.2 * height)
        seen &= (x > view.left() + 0.2 * width) & (x < view.right() - 0.2 * width)
        for a, b in taken:
            seen &= (np.abs(x - a) > 1.5 * width) | (np.abs(y - b) > height)
        inside = np.flatnonzero(seen)
        if not len(inside):
            return
        ends = inside[[0, -1]]
        away = np.hypot((x[ends] - at.point[0]) / pixel[0], (y[ends] - at.value) / pixel[1])
        place = int(ends[int(away.argmax())])
        word = self.words[name]
        word.setPos(float(x[place]), float(y[place]))
        word.setAnchor((0.0 if x[place] < view.center().x() else 1.0, 1.0))
        word.setColor(self.curves[name].opts["pen"].color())
        word.setVisible(True)
        taken.append((float(x[place]), float(y[place])))


def words_of(at: Curvature, pixel: float) -> str:
    """What hovering reads: x, f, f', f'' and the kind of place, a stationary one if it is within a pixel."""
    slope, second = float(at.gradient[0]), float(at.hessian[0, 0])
    if not math.isfinite(at.value):
        return f"x {at.point[0]:.4g}\nno value here"
    if at.kind == "not finite":
        return f"x {at.point[0]:.4g}   f {at.value:.6g}\nno derivative here"
    still = slope == 0 or abs(slope) < abs(second) * pixel
    kind = bend(second) if still else "falling" if slope < 0 else "rising"
    shape = {"minimum": "convex", "maximum": "concave", "flat": "straight"}[bend(second)]
    return f"x {at.point[0]:.4g}   f {at.value:.6g}\nf′ {slope:.4g}   f″ {second:.4g}\n{kind}, {shape} here"


def bend(second: float) -> str:
    """What a stationary point is by its second derivative."""
    return "minimum" if second > 0 else "maximum" if second < 0 else "flat"
