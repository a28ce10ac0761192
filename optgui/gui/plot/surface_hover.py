"""What the cursor reads from the map: value, gradient and Hessian, beside it and as an ellipse round it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsEllipseItem, QLabel

from optgui.core.curvature import Curvature
from optgui.core.surface import SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.surface_heat import cosmetic

ELLIPSE_PIXELS = 36  # the longer half axis of the Hessian's ellipse
NEAR_PIXELS = 9  # of a stationary point, within which the cursor reads that instead


class HoverReadOut:
    """A small label that stays beside the cursor and inside the plot."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._plot = plot
        self._view = plot.getPlotItem().getViewBox()
        self._label = QLabel(plot)
        self._label.setObjectName("read_out")
        self._label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._ellipse = QGraphicsEllipseItem()
        self._ellipse.setZValue(25)
        self._view.addItem(self._ellipse, ignoreBounds=True)
        self.hide()

    def hide(self) -> None:
        """Show nothing."""
        self._label.hide()
        self._ellipse.hide()

    def recolour(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        self._ellipse.setPen(cosmetic(QColor(tokens.text), 1.5))

    def show(self, surface: SurfaceConfig, position: QPointF, stationary: Sequence[Curvature]) -> None:
        """Say what the surface is like at a position of the scene, or at a stationary point near it."""
        point = self._view.mapSceneToView(position)
        known = self._nearest(stationary, point)
        found = known or surface.curvature(point.x(), point.y())
        (x, y), (low, high) = found.point, found.eigenvalues
        words = f"Stationary: {found.kind}, {found.shape}" if known else found.shape
        numbers = (
            f"x {x:.4g}   y {y:.4g}   f {found.value:.6g}\n"
            f"∇f {found.gradient[0]:.4g}, {found.gradient[1]:.4g}\n"
            f"Hessian λ {low:.4g}, {high:.4g}"
        ).replace("-", "−")
        self._label.setText(f"{numbers}\n{words}")
        self._show_ellipse(found)
        self._label.adjustSize()
        corner = self._plot.mapFromScene(position)
        size, room, gap = self._label.size(), self._plot.size(), ELLIPSE_PIXELS + 8
        right, below = corner.x() < room.width() / 2, corner.y() < room.height() / 2
        x = corner.x() + gap if right else corner.x() - gap - size.width()
        y = corner.y() + gap if below else corner.y() - gap - size.height()
        self._label.move(min(x, room.width() - size.width()), min(y, room.height() - size.height()))
        self._label.show()

    def _nearest(self, stationary: Sequence[Curvature], point: QPointF) -> Curvature | None:
        if not stationary:
            return None
        away = np.array([at.point for at in stationary]) - [point.x(), point.y()]
        lengths = np.hypot(away[:, 0], away[:, 1]) / self._view.viewPixelSize()[0]
        return stationary[int(lengths.argmin())] if lengths.min() <= NEAR_PIXELS else None

    def _show_ellipse(self, curvature: Curvature) -> None:
        """Draw the Hessian's level ellipse round a point: long where the surface is flat."""
        finite = curvature.kind != "not finite"
        self._ellipse.setVisible(finite)
        if finite:
            (length, width), angle = curvature.ellipse(ELLIPSE_PIXELS * self._view.viewPixelSize()[0])
            self._ellipse.setRect(-length, -width, 2 * length, 2 * width)
            self._ellipse.setRotation(angle)
            self._ellipse.setPos(*curvature.point)
