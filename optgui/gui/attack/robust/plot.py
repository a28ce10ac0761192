"""RobustPlot: robust accuracy against epsilon, a small plot for each norm, one line for each network."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.core.attack.robust import RobustFrame
from optgui.gui import theme
from optgui.gui.attack.robust.facet import Facet, Line
from optgui.gui.attack.robust.marks import CHIP, NAMES, line_pen, percent
from optgui.gui.plot.surface_layer import caption

SHAPE = 1.6  # of a small plot, width by height, that reads best
TITLE = "robust accuracy (%)"
HEADS = ("robust", "95 % band", "noise")


class RobustPlot(QWidget):
    """The small plots, side by side or one above the other; hovering reads all lines at a radius.

    Left and right move the cursor, Page up and down take it to another norm, Escape takes it away.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.robust.plot")
        self.setAccessibleName("Robust accuracy against epsilon")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.frame: RobustFrame | None = None
        self.hint = ""
        self.cursor_at: tuple[int, int] | None = None  # which norm, which radius
        self._names: list[str] = []
        self._facets: list[Facet] = []
        self._epsilon: tuple[str, float] | None = None

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 12 * self.fontMetrics().height())

    def show_frame(self, frame: RobustFrame | None) -> None:
        """Draw other curves, or none."""
        self.frame = frame
        curves = frame.curves if frame is not None else ()
        self._names = list(dict.fromkeys(curve.network_id for curve in curves))
        norms = dict.fromkeys(curve.norm for curve in curves)
        self._facets = [
            Facet(norm, [Line(self._names.index(c.network_id), c) for c in curves if c.norm == norm], self)
            for norm in norms
        ]
        self._point(self.cursor_at)
        self._describe()
        self.update()

    def set_hint(self, sentence: str) -> None:
        """Say a sentence in the middle as long as there is nothing to draw."""
        if sentence != self.hint:
            self.hint = sentence
            self._describe()
            self.update()

    def set_epsilon(self, norm: str, epsilon: float) -> None:
        """Mark the radius of the tab's attack."""
        if self._epsilon != (norm, epsilon):
            self._epsilon = (norm, epsilon)
            self.update()

    def readings(self) -> tuple[str, list[tuple[int, str, tuple[str, str, str]]]]:
        """What hovering reads: the radius, and of each network its place, its id and its numbers."""
        if self.cursor_at is None or self.frame is None:
            return "", []
        facet, index = self._facets[self.cursor_at[0]], self.cursor_at[1]
        rows: list[tuple[int, str, tuple[str, str, str]]] = []
        for place, curve in facet.lines:
            band = f"{100 * curve.low[index]:.1f} – {percent(float(curve.high[index]))}"
            noise = "–" if curve.noise is None else percent(float(curve.noise[index]))
            rows.append((place, curve.network_id, (percent(float(curve.robust[index])), band, noise)))
        epsilon = float(facet.epsilons[index])
        words = f"ε = {epsilon:.4g} px in {NAMES[facet.norm]}, {self.frame.digits:,} digits"
        return words, rows

    def paint(self, painter: QPainter, room: QRectF) -> None:
        """Everything but what belongs to the moment, within a rectangle: on the screen as in a file."""
        tokens, font = theme.colours(self), caption()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.fillRect(room, QColor(tokens.plot))
        if not self._facets:
            painter.setFont(self.font())
            painter.setPen(QColor(tokens.muted))
            inside = room.adjusted(24, 8, -24, -8)
            painter.drawText(inside, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
            return
        top = self._paint_key(painter, room, metrics)
        self._lay_out(room.adjusted(8, top, -4, -2), metrics)
        for place, facet in enumerate(self._facets):
            facet.paint(painter, "" if place else TITLE)

    def _lay_out(self, room: QRectF, metrics: QFontMetricsF) -> None:
        """Side by side or one above the other, whichever makes the better shape."""
        count = len(self._facets)

        def unlike(columns: int) -> float:
            width, height = room.width() / columns, room.height() * columns / count
            return abs(math.log(max(1.0, width) / max(1.0, height) / SHAPE))

        columns = min((1, count), key=unlike)
        width, height = room.width() / columns, room.height() * columns / count
        for place, facet in enumerate(self._facets):
            row, column = divmod(place, columns)
            cell = QRectF(room.left() + column * width, room.top() + row * height, width, height)
            facet.lay_out(cell, metrics, first=column == 0)

    def _paint_key(self, painter: QPainter, room: QRectF, metrics: QFontMetricsF) -> float:
        """Which line is whose, above the plots; how high that is."""
        tokens = theme.colours(self)
        left, top, line = room.left() + 12, room.top() + 6, metrics.height() + 2
        for place, name in enumerate(self._names):
            wide = CHIP.width() + 6 + metrics.horizontalAdvance(name)
            if left + wide > room.right() - 8 and left > room.left() + 12:
                left, top = room.left() + 12, top + line
            level = round(top + metrics.height() / 2)
            painter.setPen(line_pen(place, self))
            painter.drawLine(QLineF(left, level, left + CHIP.width(), level))
            painter.setPen(QColor(tokens.text))
            painter.drawText(QPointF(left + CHIP.width() + 6, top + metrics.ascent()), name)
            left += wide + 20
        return top + line + 4 - room.top()

    def _paint_readings(self, painter: QPainter) -> None:
        assert self.cursor_at is not None
        facet, index = self._facets[self.cursor_at[0]], self.cursor_at[1]
        facet.paint_cursor(painter, index)
        words, rows = self.readings()
        tokens, metrics = theme.colours(self), QFontMetricsF(painter.font())
        gap = 2 * metrics.averageCharWidth()
        name = max(metrics.horizontalAdvance(row[1]) for row in rows)
        columns = [
            max(metrics.horizontalAdvance(text) for text in (HEADS[place], *(row[2][place] for row in rows)))
            for place in range(len(HEADS))
        ]
        wide = max(metrics.horizontalAdvance(words), name + sum(columns) + gap * len(columns)) + 16
        line = metrics.height() + 2
        tall = line * (2 + len(rows)) + 10
        at = facet.at(float(facet.epsilons[index])).x()
        left = at + 12 if at + 12 + wide <= self.width() - 4 else max(4.0, at - 12 - wide)
        top = max(4.0, min(facet.plot.top() + 6, self.height() - tall - 4))
        box = QRectF(left, top, wide, tall)
        painter.setPen(QPen(QColor(tokens.rule), 1))
        painter.setBrush(QColor(tokens.panel))
        painter.drawRoundedRect(box, 4, 4)
        baseline = box.top() + 5 + metrics.ascent()
        painter.setPen(QColor(tokens.text))
        painter.drawText(QPointF(box.left() + 8, baseline), words)
        muted = QColor(tokens.muted)
        table = [("", HEADS, muted, muted)]
        table += [(row[1], row[2], line_pen(row[0], self).color(), QColor(tokens.text)) for row in rows]
        for title, numbers, colour, plain in table:
            baseline += line
            painter.setPen(colour)
            painter.drawText(QPointF(box.left() + 8, baseline), title)
            painter.setPen(plain)
            right = box.right() - 8 - sum(columns) - gap * (len(columns) - 1)
            for number, column in zip(numbers, columns, strict=True):
                right += column
                painter.drawText(QPointF(right - metrics.horizontalAdvance(number), baseline), number)
                right += gap

    def summary(self) -> str:
        """The curves in words: where each begins and ends."""
        return "; ".join(
            f"{curve.network_id} in {NAMES[curve.norm]}: {percent(float(curve.robust[0]))} at 0, "
            f"{percent(float(curve.robust[-1]))} at {curve.epsilons[-1]:.4g}"
            for curve in (self.frame.curves if self.frame is not None else ())
        )

    def _describe(self) -> None:
        words, rows = self.readings()
        here = [f"{name} {robust}, band {band}, noise {noise}" for _, name, (robust, band, noise) in rows]
        text = "; ".join([words, *here]) if words else self.summary() or self.hint
        self.setAccessibleDescription(text)

    # Mouse and keys

    def _point(self, at: tuple[int, int] | None) -> None:
        if at is not None and (at[0] >= len(self._facets) or at[1] >= len(self._facets[at[0]].epsilons)):
            at = None
        if at != self.cursor_at:
            self.cursor_at = at
            self._describe()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint(painter, QRectF(self.rect()))
        for facet in self._facets:
            if self._epsilon is not None and self._epsilon[0] == facet.norm:
                facet.paint_epsilon(painter, self._epsilon[1])
        if self.cursor_at is not None:
            self._paint_readings(painter)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the radius under the pointer."""
        position = event.position()
        for place, facet in enumerate(self._facets):
            if facet.plot.adjusted(-6, 0, 6, 0).contains(position):
                self._point((place, facet.nearest(position)))
                return
        self._point(None)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor from radius to radius."""
        key = Qt.Key(event.key())
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        turns = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
        if key == Qt.Key.Key_Escape and self.cursor_at is not None:
            self._point(None)
        elif self._facets and (key in steps or key in turns):
            facet, index = self.cursor_at or (0, -1 if key in steps else 0)
            facet = (facet + turns.get(key, 0)) % len(self._facets)
            last = len(self._facets[facet].epsilons) - 1
            self._point((facet, min(max(index + steps.get(key, 0), 0), last)))
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if theme.repaints(event) or event.type() == QEvent.Type.FontChange:
            self.update()
