"""The map of a surface: heat map, contours, paths of racers, overlays, and a start that can be dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPen
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from optgui.core.constraints import ConstraintConfig, ConvexSet
from optgui.core.curvature import Curvature
from optgui.core.surface import DescentFrame, SurfaceConfig, sample
from optgui.gui import theme
from optgui.gui.plot.curve_axis import CurveAxis
from optgui.gui.plot.surface_feasible import Handles, VeilLayer
from optgui.gui.plot.surface_heat import HeatLayer
from optgui.gui.plot.surface_hover import HoverReadOut
from optgui.gui.plot.surface_layer import caption
from optgui.gui.plot.surface_marks import MarkLayer, Oval
from optgui.gui.plot.surface_overlays import OVERLAYS, Moment, marks
from optgui.gui.plot.surface_paths import PathLayer
from optgui.gui.plot.surface_taylor import TaylorLayer

LETTERS = 6  # of the longest number of an axis
PIXELS_PER_SAMPLE = 3
SAME = 1e-3  # of the domain's diagonal: a stationary point so near to a star is the star
REST_MS = 25  # after a zoom, before the surface is sampled again
KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class SurfaceView(QWidget):
    """Draws frames of a race up to a step; the surface is sampled for what is in view."""

    start_moved = Signal(float, float, bool)  # x, y, whether the gesture has ended
    selected = Signal(int)  # the id of a racer whose head was clicked
    constraint_dragged = Signal(object, bool)  # ConstraintConfig, whether the gesture has ended

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config: SurfaceConfig | None = None
        self._constraint: ConstraintConfig | None = None
        self._race: tuple[DescentFrame, dict[int, bool], int] | None = None
        self._selected: int | None = None
        self._on = {overlay.name for overlay in OVERLAYS if overlay.on_by_default}
        self._balls: dict[int, Oval] = {}
        self._stationary: tuple[Curvature, ...] = ()
        self._dark: bool | None = None
        self._quiet = False
        self._make_plot()
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._sample)
        self._clicked_at = QPointF()
        self._second = QTimer(self, singleShot=True)  # runs while a second click would make a double one
        self._second.timeout.connect(self._move_to_click)
        self._view.sigRangeChanged.connect(lambda *_: self._rest.start())
        self._start.sigPositionChanged.connect(lambda: self._on_dragged(ended=False))
        self._start.sigPositionChangeFinished.connect(lambda: self._on_dragged(ended=True))
        self._handles.dragged.connect(self._on_constraint_dragged)
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        self.plot.scene().sigMouseMoved.connect(self._on_hovered)
        self._recolour()

    def _make_plot(self) -> None:
        axes = {"bottom": CurveAxis("bottom", LETTERS), "left": CurveAxis("left", LETTERS)}
        self.plot = pg.PlotWidget(axisItems=axes, enableMenu=False)
        for axis in axes.values():
            axis.setGrid(False)
        self.plot.hideButtons()
        self.plot.setObjectName("surface.map")
        self.plot.setAccessibleName("Map of the surface")
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._view = self.plot.getPlotItem().getViewBox()
        self._view.setAspectLocked(True)
        self._view.disableAutoRange()
        self.heat = HeatLayer(self._view)
        self.veil = VeilLayer(self._view)
        self.models = TaylorLayer(self._view, self)
        self.paths = PathLayer(self._view, self)
        self.overlays = MarkLayer(self._view, self)
        self._minima = pg.ScatterPlotItem(symbol="star", size=16, pxMode=True)
        self._minima.setZValue(5)
        self.plot.addItem(self._minima, ignoreBounds=True)
        self._local_minima = pg.ScatterPlotItem(symbol="star", size=13, pxMode=True, brush=None)
        self._local_minima.setZValue(4)
        self.plot.addItem(self._local_minima, ignoreBounds=True)
        self._start = pg.TargetItem((0, 0), size=14, symbol="o", movable=True)
        self._start.setZValue(20)
        self.plot.addItem(self._start, ignoreBounds=True)
        self._handles = Handles(self.plot, self)
        self._read_out = HoverReadOut(self.plot)

    def show_surface(
        self,
        config: SurfaceConfig,
        start: tuple[float, float],
        constraint: ConstraintConfig,
        feasible: ConvexSet | None = None,
    ) -> None:
        """Show a surface over its domain (when it is a new one), the start, and the feasible set.

        `constraint` gets handles. `feasible` is what is shaded, the constraint alone if it is None.
        """
        self._constraint = constraint
        self.veil.draw(constraint.make() if feasible is None else feasible)
        new = self._config is None or config.name != self._config.name
        changed = config != self._config
        self._config = config
        if new:
            self.fit()
        if changed:
            self._minima.setData(pos=np.array(config.minima).reshape(-1, 2))
            self._local_minima.setData(pos=np.array(config.local_minima).reshape(-1, 2))
            self._stationary = ()
            self._rest.start()
            self._redraw()
        self._handles.show(constraint)
        self.show_start(start)

    @property
    def domain(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What is in view: ((x0, x1), (y0, y1))."""
        (x0, x1), (y0, y1) = self._view.viewRange()
        return (x0, x1), (y0, y1)

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

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int | None = None) -> None:
        """Draw the paths up to `step`, all of them if it is None; `shown` says by racer id which."""
        at = frame.step if step is None else min(step, frame.step)
        self._race = (frame, dict(shown), at)
        self._redraw()
        heads = "; ".join(
            f"racer {identity + 1} at {x:.3g}, {y:.3g}"
            for identity, (x, y) in zip(frame.ids, frame.paths[:, at], strict=True)
        )
        self.plot.setAccessibleDescription(f"Step {at}: {heads}")

    def set_overlay(self, name: str, on: bool) -> None:
        """Show one of OVERLAYS or leave it out.

        Raises:
            ValueError: if there is none of this name.
        """
        if name not in (names := [overlay.name for overlay in OVERLAYS]):
            raise ValueError(f"name: expected one of {', '.join(names)}, got {name!r}")
        self._on = self._on | {name} if on else self._on - {name}
        self._redraw()

    def select(self, identity: int | None) -> None:
        """Choose the racer that overlays of a single racer belong to; None is the first one shown."""
        self._selected = identity
        self._redraw()

    def show_noise_ball(
        self,
        identity: int,
        centre: ArrayLike | None,
        half_axes: ArrayLike = (0.0, 0.0),
        angle: float | None = None,
    ) -> None:
        """Predict where racer `identity` wanders: an ellipse, turned by degrees; no centre, no ellipse."""
        self._balls.pop(identity, None)
        if centre is not None:
            (x, y), (a, b) = np.asarray(centre, dtype=float), np.asarray(half_axes, dtype=float)
            self._balls[identity] = Oval("noise", identity, (x, y), (a, b), angle or 0.0)
        self._redraw()

    def show_stationary(self, points: Sequence[Curvature]) -> None:
        """Mark stationary points of the surface; they go when the surface changes."""
        self._stationary = tuple(points)
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_rest") and theme.is_dark(self) != self._dark:
            self._recolour()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys nudge the start by one pixel, with Shift by ten; Home fits the domain."""
        key = Qt.Key(event.key())
        if key in KEYS:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            width, height = self._view.viewPixelSize()
            position, (right, up) = self._start.pos(), KEYS[key]
            self._start.setPos(position.x() + right * far * width, position.y() + up * far * height)
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._read_out.hide()
        super().leaveEvent(event)

    def _sample(self) -> None:
        """Evaluate the surface on what is in view."""
        if self._config is None:
            return
        columns = max(40, min(400, int(self._view.width() / PIXELS_PER_SAMPLE)))
        rows = max(40, min(400, int(self._view.height() / PIXELS_PER_SAMPLE)))
        self.heat.draw(sample(self._config, columns, rows, self.domain))
        self._handles.show(self._constraint)
        self._redraw()

    def _redraw(self) -> None:
        """Draw the race and the overlays at the present step and zoom."""
        moment = chosen = None
        if self._race is not None:
            frame, shown, step = self._race
            ahead = "ahead" in self._on
            self.paths.draw(frame.ids, frame.paths, frame.diverged, shown, step, self._selected, ahead=ahead)
            places = tuple(i for i, identity in enumerate(frame.ids) if shown.get(identity, True))
            ids = [frame.ids[place] for place in places]
            chosen = self._selected if self._selected in ids else None
            focus = places[0 if chosen is None else ids.index(chosen)] if places else None
            moment = Moment(frame, step, places, focus, self._view.viewPixelSize()[0])
        balls = [
            ball
            for identity, ball in self._balls.items()
            if self._race is None or self._race[1].get(identity, True)
        ]
        self.overlays.draw(marks(moment, self._on, balls, self._unstarred()), chosen)
        orders = tuple(order for order in (1, 2) if f"taylor{order}" in self._on)
        if moment is None or moment.focus is None or not orders:
            self.models.clear()
        else:
            x, y = moment.head(moment.focus).tolist()
            self.models.draw(moment.frame.config.surface, (x, y), orders, self.heat.levels)

    def _unstarred(self) -> list[Curvature]:
        """The stationary points where no star is."""
        if self._config is None:
            return []
        stars = np.array([*self._config.minima, *self._config.local_minima]).reshape(-1, 2)
        (x0, x1), (y0, y1) = self._config.entry.domain
        near = SAME * float(np.hypot(x1 - x0, y1 - y0))
        return [at for at in self._stationary if not (np.hypot(*(stars - at.point).T) <= near).any()]

    def _recolour(self) -> None:
        self._dark = theme.is_dark(self)
        tokens = theme.colours(self)
        self.plot.setBackground(tokens.plot)
        metrics = QFontMetricsF(caption())
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setStyle(tickFont=caption(), tickTextOffset=6)
            axis.setPen(QPen(QColor(tokens.rule), 1))
            axis.setTickPen(QPen(QColor(tokens.rule), 1))
            axis.setTextPen(QColor(tokens.muted))
            axis.room = 2.6 * metrics.height() if side == "left" else 10 * metrics.averageCharWidth()
        item = self.plot.getPlotItem()
        item.getAxis("left").setWidth(round(metrics.horizontalAdvance("0" * LETTERS) + 12))
        item.getAxis("bottom").setHeight(round(metrics.height() + 8))
        item.layout.setContentsMargins(0, metrics.height() / 2 + 1, 1, 2)  # room for half of the top number
        self.heat.recolour(self)
        self.veil.recolour(tokens)
        self._handles.recolour(tokens)
        self._minima.setPen(pg.mkPen(tokens.casing, width=1))
        self._minima.setBrush(pg.mkBrush("#FFE066"))
        self._local_minima.setPen(pg.mkPen("#FFE066", width=1.5))
        self._start.setPen(pg.mkPen(tokens.text, width=2))
        self._start.setHoverPen(pg.mkPen(tokens.accent, width=3))
        self._start.setBrush(pg.mkBrush(None))
        self._start.setHoverBrush(pg.mkBrush(None))
        self._read_out.recolour(tokens)
        for layer in (self.models, self.paths, self.overlays):
            layer.update()

    def _on_dragged(self, *, ended: bool) -> None:
        if not self._quiet:
            position = self._start.pos()
            self.start_moved.emit(float(position.x()), float(position.y()), ended)

    def _on_constraint_dragged(self, config: ConstraintConfig, ended: bool) -> None:
        self._constraint = config
        self.veil.draw(config.make())
        self._handles.show(config)
        self.constraint_dragged.emit(config, ended)

    def _on_clicked(self, event: Any) -> None:
        """Select the head that was clicked; where there is none put the start, unless a second click fits."""
        self._second.stop()
        if event.double():
            self.fit()
            return
        inside = self._view.sceneBoundingRect().contains(event.scenePos())
        if event.button() != Qt.MouseButton.LeftButton or self._config is None or not inside:
            return
        point = self._view.mapSceneToView(event.scenePos())
        identity = self.paths.at(point)
        if identity is not None:
            self.select(identity)
            self.selected.emit(identity)
        elif not self._handles.held():
            self._clicked_at = point
            self._second.start(QApplication.doubleClickInterval())

    def _move_to_click(self) -> None:
        x, y = float(self._clicked_at.x()), float(self._clicked_at.y())
        self.show_start((x, y))
        self.start_moved.emit(x, y, True)

    def _on_hovered(self, position: QPointF) -> None:
        if self._config is None or not self._view.sceneBoundingRect().contains(position):
            self._read_out.hide()
        else:
            stationary = self._stationary if "stationary" in self._on else ()
            self._read_out.show(self._config, position, stationary)
