"""The map of a surface: heat map, contours, paths of the racers, and a start that can be dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import contourpy
import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsEllipseItem, QGraphicsPathItem, QLabel, QVBoxLayout, QWidget

from optgui.core.constraints import ConstraintConfig
from optgui.core.curvature import Curvature
from optgui.core.surface import DescentFrame, SurfaceConfig, levels, sample, shade
from optgui.gui import theme

PIXELS_PER_SAMPLE = 3
CONTOURS = 16
ELLIPSE_PIXELS = 36  # the longer half axis of the Hessian's ellipse at the cursor
REST_MS = 25  # after a zoom, before the surface is sampled again
SATURATION = {False: 0.55, True: 0.6}  # by dark: the map stands back behind the paths


class SurfaceView(QWidget):
    """Draws frames of a race; the surface is sampled for what is in view, so one can zoom without end."""

    start_moved = Signal(float, float, bool)  # x, y, whether the gesture has ended

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config: SurfaceConfig | None = None
        self._constraint: ConstraintConfig | None = None
        self._paths: dict[int, _Path] = {}
        self._dark: bool | None = None
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setObjectName("surface.map")
        self.plot.setAccessibleName("Map of the surface")
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._item = self.plot.getPlotItem()
        self._view = self._item.getViewBox()
        self._view.setAspectLocked(True)
        self._view.disableAutoRange()
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setZValue(-20)
        self.plot.addItem(self._image, ignoreBounds=True)
        self._contours = QGraphicsPathItem()
        self._contours.setZValue(-10)
        self._view.addItem(self._contours, ignoreBounds=True)
        self._outside = QGraphicsPathItem()
        self._outside.setZValue(-5)
        self._view.addItem(self._outside, ignoreBounds=True)
        self._minima = pg.ScatterPlotItem(symbol="star", size=16, pxMode=True)
        self._minima.setZValue(5)
        self.plot.addItem(self._minima, ignoreBounds=True)
        self._local_minima = pg.ScatterPlotItem(symbol="star", size=13, pxMode=True, brush=None)
        self._local_minima.setZValue(4)
        self.plot.addItem(self._local_minima, ignoreBounds=True)
        self._start = pg.TargetItem((0, 0), size=14, symbol="o", movable=True)
        self._start.setZValue(20)
        self.plot.addItem(self._start, ignoreBounds=True)
        self._read_out = QLabel(self.plot)
        self._read_out.setObjectName("read_out")
        self._read_out.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._read_out.hide()
        self._ellipse = QGraphicsEllipseItem()
        self._ellipse.setZValue(25)
        self._ellipse.hide()
        self._view.addItem(self._ellipse, ignoreBounds=True)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._sample)
        self._view.sigRangeChanged.connect(lambda *_: self._rest.start())
        self._start.sigPositionChanged.connect(lambda: self._on_dragged(ended=False))
        self._start.sigPositionChangeFinished.connect(lambda: self._on_dragged(ended=True))
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        self.plot.scene().sigMouseMoved.connect(self._on_hovered)
        self._quiet = False
        self._recolour()

    def show_surface(
        self, config: SurfaceConfig, start: tuple[float, float], constraint: ConstraintConfig
    ) -> None:
        """Show a surface over its domain (when it is a new one), the start, and the feasible set."""
        if constraint != self._constraint:
            self._constraint = constraint
            self._rest.start()
        new = self._config is None or config.name != self._config.name
        changed = config != self._config
        self._config = config
        if new:
            self.fit()
        if changed:
            self._minima.setData(pos=np.array(config.entry.minima).reshape(-1, 2))
            self._local_minima.setData(pos=np.array(config.entry.local_minima).reshape(-1, 2))
            self._rest.start()
        self.show_start(start)

    def show_start(self, start: tuple[float, float]) -> None:
        """Put the ring at the start."""
        self._quiet = True
        self._start.setPos(*start)
        self._quiet = False

    def fit(self) -> None:
        """Show the surface's whole domain."""
        if self._config is None:
            return
        (x0, x1), (y0, y1) = self._config.entry.domain
        self._view.setRange(QRectF(x0, y0, x1 - x0, y1 - y0), padding=0.0)

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool]) -> None:
        """Draw the paths so far; `shown` says by racer id which."""
        for identity in set(self._paths) - set(frame.ids):
            self._paths.pop(identity).remove()
        pixel = self._view.viewPixelSize()
        for place, identity in enumerate(frame.ids):
            path = self._paths.get(identity)
            if path is None:
                path = self._paths[identity] = _Path(self.plot, identity)
                path.recolour(self)
            path.draw(frame.paths[place], pixel, visible=shown.get(identity, True))
        heads = "; ".join(
            f"racer {i + 1} at {x:.3g}, {y:.3g}" for i, (x, y) in zip(frame.ids, frame.heads, strict=True)
        )
        self.plot.setAccessibleDescription(f"Step {frame.step}: {heads}")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_rest") and theme.is_dark(self) != self._dark:
            self._recolour()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys nudge the start by one pixel, with Shift by ten; Home fits the domain."""
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        key = Qt.Key(event.key())
        if key in moves:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            width, height = self._view.viewPixelSize()
            position = self._start.pos()
            self._start.setPos(
                position.x() + moves[key][0] * far * width, position.y() + moves[key][1] * far * height
            )
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._read_out.hide()
        self._ellipse.hide()
        super().leaveEvent(event)

    def _sample(self) -> None:
        """Evaluate the surface on what is in view."""
        if self._config is None:
            return
        (x0, x1), (y0, y1) = self._view.viewRange()
        columns = max(40, min(400, int(self._view.width() / PIXELS_PER_SAMPLE)))
        rows = max(40, min(400, int(self._view.height() / PIXELS_PER_SAMPLE)))
        grid = sample(self._config, columns, rows, ((x0, x1), (y0, y1)))
        self._image.setImage(shade(grid).astype(np.float32), autoLevels=False, levels=(0.0, 1.0))
        dx, dy = (x1 - x0) / (columns - 1), (y1 - y0) / (rows - 1)
        self._image.setRect(QRectF(x0 - dx / 2, y0 - dy / 2, x1 - x0 + dx, y1 - y0 + dy))
        generator = contourpy.contour_generator(grid.x, grid.y, np.ma.masked_invalid(grid.z))
        path = QPainterPath()
        for level in levels(grid, CONTOURS):
            for line in generator.lines(float(level)):
                path.addPath(pg.arrayToQPath(line[:, 0].copy(), line[:, 1].copy()))
        self._contours.setPath(path)
        self._shade_outside(x0, x1, y0, y1)

    def _shade_outside(self, x0: float, x1: float, y0: float, y1: float) -> None:
        """Veil what is not feasible."""
        path = QPainterPath()
        width, height = x1 - x0, y1 - y0
        view = ((x0 - width, x1 + width), (y0 - height, y1 + height))  # edges of the view are no borders
        outline = self._constraint.make().outline(view) if self._constraint else None
        if outline is not None:
            path.setFillRule(Qt.FillRule.OddEvenFill)
            path.addRect(QRectF(x0 - width, y0 - height, 3 * width, 3 * height))
            if len(outline):
                path.addPath(pg.arrayToQPath(outline[:, 0].copy(), outline[:, 1].copy()))
        self._outside.setPath(path)

    def _recolour(self) -> None:
        self._dark = theme.is_dark(self)
        tokens = theme.colours(self)
        self.plot.setBackground(tokens.plot)
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(QPen(QColor(tokens.rule), 1))
            axis.setTextPen(QColor(tokens.muted))
        table = pg.colormap.get("viridis").getLookupTable(nPts=256).astype(float)
        grey = table.mean(axis=1, keepdims=True)
        base = np.array(QColor(tokens.plot).getRgb()[:3], dtype=float)  # type: ignore[index]
        soft = grey + (table - grey) * SATURATION[self._dark]
        self._image.setLookupTable((soft * 0.8 + base * 0.2).clip(0, 255).astype(np.uint8))
        line = QColor("#000000" if not self._dark else "#FFFFFF")
        line.setAlpha(60)
        pen = QPen(line, 1)
        pen.setCosmetic(True)
        self._contours.setPen(pen)
        veil = QColor(tokens.plot)
        veil.setAlpha(140)
        self._outside.setBrush(veil)
        border = QPen(QColor(tokens.text), 1.5)
        border.setCosmetic(True)
        self._outside.setPen(border)
        self._minima.setPen(pg.mkPen(tokens.casing, width=1))
        self._minima.setBrush(pg.mkBrush("#FFE066"))
        self._local_minima.setPen(pg.mkPen("#FFE066", width=1.5))
        self._start.setPen(pg.mkPen(tokens.text, width=2))
        self._start.setHoverPen(pg.mkPen(tokens.accent, width=3))
        ring = QPen(QColor(tokens.text), 1.5)
        ring.setCosmetic(True)
        self._ellipse.setPen(ring)
        for path in self._paths.values():
            path.recolour(self)

    def _on_dragged(self, *, ended: bool) -> None:
        if not self._quiet:
            position = self._start.pos()
            self.start_moved.emit(float(position.x()), float(position.y()), ended)

    def _on_clicked(self, event: Any) -> None:
        if event.double():
            self.fit()
        elif event.button() == Qt.MouseButton.LeftButton and self._config is not None:
            point = self._view.mapSceneToView(event.scenePos())
            if self._view.sceneBoundingRect().contains(event.scenePos()):
                self.show_start((point.x(), point.y()))
                self.start_moved.emit(float(point.x()), float(point.y()), True)

    def _on_hovered(self, position: QPointF) -> None:
        if self._config is None or not self._view.sceneBoundingRect().contains(position):
            self._read_out.hide()
            self._ellipse.hide()
            return
        point = self._view.mapSceneToView(position)
        curvature = self._config.curvature(point.x(), point.y())
        low, high = curvature.eigenvalues
        self._read_out.setText(
            f"x {point.x():.4g}   y {point.y():.4g}   f {curvature.value:.6g}\n"
            f"∇f {curvature.gradient[0]:.4g}, {curvature.gradient[1]:.4g}\n"
            f"Hessian λ {low:.4g}, {high:.4g}\n{curvature.shape}"
        )
        self._show_ellipse(curvature, point)
        self._read_out.adjustSize()
        corner = self.plot.mapFromScene(position)
        size, room, gap = self._read_out.size(), self.plot.size(), ELLIPSE_PIXELS + 8
        right, below = corner.x() < room.width() / 2, corner.y() < room.height() / 2
        x = corner.x() + gap if right else corner.x() - gap - size.width()
        y = corner.y() + gap if below else corner.y() - gap - size.height()
        self._read_out.move(min(x, room.width() - size.width()), min(y, room.height() - size.height()))
        self._read_out.show()

    def _show_ellipse(self, curvature: Curvature, centre: QPointF) -> None:
        """Draw the Hessian's level ellipse round the cursor: long where the surface is flat."""
        finite = curvature.kind != "not finite"
        self._ellipse.setVisible(finite)
        if finite:
            (length, width), angle = curvature.ellipse(ELLIPSE_PIXELS * self._view.viewPixelSize()[0])
            self._ellipse.setRect(-length, -width, 2 * length, 2 * width)
            self._ellipse.setRotation(angle)
            self._ellipse.setPos(centre)


class _Path:
    """One racer's path: a casing, a line with the racer's dash, and a head with its marker."""

    def __init__(self, plot: pg.PlotWidget, identity: int) -> None:
        self._plot, self._identity = plot, identity
        self._casing = pg.PlotCurveItem()
        self._line = pg.PlotCurveItem()
        symbol = theme.MARKERS[identity % len(theme.MARKERS)]
        self._head = pg.ScatterPlotItem(symbol=symbol, size=12, pxMode=True)
        for depth, item in enumerate((self._casing, self._line, self._head)):
            item.setZValue(8 + depth)
            plot.addItem(item, ignoreBounds=True)

    def recolour(self, widget: QWidget) -> None:
        """Take the colours of the present look."""
        colour = theme.racer_colour(self._identity, widget)
        casing = QColor(theme.colours(widget).casing)
        casing.setAlpha(150)
        self._casing.setPen(pg.mkPen(casing, width=4))
        self._line.setPen(pg.mkPen(colour, width=2, style=theme.racer_dash(self._identity)))
        self._head.setPen(pg.mkPen(casing, width=1.5))
        self._head.setBrush(pg.mkBrush(colour))

    def draw(self, path: NDArray[np.float64], pixel: tuple[float, float], *, visible: bool) -> None:
        """Draw positions (steps + 1, 2), reduced to what the screen can tell apart."""
        for item in (self._casing, self._line, self._head):
            item.setVisible(visible)
        if visible:
            points = thinned(path, pixel)
            self._casing.setData(points[:, 0], points[:, 1])
            self._line.setData(points[:, 0], points[:, 1])
            self._head.setData(pos=path[-1:])

    def remove(self) -> None:
        """Take the items off the plot."""
        for item in (self._casing, self._line, self._head):
            self._plot.removeItem(item)


def thinned(path: NDArray[np.float64], pixel: tuple[float, float], most: int = 1000) -> NDArray[np.float64]:
    """The points (m, 2) of a path (n, 2) that lie in another pixel than the one before; at most `most`."""
    cells = np.clip(np.round(path / np.maximum(np.array(pixel) * 2, 1e-300)), -1e9, 1e9)
    moved = np.ones(len(path), dtype=bool)
    moved[1:-1] = np.any(cells[1:-1] != cells[:-2], axis=1)
    points = path[moved]
    stride = -(-len(points) // most)
    return points if stride <= 1 else np.concatenate([points[::stride], points[-1:]])
