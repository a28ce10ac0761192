"""What is painted over the whole map: a base for layers, and the pixels in which they draw."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QGuiApplication, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem

from optgui.gui import theme

Array = NDArray[np.float64]
FAR = 20  # diagonals of the view: what lies beyond is drawn at this distance, in its direction


class Layer(QGraphicsItem):
    """An item as large as the view; a subclass paints in data coordinates, or in `pixels`.

    A cached layer is painted again only after `update` or when the view has moved.
    """

    def __init__(self, view: pg.ViewBox, depth: float, *, cached: bool = False) -> None:
        super().__init__()
        self.view = view
        self.setZValue(depth)
        if cached:
            self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        view.addItem(self, ignoreBounds=True)
        view.sigRangeChanged.connect(self._on_moved)

    def boundingRect(self) -> QRectF:
        return QRectF(self.view.viewRect())

    def _on_moved(self, *_: object) -> None:
        self.prepareGeometryChange()
        self.update()

    def pixels(self, painter: QPainter) -> Pixels:
        """Switch a painter from data coordinates to pixels; the answer maps the one to the other."""
        transform = painter.worldTransform()
        painter.resetTransform()
        return Pixels(transform, transform.mapRect(self.boundingRect()))


class Pixels:
    """Where data coordinates lie on the screen; `room` is the view."""

    def __init__(self, transform: QTransform, room: QRectF) -> None:
        self.transform, self.room = transform, room
        self._scale = np.array([transform.m11(), transform.m22()])
        self._shift = np.array([transform.dx(), transform.dy()])
        self._centre = np.array([room.center().x(), room.center().y()])
        self._reach = FAR * float(np.hypot(room.width(), room.height()))

    def __call__(self, points: ArrayLike) -> Array:
        """Pixels (..., 2) of points (..., 2), drawn nearer if Qt cannot draw that far out."""
        with np.errstate(over="ignore"):
            away = np.clip(np.asarray(points) * self._scale + self._shift, -1e150, 1e150) - self._centre
        length = np.hypot(away[..., 0], away[..., 1])
        if length.size and length.max() > self._reach:
            away = away * np.minimum(1.0, self._reach / np.maximum(length, 1e-300))[..., None]
        return np.asarray(self._centre + away)


class Words:
    """Writes small labels that do not lie on each other and do not leave the view."""

    def __init__(self, painter: QPainter, room: QRectF, tokens: theme.Colours) -> None:
        self._painter, self._room = painter, room.adjusted(4, 4, -4, -4)
        self._ground = QColor(tokens.plot)
        self._ground.setAlpha(215)
        self._taken: list[QRectF] = []
        painter.setFont(caption())
        self._metrics = QFontMetricsF(painter.font())

    def keep_free(self, rect: QRectF) -> None:
        """Write nothing there."""
        self._taken.append(rect)

    def write(self, text: str, at: QPointF, colour: QColor) -> QRectF:
        """Write beside a pixel; returns the place taken."""
        width, height = self._metrics.horizontalAdvance(text) + 8, self._metrics.height() + 2
        rect = QRectF(at.x() + 8, at.y() - height / 2, width, height)
        if rect.right() > self._room.right():
            rect.moveRight(at.x() - 8)
        rect.moveLeft(min(max(rect.left(), self._room.left()), self._room.right() - width))
        rect.moveTop(min(max(rect.top(), self._room.top()), self._room.bottom() - height))
        step = height if rect.center().y() < self._room.center().y() else -height
        for _ in range(40):
            hit = next((other for other in self._taken if other.intersects(rect)), None)
            if hit is None:
                break
            rect.translate(0, step)
        self._taken.append(rect)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(QBrush(self._ground))
        self._painter.drawRoundedRect(rect, 3, 3)
        self._painter.setPen(QPen(colour))
        self._painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
        return rect


def caption() -> QFont:
    """The small font of labels in a picture."""
    font = QFont(QGuiApplication.font())
    font.setPointSizeF(font.pointSizeF() * theme.CAPTION)
    return font
