"""Arrows, ellipses and symbols that overlays put on the map, and the legend that says what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import Array, Layer, Pixels, Words, caption

Point = tuple[float, float]
LONGEST = 90  # pixels of an arrow; a longer one is cut and ends in dots
SHORTEST = 3
FAINT = 0.35  # opacity of what belongs to another racer than the chosen one


class Style(NamedTuple):
    """How a kind of mark is drawn; colour "" is the racer's own."""

    width: float
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    filled: bool = True
    colour: str = ""


STYLES = {
    "gradient": Style(1.5, filled=False),
    "momentum": Style(1.5, Qt.PenStyle.DashLine),
    "update": Style(3),
    "cut": Style(1.5),
    "raw": Style(1.5, Qt.PenStyle.DotLine, filled=False, colour="error"),
    "projection": Style(2, colour="ok"),
    "descent": Style(4.5, colour="text"),
    "normal": Style(2, colour="error"),
    "side": Style(1, Qt.PenStyle.DashLine, colour="error"),
    "rest": Style(1.5, Qt.PenStyle.DotLine, colour="ok"),
    "moments": Style(1.5),
    "curvature": Style(1.5, Qt.PenStyle.DashLine),
    "noise": Style(1.5, Qt.PenStyle.DashDotLine),
    "taylor1": Style(1.5, Qt.PenStyle.DotLine, colour="accent"),
    "taylor2": Style(1.5, Qt.PenStyle.DashLine, colour="accent"),
}
RING = 6.5  # pixels: radius of the symbol of a stationary point
# Lines in the ring, in shares of its radius: a bowl, a hill, a cross, level. None is a racer's marker.
_BEND = tuple((x, 0.45 - 0.9 * x * x / 0.36) for x in (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6))
SYMBOLS: dict[str, tuple[tuple[Point, ...], ...]] = {
    "minimum": (_BEND,),
    "maximum": (tuple((x, -y) for x, y in _BEND),),
    "saddle": (((-0.5, -0.5), (0.5, 0.5)), ((-0.5, 0.5), (0.5, -0.5))),
    "flat direction": (((-0.6, 0.0), (0.6, 0.0)),),
}


class Arrow(NamedTuple):
    """From tail to tip, in data coordinates; a "side" is a line without a head."""

    kind: str
    racer: int
    tail: Point
    tip: Point


class Oval(NamedTuple):
    """An ellipse in data coordinates, its first half axis turned by `angle` degrees, anticlockwise."""

    kind: str
    racer: int
    centre: Point
    half_axes: Point
    angle: float


class Note(NamedTuple):
    """A small label beside a point."""

    text: str
    at: Point
    colour: str


class Symbol(NamedTuple):
    """A stationary point and what it is."""

    kind: str
    at: Point


class Marks(NamedTuple):
    """All that overlays show at one step; `legend` holds kinds and their words."""

    arrows: tuple[Arrow, ...] = ()
    ovals: tuple[Oval, ...] = ()
    notes: tuple[Note, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


class MarkLayer(Layer):
    """Draws marks above the paths."""

    def __init__(self, view: pg.ViewBox, widget: QWidget) -> None:
        super().__init__(view, 12)
        self._widget = widget
        self.marks = Marks()
        self._chosen: int | None = None

    def draw(self, marks: Marks, chosen: int | None) -> None:
        """Draw these instead; where a racer is chosen, those of the others stand back."""
        self.marks, self._chosen = marks, chosen
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        marks = self.marks
        if not any(marks):
            return
        tokens = theme.colours(self._widget)
        pixels = self.pixels(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        casing = QColor(tokens.casing)
        casing.setAlpha(200)
        legend = list(marks.legend)
        mine: Callable[[Arrow | Oval], bool] = lambda mark: self._chosen in (None, mark.racer)
        for oval in sorted(marks.ovals, key=mine):
            painter.setOpacity(1.0 if mine(oval) else FAINT)
            _draw_oval(
                painter, oval, pixels, self._pen(oval.kind, oval.racer), casing if mine(oval) else None
            )
        for arrow in sorted(marks.arrows, key=mine):
            painter.setOpacity(1.0 if mine(arrow) else FAINT)
            tail, tip = pixels([arrow.tail, arrow.tip])
            pen = self._pen(arrow.kind, arrow.racer)
            _draw_arrow(painter, arrow.kind, tail, tip, pen, casing if mine(arrow) else None)
            if is_cut(arrow.kind, float(np.hypot(*(tip - tail)))) and legend[-1][0] != "cut":
                legend.append(("cut", "longer than drawn"))
        painter.setOpacity(1.0)
        for symbol in marks.symbols:
            _draw_symbol(painter, symbol.kind, QPointF(*pixels(symbol.at)), tokens)
        words = Words(painter, pixels.room, tokens)
        if legend:
            words.keep_free(self._draw_legend(painter, pixels.room, tokens, legend))
        for symbol in marks.symbols:
            words.keep_free(QRectF(-8, -8, 16, 16).translated(QPointF(*pixels(symbol.at))))
        for note in marks.notes:
            words.write(note.text, QPointF(*pixels(note.at)), QColor(getattr(tokens, note.colour)))

    def _pen(self, kind: str, racer: int | None = None) -> QPen:
        style, tokens = STYLES[kind], theme.colours(self._widget)
        if style.colour:
            colour = QColor(getattr(tokens, style.colour))
        elif racer is None:
            colour = QColor(tokens.text)
        else:
            colour = theme.racer_colour(racer, self._widget)
        pen = QPen(colour, style.width, style.dash, Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        return pen

    def _draw_legend(
        self, painter: QPainter, room: QRectF, tokens: theme.Colours, legend: list[tuple[str, str]]
    ) -> QRectF:
        """Write what the kinds of marks mean, in the lower left corner; returns the place taken."""
        metrics = QFontMetricsF(caption())
        line, sample = metrics.height() + 2, 34.0
        width = max(metrics.horizontalAdvance(words) for _, words in legend) + sample + 24
        box = QRectF(0, 0, width, line * len(legend) + 10)
        box.moveBottomLeft(room.bottomLeft() + QPointF(8, -8))
        ground = QColor(tokens.plot)
        ground.setAlpha(225)
        painter.setPen(QPen(QColor(tokens.rule), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 4, 4)
        for row, (kind, words) in enumerate(legend):
            y = box.top() + 5 + line * (row + 0.5)
            ends = np.array([[box.left() + 8, y], [box.left() + 8 + sample, y]])
            if kind in SYMBOLS:
                _draw_symbol(painter, kind, QPointF(*ends.mean(axis=0)), tokens)
            elif kind in ("moments", "curvature", "noise"):
                painter.setPen(self._pen(kind))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(*ends.mean(axis=0)), sample / 2 - 4, line / 2 - 3)
            elif kind in ("taylor1", "taylor2"):
                painter.setPen(self._pen(kind))
                painter.drawLine(QPointF(*ends[0]), QPointF(*ends[1]))
            else:
                _draw_arrow(painter, kind, ends[0], ends[1], self._pen(kind), None)
            painter.setPen(QColor(tokens.text))
            left = box.left() + sample + 16
            place = QRectF(left, y - line / 2, box.right() - left, line)
            painter.setFont(caption())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        return box


def is_cut(kind: str, length: float) -> bool:
    """Whether an arrow of this many pixels is too long to be drawn whole."""
    return kind == "cut" or (kind in ("gradient", "momentum", "update") and length > LONGEST)


def _draw_arrow(
    painter: QPainter, kind: str, tail: Array, tip: Array, pen: QPen, casing: QColor | None
) -> None:
    """A shaft and a head; one that is too long is cut, and fades out in dots instead of a head."""
    away = tip - tail
    length = float(np.hypot(*away))
    if length < SHORTEST:
        return
    along = away / length
    across = np.array([-along[1], along[0]])
    cut = is_cut(kind, length)
    end = tail + along * min(length, LONGEST) if cut else tip
    head = min(4.0 + 2.5 * pen.widthF(), 0.6 * length)
    pointed = not cut and kind not in ("side", "rest")
    filled = STYLES[kind].filled
    stop = end - along * head * 0.8 if pointed and filled else end
    case = QPen(casing or QColor(), pen.widthF() + 2)
    solid = QPen(pen.color(), pen.widthF())
    start = QPointF(*tail)
    if casing is not None:
        painter.setPen(case)
        painter.drawLine(start, QPointF(*stop))
    if cut:
        solid_end = QPointF(*(end - along * 20))
        painter.setPen(pen)
        painter.drawLine(start, solid_end)
        painter.setPen(QPen(pen.color(), pen.widthF(), Qt.PenStyle.DotLine))
        painter.drawLine(solid_end, QPointF(*end))
        return
    if pointed:
        wings = [end - along * head + side * across * head * 0.45 for side in (-1, 1)]
        shape = QPolygonF([QPointF(*wings[0]), QPointF(*end), QPointF(*wings[1])])
        if casing is not None:
            painter.setPen(case)
            painter.drawPolyline(shape)
    painter.setPen(pen)
    painter.drawLine(start, QPointF(*stop))
    if pointed and filled:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(pen.color()))
        painter.drawPolygon(shape)
    elif pointed:
        painter.setPen(solid)
        painter.drawPolyline(shape)


def _draw_oval(painter: QPainter, oval: Oval, pixels: Pixels, pen: QPen, casing: QColor | None) -> None:
    transform = pixels.transform
    turn = QTransform(transform.m11(), 0, 0, transform.m22(), *pixels(oval.centre))
    turn.rotate(oval.angle)
    path = QPainterPath()
    path.addEllipse(QPointF(), *oval.half_axes)
    path = turn.map(path)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if casing is not None:
        painter.setPen(QPen(casing, pen.widthF() + 2))
        painter.drawPath(path)
    painter.setPen(pen)
    painter.drawPath(path)


def _draw_symbol(painter: QPainter, kind: str, at: QPointF, tokens: theme.Colours) -> None:
    painter.setBrush(QColor(tokens.plot))
    painter.setPen(QPen(QColor(tokens.casing), 3))
    painter.drawEllipse(at, RING, RING)
    painter.setPen(QPen(QColor(tokens.text), 1.2))
    painter.drawEllipse(at, RING, RING)
    painter.setPen(QPen(QColor(tokens.text), 1.5))
    for line in SYMBOLS[kind]:
        painter.drawPolyline(QPolygonF([at + RING * QPointF(x, y) for x, y in line]))
