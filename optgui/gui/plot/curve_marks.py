"""The marks of a curve: a dotted line where the user changed something, and its words where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from optgui.gui import theme
from optgui.gui.plot.curve_line import mixed

if TYPE_CHECKING:
    from optgui.gui.plot.curve_canvas import CurveCanvas

_LEFT = 0.35  # of the colour in the marks of what was left


def draw_marks(
    canvas: CurveCanvas, painter: QPainter, plot: QRectF, strip: tuple[float, float], baseline: float
) -> None:
    """A thin line each; words in the strip, else in the plot if they hide nothing, else on hover alone.

    Marks of what was left have no words, and only a part of the colour.

    Args:
        canvas: whose view has the marks.
        painter: of the scene.
        plot: where the lines are.
        strip: ends of the room for words above it.
        baseline: of the words there.
    """
    view, metrics, tokens = canvas.view, canvas.metrics, theme.colours(canvas.view)
    pale = mixed(QColor(tokens.muted), QColor(tokens.plot), _LEFT)
    for x, _ in view.left_marks:
        _draw_line(painter, canvas.pixel_x(x, plot), plot.top(), plot, pale)
    height, space = metrics.height() + 1, metrics.averageCharWidth() * 2
    rows = (  # top, and room from left to right
        (baseline - metrics.ascent(), strip[0] + space, strip[1]),
        (plot.top() + 1, plot.left(), plot.right()),
        (plot.bottom() - height - 1, plot.left(), plot.right()),
    )
    ends = [left for _, left, _ in rows]  # of the words so far
    near = set(view.marks_near_cursor())
    placed: list[tuple[QRectF, str, QColor]] = []
    for x, text in view.marks:
        at, width = canvas.pixel_x(x, plot), metrics.horizontalAdvance(text)
        if not plot.left() <= at <= plot.right() + 1:
            continue
        colour = QColor(tokens.accent if text in near else tokens.muted)
        top = plot.top()
        for row, (place, _, right) in enumerate(rows):
            words = QRectF(min(at + 4, right - width), place, width, height)
            if words.left() < max(ends[row], at - width) or (row and _hides_lines(canvas, words, plot)):
                continue
            ends[row] = words.right() + space
            top = top if row else canvas.strip - metrics.height()
            placed.append((words, text, colour))
            break
        _draw_line(painter, at, top, plot, colour)
    for words, text, colour in placed:
        painter.fillRect(words.adjusted(-2, 0, 2, 0), QColor(tokens.plot))  # over the grid
        painter.setPen(colour)
        painter.drawText(QPointF(words.left(), words.top() + metrics.ascent() + 1), text)


def _draw_line(painter: QPainter, at: float, top: float, plot: QRectF, colour: QColor) -> None:
    if plot.left() <= at <= plot.right() + 1:
        painter.setPen(QPen(colour, 0, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(at, top), QPointF(at, plot.bottom()))


def _hides_lines(canvas: CurveCanvas, words: QRectF, plot: QRectF) -> bool:
    """Whether a line passes, or if it goes on as it does will pass, where words would stand."""
    x0, x1 = canvas.view.x_range
    first = x0 + (words.left() - words.width() - plot.left()) / plot.width() * (x1 - x0)
    last = x0 + (words.right() - plot.left()) / plot.width() * (x1 - x0)
    for line in canvas.view.drawn_lines:
        x, y = line.sharp.getData()
        seen = y[(x >= first) & (x <= last)]
        if len(seen):
            high, low = canvas.pixel_y(float(seen.max()), plot), canvas.pixel_y(float(seen.min()), plot)
            if high <= words.bottom() and low >= words.top():
                return True
    return False
