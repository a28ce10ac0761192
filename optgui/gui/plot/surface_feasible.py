"""The feasible set on the map: a veil over what is outside, and handles on the person's own constraint."""

from __future__ import annotations

from functools import partial

import pyqtgraph as pg
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.core.constraints import ConstraintConfig, ConvexSet
from optgui.gui import theme
from optgui.gui.plot.surface_handles import Handle, handles, moved
from optgui.gui.plot.surface_heat import cosmetic
from optgui.gui.plot.surface_layer import Layer


class VeilLayer(Layer):
    """Shades what is not feasible."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view, -5, cached=True)
        self._feasible: ConvexSet | None = None
        self._veil = QColor()
        self._border = QPen()

    def draw(self, feasible: ConvexSet | None) -> None:
        """Shade what lies outside a set."""
        self._feasible = feasible
        self.update()

    def recolour(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        self._veil = QColor(tokens.plot)
        self._veil.setAlpha(140)
        self._border = cosmetic(QColor(tokens.text), 1.5)
        self.update()

    def path(self) -> QPainterPath:
        """What is outside, in data coordinates; empty if nothing is."""
        path = QPainterPath()
        rect = self.view.viewRect()
        width, height = rect.width(), rect.height()
        wide = rect.adjusted(-width, -height, width, height)  # edges of the view are no borders
        domain = ((wide.left(), wide.right()), (wide.top(), wide.bottom()))
        outline = self._feasible.outline(domain) if self._feasible else None
        if outline is not None:
            path.setFillRule(Qt.FillRule.OddEvenFill)
            path.addRect(QRectF(wide))
            if len(outline):
                path.addPath(pg.arrayToQPath(outline[:, 0].copy(), outline[:, 1].copy()))
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._border)
        painter.setBrush(self._veil)
        painter.drawPath(self.path())


class Handles(QObject):
    """Small squares that change a constraint where it is seen."""

    dragged = Signal(object, bool)  # ConstraintConfig, whether the gesture has ended

    def __init__(self, plot: pg.PlotWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._plot = plot
        self._config: ConstraintConfig | None = None
        self._handles: tuple[Handle, ...] = ()
        self.items: list[pg.TargetItem] = []
        self._held: int | None = None
        self._lost = False  # whether the square that is held has nothing to move any more
        self._quiet = False

    def show(self, config: ConstraintConfig | None) -> None:
        """Put the squares on a constraint; one that is being dragged stays under the mouse.

        One that is being dragged when its constraint goes is hidden, and removed when it is let go.
        """
        known = None if self._config is None else self._config.name
        self._config = config
        centre = self._plot.getViewBox().viewRect().center()
        fresh = list(handles(config, (centre.x(), centre.y()))) if config is not None else []
        if self._held is not None:
            same = config is not None and config.name == known and self._held < len(fresh)
            self._lost = self._lost or not same
            if not self._lost:
                fresh[self._held] = self._handles[self._held]  # a gesture is measured from where it began
        self._handles = tuple(fresh)
        while len(self.items) > len(self._handles) and self._held is None:
            self._plot.removeItem(self.items.pop())
        while len(self.items) < len(self._handles):
            self._add(len(self.items))
        self._quiet = True
        for place, item in enumerate(self.items):
            item.setVisible(place < len(self._handles) and not (self._lost and place == self._held))
        for place, (item, handle) in enumerate(zip(self.items, self._handles, strict=False)):
            if place != self._held:
                item.setPos(*handle.point)
            item.setToolTip(handle.help)
        self._quiet = False

    def names(self) -> tuple[str, ...]:
        """What can be dragged, in the order of `items`."""
        return tuple(f"{handle.part} {handle.name}".strip() for handle in self._handles)

    def held(self) -> bool:
        """Whether the mouse is on a square."""
        return any(item.isVisible() and item.mouseHovering for item in self.items)

    def recolour(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        for item in self.items:
            item.setPen(pg.mkPen(tokens.text, width=1.5))
            item.setBrush(pg.mkBrush(tokens.plot))
            item.setHoverPen(pg.mkPen(tokens.accent, width=2))
            item.setHoverBrush(pg.mkBrush(tokens.accent))

    def _add(self, place: int) -> None:
        item = pg.TargetItem((0, 0), size=9, symbol="s")
        item.setZValue(7)  # a head that stands on a handle is seen
        item.setCursor(Qt.CursorShape.SizeAllCursor)
        item.sigPositionChanged.connect(partial(self._on_moved, place, False))
        item.sigPositionChangeFinished.connect(partial(self._on_moved, place, True))
        self._plot.addItem(item, ignoreBounds=True)
        self.items.append(item)
        self.recolour(theme.colours(self._plot))

    def _on_moved(self, place: int, ended: bool, item: pg.TargetItem) -> None:
        if self._quiet:
            return
        if self._lost:
            if ended:
                self._held, self._lost = None, False
                self.show(self._config)
            return
        if self._config is None or place >= len(self._handles):
            return
        self._held = None if ended else place
        at, pixel = item.pos(), self._plot.getViewBox().viewPixelSize()[0]
        changed = moved(self._config, self._handles[place], (at.x(), at.y()), pixel)
        if changed is not None:
            self._config = changed
            self.dragged.emit(changed, ended)
        elif ended:
            self.dragged.emit(self._config, True)
        if ended:
            self.show(self._config)
