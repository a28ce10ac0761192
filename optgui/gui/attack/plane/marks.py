"""What lies on the plane through a digit: outlines of ball and box, the attack's path, classes, ends."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.core.attack import NORMS
from optgui.core.attack.plane import PlaneFrame
from optgui.gui import theme
from optgui.gui.plot.surface_heat import contours
from optgui.gui.plot.surface_layer import Array, Layer, Pixels, Words, caption
from optgui.gui.plot.surface_paths import MOST_POINTS, PIECE, kept

SMALLEST = 0.004  # share of the points; a region with fewer has no label
NEAR = 0.06  # share of the plane's side that a label keeps from digit and result
COARSE = 64  # points along each side on which the place of a label is looked for
DOT, RING = 4.5, 7.0  # pixels, radius
DASHES: dict[str, list[float]] = {"ball": [], "clipped_ball": [5, 4], "box": [1.5, 2.5]}  # in widths
STARTS = {"ball": 0.3, "clipped_ball": 0.7, "box": 0.5}  # share of an outline at which its words are tried


class PlaneMarks(Layer):
    """Draws all that is known of a plane above its colours."""

    def __init__(self, view: pg.ViewBox, widget: QWidget) -> None:
        super().__init__(view, 10, cached=True)
        self._widget = widget
        self.frame: PlaneFrame | None = None
        self.picked: tuple[float, float] | None = None
        self.labels: list[tuple[int, tuple[float, float]]] = []  # class, and where its region is widest
        self._borders = QPainterPath()

    def draw(self, frame: PlaneFrame | None) -> None:
        """Draw what lies on another plane."""
        self.frame = frame
        self.labels, self._borders = [], QPainterPath()
        if frame is not None and frame.level:
            self.labels = region_labels(frame)
            for number in np.unique(frame.classes)[1:]:
                edge = (frame.classes == number).astype(float)
                self._borders.addPath(contours(frame.places, frame.places, edge, np.array([0.5])))
        self.update()

    def pick(self, at: tuple[float, float] | None) -> None:
        """Ring a point."""
        self.picked = at
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        frame = self.frame
        if frame is None:
            return
        tokens = theme.colours(self._widget)
        transform = painter.worldTransform()
        pixels = self.pixels(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.text), 1))
        painter.drawPath(transform.map(self._borders))
        words = Words(painter, pixels.room, tokens)
        for number, at in self.labels:
            words.keep_free(_write_class(painter, str(number), QPointF(*pixels(at)), tokens))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        outlines = {name: pixels(getattr(frame, name)) for name in DASHES}
        for name, points in outlines.items():
            _cased(painter, points, tokens, 1.5, DASHES[name])
        _cased(painter, pixels(frame.path), tokens, 2, [])
        digit, end = (QPointF(*pixels(at)) for at in ((0.0, 0.0), frame.adversarial))
        _dot(painter, digit, tokens.text, tokens)
        ended = tokens.error if is_fooled(frame) else tokens.muted
        _dot(painter, end, ended, tokens)
        if self.picked is not None:
            _ring(painter, QPointF(*pixels(self.picked)), tokens)
        painter.setFont(caption())
        metrics = QFontMetricsF(painter.font())
        name = "adversarial" if is_fooled(frame) else "end of the attack"
        for text, at, colour in (
            (f"{name}, read as {frame.adversarial_class}", end, ended),
            (f"digit, read as {frame.digit_class}", digit, tokens.text),
        ):
            words.keep_free(QRectF(at.x() - DOT, at.y() - DOT, 2 * DOT, 2 * DOT))
            width = metrics.horizontalAdvance(text)
            left = min(at.x() - width / 2 - 12, pixels.room.right() - width - 20)
            words.write(text, QPointF(left, at.y() + metrics.height() + DOT), QColor(colour))
        for name, text in outline_words(frame).items():
            spot = _in_view(outlines[name], pixels, STARTS[name])
            if spot is not None:
                words.write(text, spot, QColor(tokens.muted))


def outline_words(frame: PlaneFrame) -> dict[str, str]:
    """What the outlines are, those that are drawn and large enough to be told apart."""
    found = {}
    if len(frame.ball):
        found["ball"] = f"ball, ε = {frame.radius:.4g} {frame.unit}"
    if len(frame.clipped_ball):
        found["clipped_ball"] = "ball of clipped pictures"
    if len(frame.box) > 1 and not is_line(frame):
        found["box"] = "within [0, 1]"
    return found


def is_fooled(frame: PlaneFrame) -> bool:
    """Whether the attack has reached its goal."""
    read = frame.adversarial_class
    return read != frame.label if frame.target is None else read == frame.target


def is_line(frame: PlaneFrame) -> bool:
    """Whether hardly more than a line of the plane lies within [0, 1]."""
    x, y = frame.box.T
    area = abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2 if len(x) > 1 else 0.0
    return area < 1e-3 * frame.half**2


def norm_word(frame: PlaneFrame) -> str:
    """The attack's norm as a reader calls it: "L∞"."""
    return NORMS[frame.norm].label.partition(" (")[0]


def region_labels(frame: PlaneFrame) -> list[tuple[int, tuple[float, float]]]:
    """Each class read in enough of the plane, and the place deepest in its region that is off the dots."""
    step = max(1, len(frame.places) // COARSE)
    classes, places = frame.classes[step // 2 :: step, step // 2 :: step], frame.places[step // 2 :: step]
    near = NEAR * float(places[-1] - places[0])
    clear = np.ones_like(classes, bool)
    for x, y in ((0.0, 0.0), frame.adversarial):
        clear &= np.hypot(places - x, (places - y)[:, None]) > near
    found = []
    for number in np.unique(classes):
        mask = classes == number
        if mask.mean() >= SMALLEST:
            mask = mask & clear if (mask & clear).any() else mask
            row, column = deepest(mask)
            found.append((int(number), (float(places[column]), float(places[row]))))
    return found


def deepest(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The row and column of a point of `mask` (k, k) that is farthest from its edge, as the crow walks.

    The region is peeled, point by point from all four sides, until nothing would be left.
    """
    while True:
        inner = np.pad(mask, 1)
        inner = inner[1:-1, 1:-1] & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        if not inner.any():
            break
        mask = inner
    rows, columns = np.nonzero(mask)
    middle = np.argmin(np.hypot(rows - rows.mean(), columns - columns.mean()))
    return int(rows[middle]), int(columns[middle])


def _cased(
    painter: QPainter, points: Array, tokens: theme.Colours, width: float, dashes: list[float]
) -> None:
    """A line of the text's colour with an edge that stands out from any ground."""
    if len(points) < 2:
        return
    points = np.concatenate([points[kept(points, (1.0, 1.0), MOST_POINTS)], points[-1:]])
    for colour, thick in ((tokens.casing, width + 2.5), (tokens.text, width)):
        pen = QPen(QColor(colour), thick)
        pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if dashes:
            pen.setDashPattern([dash * 1.5 / thick for dash in dashes])
        painter.setPen(pen)
        length = len(points) if dashes else PIECE
        for start in range(0, len(points) - 1, length):
            x, y = points[start : start + length + 1].T
            painter.drawPolyline(pg.functions.arrayToQPolygonF(x, y))


def _dot(painter: QPainter, at: QPointF, colour: str, tokens: theme.Colours) -> None:
    painter.setPen(QPen(QColor(tokens.casing), 1.5))
    painter.setBrush(QBrush(QColor(colour)))
    painter.drawEllipse(at, DOT, DOT)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _ring(painter: QPainter, at: QPointF, tokens: theme.Colours) -> None:
    for pen in (QPen(QColor(tokens.casing), 4), QPen(QColor(tokens.accent), 2)):
        painter.setPen(pen)
        painter.drawEllipse(at, RING, RING)


def _write_class(painter: QPainter, text: str, at: QPointF, tokens: theme.Colours) -> QRectF:
    """A class in the middle of its region, in the figures' size with an edge; the place taken."""
    font = QFont(painter.font())
    font.setPointSizeF(font.pointSizeF() / theme.CAPTION * 1.4)
    font.setBold(True)
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text), metrics.ascent()
    path = QPainterPath()
    path.addText(at.x() - width / 2, at.y() + height / 2 - metrics.descent() / 2, font, text)
    casing = QColor(tokens.casing)
    casing.setAlpha(200)
    painter.strokePath(path, QPen(casing, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.fillPath(path, QColor(tokens.text))
    return QRectF(at.x() - width / 2 - 2, at.y() - height / 2, width + 4, height)


def _in_view(points: Array, pixels: Pixels, share: float) -> QPointF | None:
    """A point of an outline that is in view, sought from a share of its length on."""
    room = pixels.room.adjusted(12, 12, -12, -12)
    start = int(share * len(points))
    for x, y in np.roll(points, -start, axis=0):
        if room.contains(QPointF(x, y)):
            return QPointF(x, y)
    return None
