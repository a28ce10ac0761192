"""The racers on the map: their paths up to a step, their heads, and where they diverged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import Array, Layer, Pixels, Words

MOST_POINTS = 1000  # of one path
ALL_POINTS = 3000  # of all paths together
PIECE = 40  # points drawn at once: stroking a path costs more than its length where it crosses itself
HEAD_PIXELS = 12
NEAR_PIXELS = 11  # how near a head a click selects it


class PathLayer(Layer):
    """Draws the paths (racers, steps + 1, 2) of one race up to a step.

    Which points the screen can tell apart is found once for each race and zoom, so that a play head
    moves at the price of drawing alone.
    """

    def __init__(self, view: pg.ViewBox, widget: QWidget) -> None:
        super().__init__(view, 8)
        self._widget = widget
        self._ids: tuple[int, ...] = ()
        self._paths: Array = np.empty((0, 1, 2))
        self._diverged: Sequence[int | None] = ()
        self._shown: tuple[int, ...] = ()  # places
        self._step = 0
        self._chosen: int | None = None
        self._with_ahead = False
        self._kept: dict[int, NDArray[np.intp]] = {}
        self._kept_for: tuple[object, ...] = ()

    def draw(
        self,
        ids: tuple[int, ...],
        paths: Array,
        diverged: Sequence[int | None],
        shown: Mapping[int, bool],
        step: int,
        chosen: int | None,
        *,
        ahead: bool = False,
    ) -> None:
        """Draw up to `step`, and with `ahead` what follows as thin lines; `chosen` is who gets a ring."""
        self._shown = tuple(place for place, identity in enumerate(ids) if shown.get(identity, True))
        key = (self.view.viewRect(), len(self._shown))
        if paths is not self._paths or key != self._kept_for:
            self._kept, self._kept_for = {}, key
        self._ids, self._paths, self._diverged = ids, paths, diverged
        self._step, self._chosen, self._with_ahead = step, chosen, ahead
        self.update()

    def points(self, place: int) -> Array:
        """What is drawn of a path (m, 2): the points kept of it up to the step, and the head."""
        indices = self._indices(place)
        count = int(np.searchsorted(indices, self._step, side="left"))
        return np.concatenate([self._paths[place][indices[:count]], self._paths[place, self._step, None]])

    def ahead(self, place: int) -> Array:
        """What is computed of a path behind the step (m, 2), from the head on."""
        indices = self._indices(place)
        count = int(np.searchsorted(indices, self._step, side="right"))
        return np.concatenate([self._paths[place, self._step, None], self._paths[place][indices[count:]]])

    def _indices(self, place: int) -> NDArray[np.intp]:
        if place not in self._kept:
            most = min(MOST_POINTS, ALL_POINTS // max(1, len(self._shown)))
            room = self.view.viewRect()
            room.adjust(-room.width(), -room.height(), room.width(), room.height())  # one can pan a little
            self._kept[place] = kept(self._paths[place], self.view.viewPixelSize(), most, room)
        return self._kept[place]

    def at(self, point: QPointF) -> int | None:
        """The racer whose head lies at a point, given in data coordinates, or None.

        Where several do it is the nearest, and after the chosen one the next in the list.
        """
        if not self._shown:
            return None
        places = np.array(self._shown)
        away = (self._paths[places, self._step] - [point.x(), point.y()]) / self.view.viewPixelSize()
        lengths = np.hypot(away[:, 0], away[:, 1])
        if not lengths.min() <= NEAR_PIXELS:
            return None
        ids = [self._ids[place] for place in places[lengths <= lengths.min() + 2]]
        after = ids.index(self._chosen) + 1 if self._chosen in ids else 0
        found: int = ids[after % len(ids)]
        return found

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if not self._shown:
            return
        tokens = theme.colours(self._widget)
        pixels = self.pixels(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        casing = QColor(tokens.casing)
        if self._with_ahead:
            for place in self._shown:
                colour = theme.racer_colour(self._ids[place], self._widget)
                _stroke(painter, pixels(self.ahead(place)), QPen(_mixed(casing, colour, 0.55), 1))
        lines = {place: pixels(self.points(place)) for place in self._shown}
        for place in self._shown:
            identity = self._ids[place]
            colour = theme.racer_colour(identity, self._widget)
            rim = _mixed(casing, colour, 0.3)
            pen = QPen(rim, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.BevelJoin)
            _stroke(painter, lines[place], pen)
            pen = QPen(colour, 2, theme.racer_dash(identity), Qt.PenCapStyle.FlatCap)
            pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
            _stroke(painter, lines[place], pen)
        words = Words(painter, pixels.room, tokens)
        for place in sorted(self._shown, key=lambda place: self._ids[place] == self._chosen):
            self._draw_head(painter, place, QPointF(*lines[place][-1]), casing)
        for place in self._shown:
            stop = self._diverged[place]
            if stop is not None and self._step >= stop:
                colour = theme.racer_colour(self._ids[place], self._widget)
                at = _into(pixels, lines[place][-1])
                words.write(f"{self._ids[place] + 1} diverged at step {stop:,}", at, colour)

    def _draw_head(self, painter: QPainter, place: int, at: QPointF, casing: QColor) -> None:
        identity = self._ids[place]
        colour = theme.racer_colour(identity, self._widget)
        stop = self._diverged[place]
        painter.save()
        painter.translate(at)
        if stop is not None and self._step >= stop:
            for pen in (QPen(casing, 5), QPen(colour, 2.5)):
                painter.setPen(pen)
                painter.drawLine(QPointF(-6, -6), QPointF(6, 6))
                painter.drawLine(QPointF(-6, 6), QPointF(6, -6))
        else:
            if identity == self._chosen:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for pen in (QPen(casing, 4), QPen(QColor(theme.colours(self._widget).text), 2)):
                    painter.setPen(pen)
                    painter.drawEllipse(QPointF(), HEAD_PIXELS - 1, HEAD_PIXELS - 1)
            pen = QPen(casing, 1.5)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setBrush(QBrush(colour))
            painter.scale(HEAD_PIXELS, HEAD_PIXELS)
            painter.drawPath(Symbols[theme.MARKERS[identity % len(theme.MARKERS)]])
        painter.restore()


def kept(path: Array, pixel: tuple[float, float], most: int, room: QRectF | None = None) -> NDArray[np.intp]:
    """Rising places in a path (n, 2) of points two pixels from the one before; at most `most`, from 0 on.

    Of a stretch that stays beyond one edge of `room` only the ends are kept.
    """
    with np.errstate(over="ignore"):
        cells = np.clip(np.round(path / np.maximum(np.array(pixel) * 2, 1e-300)), -1e9, 1e9)
    moved = np.ones(len(path), dtype=bool)
    moved[1:] = np.any(cells[1:] != cells[:-1], axis=1)
    if room is not None:
        low, high = (room.left(), room.top()), (room.right(), room.bottom())
        side = ((path > high).astype(int) - (path < low)) @ (1, 3)  # 0 inside
        moved[1:-1] &= (side[1:-1] == 0) | (side[1:-1] != side[:-2]) | (side[1:-1] != side[2:])
    places = np.flatnonzero(moved)
    return places[:: -(-len(places) // most)]


def _stroke(painter: QPainter, line: Array, pen: QPen) -> None:
    """Draw a line (m, 2) in pixels, piece by piece; its dashes go on from piece to piece."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    lengths = np.concatenate([[0.0], np.cumsum(steps)])
    dashed = pen.style() != Qt.PenStyle.SolidLine
    for start in range(0, len(line) - 1, PIECE):
        piece = line[start : start + PIECE + 1]
        if dashed:
            pen.setDashOffset(float(lengths[start]) / pen.widthF())
        painter.setPen(pen)
        painter.drawPolyline(pg.functions.arrayToQPolygonF(piece[:, 0], piece[:, 1]))


def _mixed(one: QColor, other: QColor, share: float) -> QColor:
    """The first colour with a share of the second: opaque, because a transparent casing costs thrice."""
    return QColor.fromRgbF(
        one.redF() + (other.redF() - one.redF()) * share,
        one.greenF() + (other.greenF() - one.greenF()) * share,
        one.blueF() + (other.blueF() - one.blueF()) * share,
    )


def _into(pixels: Pixels, at: Array) -> QPointF:
    """The place in view nearest to a pixel, on the ray from the middle."""
    room = pixels.room.adjusted(8, 8, -8, -8)
    centre = np.array([room.center().x(), room.center().y()])
    away = at - centre
    half = np.array([room.width(), room.height()]) / 2
    over = float(np.max(np.abs(away) / np.maximum(half, 1)))
    return QPointF(*(centre + away / max(1.0, over)))
