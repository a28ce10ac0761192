"""A camera that orbits a box with pyqtgraph's OpenGL items, drawn into a buffer and shown as an image."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph import Vector
from pyqtgraph.opengl.GLViewWidget import GLViewMixin
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QOpenGLContext,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtOpenGL import QOpenGLFramebufferObject, QOpenGLFramebufferObjectFormat
from PySide6.QtWidgets import QWidget

from optgui.gui.plot.opengl import renderer

Array = NDArray[np.float64]
AZIMUTH, ELEVATION = -62.0, 35.0  # at first, in degrees
FIELD = 28.0  # of view, in degrees: a narrow one keeps parallels nearly parallel
SAMPLES = 4  # of each pixel, for smooth edges
SLOW_MS = 10  # a picture that takes longer is drawn with rough edges while things move (software renderers)
REST_MS = 200  # after which it is drawn smoothly
MARGIN = (64, 46)  # pixels beside the box, and above and below it, for words
ZOOMS = (0.2, 4.0)
TURN = 5.0  # degrees for an arrow key
WHEEL = 0.999  # per eighth of a degree, as pyqtgraph has it


class Scene(GLViewMixin, QWidget):  # type: ignore[misc]
    """Drag or arrow keys turn the box, the wheel or + and - zoom, a double click or Home puts all back."""

    def __init__(self, paint_over: Callable[[QPainter], None]) -> None:
        super().__init__()
        self._paint_over = paint_over
        self._corners = np.zeros((1, 3))
        self._buffers: dict[int, QOpenGLFramebufferObject] = {}
        self._image: QImage | None = None
        self._ready = self._slow = self._resting = False
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._on_rest)
        self._zoom = 1.0
        self.opts["fov"] = FIELD
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.home()

    def isValid(self) -> bool:
        """Whether items may start at once: never, they do when they are first drawn."""
        return False

    def context(self) -> QOpenGLContext:
        """The context that items are drawn in."""
        return renderer().context

    def update(self, *area: Any) -> None:
        """Draw anew what is in the box, and not only what lies over it."""
        self._image = None
        QWidget.update(self)

    def show_box(self, edges: Array, low: float, high: float) -> None:
        """Look at a box with these edges along x and y, from height `low` to `high`."""
        half = edges / 2
        sides = ((-half[0], half[0]), (-half[1], half[1]), (low, high))
        self._corners = np.array(list(itertools.product(*sides)))
        self.opts["center"] = Vector(0, 0, low + 0.36 * (high - low))
        self._fit()

    def home(self) -> None:
        """Look from where one looks at first, at all of the box."""
        self.opts["azimuth"], self.opts["elevation"] = AZIMUTH, ELEVATION
        self._zoom = 1.0
        self._fit()

    def turn(self, azimuth: float, elevation: float) -> None:
        """Turn by degrees; never below the floor."""
        self.opts["azimuth"] += azimuth
        self.opts["elevation"] = min(max(self.opts["elevation"] + elevation, 0.0), 90.0)
        self.update()

    def zoom(self, factor: float) -> None:
        """Come nearer (a factor above 1) or go back."""
        self._zoom = min(max(self._zoom * factor, ZOOMS[0]), ZOOMS[1])
        self._fit()

    @property
    def eye(self) -> Array:
        """Where one looks from (3,), in box coordinates."""
        position = self.cameraPosition()
        return np.array([position.x(), position.y(), position.z()])

    def project(self, points: Array) -> Array:
        """Points of the box (n, 3) to pixels of the widget (n, 2)."""
        area = self.getViewport()
        matrix = self.projectionMatrix(area, area) * self.viewMatrix()
        flat = np.column_stack([points, np.ones(len(points))]) @ np.array(matrix.data()).reshape(4, 4)
        screen = flat[:, :2] / flat[:, 3:]
        return np.asarray((screen * (1, -1) + 1) / 2 * (self.width(), self.height()))

    def _fit(self) -> None:
        """Set the distance at which the box, as it stands at first, fills the widget."""
        azimuth, elevation = math.radians(AZIMUTH), math.radians(ELEVATION)
        right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
        back = np.array(
            [
                math.cos(elevation) * math.cos(azimuth),
                math.cos(elevation) * math.sin(azimuth),
                math.sin(elevation),
            ]
        )
        up = np.cross(back, right)
        centre = self.opts["center"]
        away = self._corners - np.array([centre.x(), centre.y(), centre.z()])
        tangent = math.tan(math.radians(FIELD) / 2)
        wide, high = (
            tangent * max(length - 2 * margin, 0.4 * length, 1) / max(self.width(), 1)
            for length, margin in zip((self.width(), self.height()), MARGIN, strict=True)
        )
        needed = np.maximum(np.abs(away @ right) / wide, np.abs(away @ up) / high) + away @ back
        self.opts["distance"] = max(float(needed.max()), 0.1) / self._zoom
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            began = time.perf_counter()
            smooth = self._resting or not self._slow
            self._image = self._draw(SAMPLES if smooth else 0)
            if smooth:
                self._slow, self._resting = (time.perf_counter() - began) * 1000 > SLOW_MS, False
            else:
                self._rest.start()
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_over(painter)
        painter.end()

    def _on_rest(self) -> None:
        self._resting = True
        self.update()

    def _draw(self, samples: int) -> QImage:
        size = QSize(max(self.deviceWidth(), 1), max(self.deviceHeight(), 1))
        if not renderer().begin():  # a driver that went away, as after a reset
            image = QImage(size, QImage.Format.Format_RGB32)
            image.fill(self.palette().window().color())
            return image
        try:
            buffer = self._buffers.get(samples)
            if buffer is None or buffer.size() != size:
                form = QOpenGLFramebufferObjectFormat()
                form.setSamples(samples)
                form.setAttachment(QOpenGLFramebufferObject.Attachment.CombinedDepthStencil)
                buffer = self._buffers[samples] = QOpenGLFramebufferObject(size, form)
            buffer.bind()
            if not self._ready:
                self.initializeGL()
                self._ready = True
            GL.glViewport(0, 0, size.width(), size.height())
            self.paintGL()
            buffer.release()
            return buffer.toImage()
        finally:
            renderer().end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grabbed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            moved: QPointF = event.position() - self._grabbed
            self._grabbed = event.position()
            self.turn(-0.5 * moved.x(), 0.5 * moved.y())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._grabbed = event.position()
        self.home()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(WHEEL ** -event.angleDelta().y())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        turns = {
            Qt.Key.Key_Left: (-TURN, 0),
            Qt.Key.Key_Right: (TURN, 0),
            Qt.Key.Key_Up: (0, TURN),
            Qt.Key.Key_Down: (0, -TURN),
        }
        key = Qt.Key(event.key())
        if key in turns:
            self.turn(*turns[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1 / 1.15 if key == Qt.Key.Key_Minus else 1.15)
        elif key == Qt.Key.Key_Home:
            self.home()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()
