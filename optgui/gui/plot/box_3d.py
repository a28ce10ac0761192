"""The box round a relief: light lines on the floor and the two walls behind, and its words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from optgui.gui.plot.relief import FLOOR, HEIGHT, Relief
from optgui.gui.plot.scene_3d import Scene

Array = NDArray[np.float64]
TICK_GAP, NAME_GAP = 1.1, 3.0  # from the box to its words, in lines of text


class Box:
    """Which walls stand behind depends on where one looks from."""

    def __init__(self, relief: Relief) -> None:
        self._half = relief.edges / 2
        self._x, self._y, self._f = relief.ticks()
        self._names = ("x", "" if relief.flat else "y", "f, log" if relief.grid.log_levels else "f")

    def sides(self, eye: Array) -> tuple[float, float]:
        """The x and the y of the walls that are behind."""
        hx, hy = self._half
        return (-hx if eye[0] > 0 else hx), (-hy if eye[1] > 0 else hy)

    def lines(self, sides: tuple[float, float]) -> Array:
        """Corners (2 n, 3) of the n lines."""
        (hx, hy), (bx, by) = self._half, sides
        pairs = []
        for x in (-hx, hx, *(place for place, _ in self._x)):
            pairs += [((x, -hy, FLOOR), (x, hy, FLOOR)), ((x, by, FLOOR), (x, by, HEIGHT))]
        for y in (-hy, hy, *(place for place, _ in self._y)):
            pairs += [((-hx, y, FLOOR), (hx, y, FLOOR)), ((bx, y, FLOOR), (bx, y, HEIGHT))]
        for z in (HEIGHT, *(place for place, _ in self._f)):
            pairs += [((-hx, by, z), (hx, by, z)), ((bx, -hy, z), (bx, hy, z))]
        return np.array(pairs).reshape(-1, 3)

    def paint_words(self, painter: QPainter, scene: Scene, font: QFont, muted: str, text: str) -> None:
        """Write the ticks and names of x and y along the near edges of the floor, of f at the left."""
        bx, by = self.sides(scene.eye)
        fx, fy = -bx, -by
        sides = np.array([(fx, by, FLOOR), (bx, fy, FLOOR)])
        left = sides[int(np.argmin(scene.project(sides)[:, 0]))]
        along_x = [(place, fy, FLOOR) for place, _ in self._x]
        along_y = [(fx, place, FLOOR) for place, _ in self._y]
        axes = (
            (self._names[0], self._x, [*along_x, (0.0, fy, FLOOR)], (0.0, np.sign(fy), 0.0)),
            (self._names[1], self._y, [*along_y, (fx, 0.0, FLOOR)], (np.sign(fx), 0.0, 0.0)),
        )
        painter.setFont(font)
        line = QFontMetricsF(font).height()
        for name, ticks, corners, outward in axes:
            points = np.array(corners)
            on, off = scene.project(points), scene.project(points + 0.05 * np.array(outward))
            away = off - on
            away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
            for (_, label), place in zip(ticks, on + away * TICK_GAP * line, strict=False):
                _write(painter, place, label, muted)
            _write(painter, on[-1] + away[-1] * NAME_GAP * line, name, text)
        points = np.array([*((left[0], left[1], z) for z, _ in self._f), (left[0], left[1], HEIGHT)])
        places = scene.project(points)
        taken = np.inf
        for (_, label), (x, y) in zip(self._f, places, strict=False):
            if taken - y > 0.9 * line:  # a tick too near to the last one written stays silent
                _write(painter, np.array([x - 0.5 * line, y]), label, muted, right=True)
                taken = y
        _write(painter, places[-1] + np.array([0.0, -1.1 * line]), self._names[2], text)


def _write(painter: QPainter, place: Array, label: str, colour: str, *, right: bool = False) -> None:
    """Write words round a place, or so that they end there."""
    painter.setPen(QColor(colour))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignHCenter
    middle = QPointF(float(place[0]) - (100 if right else 50), float(place[1]) - 20)
    painter.drawText(QRectF(middle.x(), middle.y(), 100, 40), side | Qt.AlignmentFlag.AlignVCenter, label)
