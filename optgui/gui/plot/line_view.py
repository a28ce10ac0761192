"""The curve of a function of one variable, with the racers on it and a start that can be dragged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from optgui.core.constraints import ConstraintConfig, ConvexSet
from optgui.core.curvature import Curvature
from optgui.core.surface import DescentFrame, SurfaceConfig, sample
from optgui.gui import theme
from optgui.gui.plot.line_items import Array, Trail, Veil, gaps, outside
from optgui.gui.plot.line_models import TaylorModels, bend, words_of

NEAR_PX = 12  # a click this near to a ball means it
BALL, CHOSEN_BALL = 12, 16  # diameters in pixels
OVERLAYS = ("taylor1", "taylor2", "arrows", "stationary")
SYMBOLS = {"minimum": "t", "maximum": "t1", "flat": "d"}
STAR, STAR_PX = "#FFE066", 17


class LineView(QWidget):
    """Draws f(x), sampled for what is in view, and a race on it; the height follows the curve."""

    start_moved = Signal(float, float, bool)  # x, 0, whether the gesture has ended
    selected = Signal(int)  # id of the racer whose ball was clicked

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config: SurfaceConfig | None = None
        self._feasible: ConvexSet | None = None
        self._race: tuple[DescentFrame, Mapping[int, bool], int] | None = None
        self._stationary: tuple[Curvature, ...] = ()
        self._overlays = dict.fromkeys(OVERLAYS, False) | {"taylor1": True, "taylor2": True}
        self._chosen: int | None = None
        self._trails: dict[int, Trail] = {}
        self._brushes: dict[int, QBrush] = {}  # kept: pyqtgraph renders a marker anew for each new object
        self._quiet = self._nudged = False
        self._dark: bool | None = None
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setObjectName("surface.line")
        self.plot.setAccessibleName("Curve of the function")
        self.plot.setWhatsThis(
            "Drag the ring to move the start; the arrow keys move it by one pixel, with Shift by ten. "
            "The wheel zooms, Home and a double click show the whole curve. Click a ball to select its racer."
        )
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.plot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        item = self.plot.getPlotItem()
        item.setLabel("bottom", "x")
        item.setLabel("left", "f(x)")
        self._box = item.getViewBox()
        self._box.disableAutoRange()
        self._box.setMouseEnabled(x=True, y=False)
        self._gaps, self._outside = Veil(hatched=True), Veil(hatched=False)
        for veil in (self._gaps, self._outside):
            veil.setZValue(-10)
            self._box.addItem(veil, ignoreBounds=True)
        self.curve = pg.PlotCurveItem(connect="finite", antialias=True)
        self.curve.setSegmentedLineMode("on")
        self.models = TaylorModels(self.plot)
        self.minima = pg.ScatterPlotItem(symbol="star", size=STAR_PX)
        self._local_minima = pg.ScatterPlotItem(symbol="star", size=13, brush=None)
        self._stations = pg.ScatterPlotItem(size=10, brush=None)
        self.balls = pg.ScatterPlotItem()
        self._here = pg.ScatterPlotItem(symbol="o", size=6)
        self._start = pg.TargetItem((0, 0), size=15, symbol="o", movable=True)
        layers: Sequence[tuple[Any, float]] = (
            (self.curve, 0),
            (self._local_minima, 4),
            (self.minima, 5),
            (self._stations, 6),
            (self.balls, 15),
            (self._here, 16),
            (self._start, 20),
        )
        for layer, depth in layers:
            layer.setZValue(depth)
            self.plot.addItem(layer, ignoreBounds=True)
        self._read_out = QLabel(self.plot)
        self._read_out.setObjectName("read_out")
        self._read_out.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._read_out.hide()
        self._box.sigXRangeChanged.connect(lambda *_: self._draw())
        self._box.sigResized.connect(lambda *_: self._draw())
        self._start.sigPositionChanged.connect(lambda: self._on_dragged(ended=False))
        self._start.sigPositionChangeFinished.connect(lambda: self._on_dragged(ended=True))
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        self.plot.scene().sigMouseMoved.connect(self._on_hovered)
        self._recolour()

    # What it shows

    def show_surface(
        self,
        config: SurfaceConfig,
        start: tuple[float, float],
        constraint: ConstraintConfig,
        feasible: ConvexSet | None = None,
    ) -> None:
        """Show a function over its domain (when it is a new one), the start, and what is not feasible.

        `feasible` is the whole feasible set; without it the constraint's own is taken.
        """
        new = self._config is None or config.name != self._config.name
        now = feasible if feasible is not None else constraint.make()
        changed = config != self._config or now != self._feasible
        self._config, self._feasible = config, now
        if changed:
            self._stationary = ()
        if new:
            self._forget_race()
            self.fit()
        if changed:
            self._draw()
        self.show_start(start)

    def show_start(self, start: tuple[float, float]) -> None:
        """Put the ring on the curve at the start's x."""
        self._quiet = True
        self._start.setPos(start[0], self._height(start[0]))
        self._quiet = False

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Draw the race up to a step; `shown` says by racer id which."""
        self._race = (frame, shown, min(step, frame.step))
        self._draw_race()
        heads = "; ".join(
            f"racer {identity + 1} at {frame.paths[place, self._race[2], 0]:.3g}"
            for place, identity in enumerate(frame.ids)
        )
        self.plot.setAccessibleDescription(f"Step {self._race[2]}: {heads}")

    def show_stationary(self, points: Sequence[Curvature]) -> None:
        """Mark stationary points, seen while the overlay "stationary" is on."""
        self._stationary = tuple(points)
        self._draw_stationary()

    def select(self, identity: int | None) -> None:
        """Draw tangent and parabola for this racer; the first one shown for None."""
        if identity != self._chosen:
            self._chosen = identity
            self._draw_race()

    def set_overlay(self, name: str, on: bool) -> None:
        """Show "taylor1" (tangent), "taylor2" (parabola), "arrows" (next steps) or "stationary", or hide it.

        Raises:
            ValueError: for another name.
        """
        if name not in self._overlays:
            raise ValueError(f"overlay: expected one of {', '.join(OVERLAYS)}, got {name!r}")
        self._overlays[name] = on
        self._draw_stationary()
        self._draw_race()

    def fit(self) -> None:
        """Show the function's whole domain."""
        if self._config is not None:
            x0, x1 = self._config.entry.domain[0]
            self._box.setXRange(x0, x1, padding=0.0)

    # Drawing

    def _pixel(self) -> tuple[float, float]:
        rect = self._box.viewRect()
        return rect.width() / max(self._box.width(), 1.0), rect.height() / max(self._box.height(), 1.0)

    def _height(self, x: float) -> float:
        """f(x), or the middle of the view where there is no value."""
        value = self._config.value(x, 0.0) if self._config is not None else math.nan
        return value if math.isfinite(value) else float(self._box.viewRect().center().y())

    @np.errstate(all="ignore")
    def _draw(self) -> None:
        """Sample the function for what is in view, and draw everything that depends on the view."""
        if self._config is None:
            return
        x0, x1 = self._box.viewRange()[0]
        columns = max(64, min(2000, round(self._box.width())))
        grid = sample(self._config, columns, 2, ((x0, x1), (0.0, 1.0)))
        y = grid.z[0]
        self._box.setYRange(*_height_of(y), padding=0.0)
        rect, pixel = self._box.viewRect(), self._pixel()
        self.curve.setData(grid.x, np.clip(y, rect.top() - rect.height(), rect.bottom() + rect.height()))
        self._gaps.cover(gaps(grid.x, y), rect, pixel)
        self._outside.cover(outside(self._feasible, (x0, x1)) if self._feasible else (), rect, pixel)
        for item, points in (
            (self.minima, self._config.minima),
            (self._local_minima, self._config.local_minima),
        ):
            item.setData(pos=[(x, self._height(x)) for x, _ in points])
        self.show_start((self._start.pos().x(), 0.0))
        self._draw_stationary()
        self._draw_race()

    def _draw_stationary(self) -> None:
        found: dict[int, Curvature] = {}
        if self._overlays["stationary"] and self._config is not None:
            cell = STAR_PX / 2 * self._pixel()[0]
            stars = [x for x, _ in (*self._config.minima, *self._config.local_minima)]
            for at in self._stationary:  # some differ in y alone, which means nothing here
                if all(abs(at.point[0] - x) > cell for x in stars):
                    found.setdefault(round(float(at.point[0]) / cell), at)
        self._stations.setData(
            pos=[(at.point[0], at.value) for at in found.values()],
            symbol=[SYMBOLS[bend(float(at.hessian[0, 0]))] for at in found.values()],
        )

    def _forget_race(self) -> None:
        self._race = None
        for trail in self._trails.values():
            trail.remove()
        self._trails.clear()
        self.balls.clear()
        self.models.hide()

    @np.errstate(all="ignore")
    def _draw_race(self) -> None:
        if self._race is None:
            return
        frame, shown, step = self._race
        for identity in set(self._trails) - set(frame.ids):
            self._trails.pop(identity).remove()
        pixel, centre = self._pixel(), self._box.viewRect().center()
        chosen = self._chosen_place(frame, shown)
        balls: list[dict[str, Any]] = []
        for place, identity in enumerate(frame.ids):
            trail = self._trails.get(identity)
            if trail is None:
                trail = self._trails[identity] = Trail(self.plot, identity)
                trail.recolour(self)
                self._brushes[identity] = pg.mkBrush(theme.racer_colour(identity, self))
            visible = shown.get(identity, True)
            trail.show(trail=visible, arrow=visible and self._overlays["arrows"], chosen=place == chosen)
            if not visible:
                continue
            places, heights = frame.paths[place, : step + 1, 0], frame.losses[place, : step + 1]
            trail.draw(np.column_stack([places, heights]), pixel, (centre.x(), centre.y()))
            x, y = float(places[-1]), float(heights[-1])
            if self._overlays["arrows"]:
                ahead = frame.step > step
                way = (x, *(a[place, step + 1, 0] for a in (frame.raw, frame.paths))) if ahead else ()
                trail.draw_arrow(way, y, pixel)
            if math.isfinite(y):
                balls.append(self._ball(identity, x, y, chosen=place == chosen))
        balls.sort(key=lambda ball: ball["size"])
        self.balls.setData(balls)
        self._draw_models(frame, chosen, step)

    def _ball(self, identity: int, x: float, y: float, *, chosen: bool) -> dict[str, Any]:
        return {
            "pos": (x, y),
            "data": identity,
            "symbol": theme.MARKERS[identity % len(theme.MARKERS)],
            "size": CHOSEN_BALL if chosen else BALL,
            "brush": self._brushes[identity],
            "pen": self._casing,
        }

    def _chosen_place(self, frame: DescentFrame, shown: Mapping[int, bool]) -> int | None:
        """Place of the selected racer if it is shown, else of the first shown one."""
        there = [place for place, identity in enumerate(frame.ids) if shown.get(identity, True)]
        wanted = [place for place in there if frame.ids[place] == self._chosen]
        return next(iter(wanted or there), None)

    def _draw_models(self, frame: DescentFrame, place: int | None, step: int) -> None:
        """Draw the chosen racer's tangent and parabola."""
        if place is None or self._config is None:
            self.models.hide()
            return
        at = self._config.curvature(float(frame.paths[place, step, 0]), 0.0)
        colour = theme.racer_colour(frame.ids[place], self)
        self.models.draw(at, self._overlays, colour, self._box.viewRect(), self._pixel())

    def _recolour(self) -> None:
        self._dark = theme.is_dark(self)
        tokens = theme.colours(self)
        self.plot.setBackground(tokens.plot)
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(QPen(QColor(tokens.rule), 1))
            axis.setTextPen(QColor(tokens.muted))
        self.curve.setPen(pg.mkPen(tokens.muted, width=2))
        self._gaps.recolour(self)
        self._outside.recolour(self)
        self.minima.setPen(pg.mkPen(tokens.text, width=1))
        self.minima.setBrush(pg.mkBrush(STAR))
        self._local_minima.setPen(pg.mkPen(tokens.text, width=1))
        self._stations.setPen(pg.mkPen(tokens.text, width=1.5))
        self._here.setPen(pg.mkPen(tokens.plot, width=1))
        self._here.setBrush(pg.mkBrush(tokens.text))
        self._start.setPen(pg.mkPen(tokens.text, width=2))
        self._start.setHoverPen(pg.mkPen(tokens.accent, width=3))
        self._casing = pg.mkPen(tokens.casing, width=1.5)
        for identity, trail in self._trails.items():
            trail.recolour(self)
            self._brushes[identity] = pg.mkBrush(theme.racer_colour(identity, self))
        self._draw()

    # Events

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_read_out") and theme.is_dark(self) != self._dark:
            self._recolour()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right nudge the start by one pixel, with Shift by ten; Home fits the domain."""
        side = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if side is not None:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._nudged = True
            self._start.setPos(self._start.pos().x() + side * far * self._pixel()[0], 0.0)
        elif event.key() == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End the gesture of a nudge."""
        if self._nudged and not event.isAutoRepeat():
            self._nudged = False
            self._on_dragged(ended=True)
        else:
            super().keyReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hide_read_out()
        super().leaveEvent(event)

    def _hide_read_out(self) -> None:
        self._read_out.hide()
        self._here.hide()

    def _on_dragged(self, *, ended: bool) -> None:
        if not self._quiet:
            x = float(self._start.pos().x())
            self.show_start((x, 0.0))
            self.start_moved.emit(x, 0.0, ended)

    def _on_clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.fit()
            return
        click = self._box.mapSceneToView(event.scenePos())
        width, height = self._pixel()
        reached = [
            (math.hypot((spot.pos().x() - click.x()) / width, (spot.pos().y() - click.y()) / height), spot)
            for spot in self.balls.points()
        ]
        distance, nearest = min(reached, key=lambda pair: pair[0], default=(math.inf, None))
        if nearest is not None and distance <= NEAR_PX:
            self.select(nearest.data())
            self.selected.emit(nearest.data())

    def _on_hovered(self, position: QPointF) -> None:
        if self._config is None or not self._box.sceneBoundingRect().contains(position):
            self._hide_read_out()
            return
        x = float(self._box.mapSceneToView(position).x())
        at = self._config.curvature(x, 0.0)
        self._here.setVisible(math.isfinite(at.value))
        self._here.setData([x], [at.value])
        self._read_out.setText(words_of(at, self._pixel()[0]))
        self._read_out.adjustSize()
        corner = self.plot.mapFromScene(position)
        size, room = self._read_out.size(), self.plot.size()
        left = corner.x() + 14 if corner.x() < room.width() / 2 else corner.x() - 14 - size.width()
        top = corner.y() + 14 if corner.y() < room.height() / 2 else corner.y() - 14 - size.height()
        self._read_out.move(min(left, room.width() - size.width()), min(top, room.height() - size.height()))
        self._read_out.show()


def _height_of(y: Array) -> tuple[float, float]:
    """Lower and upper end of the view for these heights; a pole does not flatten all the rest."""
    known = y[~np.isnan(y)]
    if not known.size:
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    first, last = np.quantile(known, [0.05, 0.95])
    low, high = max(low, first - (last - first)), min(high, last + (last - first))
    room = 0.08 * (high - low) or 0.1 * abs(low) or 1.0
    return low - room, high + room
