"""The relief of a surface: heights in the map's colours, contours, and the paths of the racers on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.graphicsItems.ScatterPlotItem import drawSymbol
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from optgui.core.constraints import ConvexSet
from optgui.core.surface import DescentFrame, SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.opengl import available
from optgui.gui.plot.relief import Relief
from optgui.gui.plot.trails import Trail, drape, trail

if TYPE_CHECKING:
    from optgui.gui.plot.relief_scene import ReliefScene

Array = NDArray[np.float64]
BEHIND = 0.3  # opacity of a marker that the relief hides
HEAD, STAR, SMALL_STAR, RING = 12.0, 17.0, 12.0, 13.0  # pixels
GOLD = "#FFE066"  # of minima, as on the map
CHORDS = 128  # of a round border
EMPTY = "Nothing to show: the surface has no finite value on its domain."


class SurfaceView3D(QWidget):
    """Draws frames of a race on the relief. OpenGL is touched when the view is first seen, not before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("surface.relief")
        self.scene: ReliefScene | None = None
        self.relief: Relief | None = None
        self._config: SurfaceConfig | None = None
        self._outline: Array | None = None
        self._minima: list[Array] = []
        self._start = (0.0, 0.0)
        self._race: tuple[DescentFrame, dict[int, bool], int] | None = None
        self._trails: dict[int, Trail] = {}
        self._stale = True  # the relief is not that of the config
        self._look: tuple[bool, float] | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def show_surface(
        self, config: SurfaceConfig, start: tuple[float, float], constraint: ConvexSet | None = None
    ) -> None:
        """Show a surface over its domain, the start, and the outline of a feasible set."""
        if config != self._config:
            self._config, self._stale = config, True
        outline = _outline(config, constraint)
        if outline is not self._outline and not np.array_equal(outline, self._outline):  # type: ignore[arg-type]
            self._outline, self._look = outline, None
        self._start = start
        self._refresh()

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Draw the paths up to `step`; `shown` says by racer id which."""
        if self._race is None or frame is not self._race[0]:
            self._trails.clear()
        self._race = (frame, dict(shown), step)
        self._refresh()

    def fit(self) -> None:
        """Look at all of the box from where one looks at first."""
        if self.scene is not None:
            self.scene.home()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.scene is None and self._layout.count() == 0:
            self._build()
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_look"):
            self._refresh()

    def _build(self) -> None:
        reason = available()
        if reason:
            label = QLabel(reason, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
            self._layout.addWidget(label)
            return
        from optgui.gui.plot.relief_scene import ReliefScene

        self.scene = ReliefScene(self._paint_over)
        self.scene.setAccessibleName("Relief of the surface")
        self.scene.setToolTip("Drag to turn, wheel to zoom, double click to look from the front again.")
        self._layout.addWidget(self.scene)
        self.scene.show()  # a layout would show it at the next turn of the event loop
        self.setFocusProxy(self.scene)

    def _refresh(self) -> None:
        """Bring up to date what is seen; a hidden view does nothing."""
        if self.scene is None or self._config is None or not self.isVisible():
            return
        look = (theme.is_dark(self), self.devicePixelRatioF())
        if self._stale or self.relief is None:
            self.relief = Relief(self._config)
            self._minima = [np.reshape(m, (-1, 2)) for m in (self._config.local_minima, self._config.minima)]
            self._trails.clear()
        if self._stale or look != self._look:
            self.scene.show_relief(self.relief, self._outline, self)
        self._stale, self._look = False, look
        if self._race is not None:
            self._draw_race(*self._race)
        self.scene.repaint_over()

    def _draw_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        assert self.scene is not None
        assert self.relief is not None
        pieces, dashes, places, starts, ends = [], [], [], [], []
        for row, identity in enumerate(frame.ids):
            if not shown.get(identity, True):
                continue
            path = frame.paths[row]
            if identity not in self._trails:
                pattern = QPen(theme.racer_dash(identity)).dashPattern()
                self._trails[identity] = trail(self.relief, path, pattern)
            laid = self._trails[identity]
            whole, dashed = laid.until(step)
            pieces.append(whole)
            dashes.append((dashed, theme.racer_colour(identity, self)))
            starts.append(path[laid.kept[np.searchsorted(laid.kept, step, side="right") - 1]])
            ends.append(path[step])
            places.append(f"racer {identity + 1} at {path[step, 0]:.3g}, {path[step, 1]:.3g}")
        if starts:
            floor = self.relief.floor
            rest, sources = drape(self.relief, floor(np.array(starts)), floor(np.array(ends)))
            pieces.append(rest)
            dashes += [(rest[sources == k], colour) for k, (_, colour) in enumerate(list(dashes))]
        self.scene.show_paths(pieces, dashes)
        self.scene.setAccessibleDescription(f"Step {step}: {'; '.join(places)}")

    def _paint_over(self, painter: QPainter) -> None:
        """Words and markers, over the picture that OpenGL drew."""
        if self.scene is None or self.scene.box is None or self.relief is None or self._config is None:
            return
        tokens = theme.colours(self)
        if np.isnan(self.relief.low):
            painter.setPen(QColor(tokens.muted))
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.scene.rect(), middle, EMPTY)
            return
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * theme.CAPTION)
        self.scene.box.paint_words(painter, self.scene, font, tokens.muted, tokens.text)
        thin, gold = QPen(QColor(tokens.casing), 1), QPen(QColor(GOLD), 1.5)
        none, fill = QColor(0, 0, 0, 0), QColor(GOLD)
        self._mark(painter, self._minima[0], [("star", SMALL_STAR, gold, none)])
        self._mark(painter, self._minima[1], [("star", STAR, thin, fill)])
        self._mark(painter, [self._start], [("o", RING, QPen(QColor(tokens.text), 2), none)])
        if self._race is not None:
            frame, shown, step = self._race
            heads = [(k, i) for k, i in enumerate(frame.ids) if shown.get(i, True)]
            symbols = [theme.MARKERS[i % len(theme.MARKERS)] for _, i in heads]
            colours = [theme.racer_colour(i, self) for _, i in heads]
            looks = [(symbol, HEAD, thin, c) for symbol, c in zip(symbols, colours, strict=True)]
            self._mark(painter, [frame.paths[k, step] for k, _ in heads], looks)

    def _mark(self, painter: QPainter, points: object, looks: list[tuple[str, float, QPen, QColor]]) -> None:
        """Draw a marker at each point of the plane, fainter where the relief hides it, none off the box."""
        assert self.scene is not None
        assert self.relief is not None
        spots = self.relief.lift(self.relief.floor(np.array(points, dtype=float).reshape(-1, 2)))
        if not len(spots):
            return
        hidden = self.relief.hides(spots, self.scene.eye)
        for k, (x, y) in enumerate(self.scene.project(spots)):
            if np.isnan(spots[k, 2]):
                continue
            symbol, size, pen, brush = looks[k % len(looks)]
            sharp = QPen(pen.color(), pen.widthF() / size)
            painter.save()
            painter.setOpacity(BEHIND if hidden[k] else 1.0)
            painter.translate(x, y)
            drawSymbol(painter, symbol, size, sharp, brush)
            painter.restore()


def _outline(config: SurfaceConfig, constraint: ConvexSet | None) -> Array | None:
    """The outline (m, 2) of a set in and round the domain; None if it is the whole plane."""
    if constraint is None:
        return None
    (x0, x1), (y0, y1) = config.entry.domain
    wider = ((2 * x0 - x1, 2 * x1 - x0), (2 * y0 - y1, 2 * y1 - y0))  # edges of the domain are no borders
    return constraint.outline(wider, CHORDS)
