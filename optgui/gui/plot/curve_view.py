"""The live curve of every tab: lines over steps, marks where the user changed something, values on hover.

Painting takes time from the job, so: ranges are set by hand and grow in rare jumps, a line is drawn from
about two points per pixel column whatever its length, and a refresh touches only what has changed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QGraphicsView, QHBoxLayout, QToolButton, QToolTip, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.plot.series import Points, Series

SMOOTHING = 0.95  # share of the past in the smoothed line
_MOST_BINS = 1000  # two points each
_MOST_MARKERS = 200  # symbols drawn one by one; where there are more, the line alone
_NEAR_PX = 6.0  # a mark so near to the cursor is read out
_GUTTER_CHARACTERS = (
    15  # room at the right for the names; the same everywhere, so stacked curves share their x
)
_Y_LETTERS = 8
_HUGE = 1e300  # no axis reaches further: beyond, margins overflow
_DESCRIBE_MS = 1000
_FIRST_TOP = 100.0  # right end while nobody has said how long the run is
_NOTHING: Points = (np.empty(0), np.empty(0))


@dataclasses.dataclass(eq=False)
class _Line:
    label: str
    colour_index: int
    dash: Qt.PenStyle
    series: Series
    sharp: pg.PlotCurveItem
    soft: pg.PlotCurveItem | None
    dots: pg.ScatterPlotItem | None
    shown: bool = True
    dirty: bool = True
    drawn: Points = _NOTHING  # of the line the eye follows, in the units of the axes

    @property
    def items(self) -> list[pg.PlotCurveItem | pg.ScatterPlotItem]:
        return [item for item in (self.sharp, self.soft, self.dots) if item is not None]


class CurveView(QWidget):
    """Lines that grow while a job runs.

    Args:
        name: What is shown, for the screen reader: "Loss".
        y_label: Name of y, written above the axis.
        x_label: Name of x, written below the right end.
        unit: Unit of y, or "".
        log: Start with a logarithmic y axis; values that are not positive are then not drawn.
        object_name: Name for tests and tours, as `training.loss`.
        parent: Owner.
    """

    def __init__(
        self,
        name: str,
        y_label: str,
        x_label: str = "step",
        unit: str = "",
        log: bool = False,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.name, self.y_label, self.x_label, self.unit = name, y_label, x_label, unit
        self.log = log
        self.marks: list[tuple[float, str]] = []
        self.lines: dict[str, _Line] = {}
        self.cursor: float | None = None
        self._hint = ""
        self._smooth = True
        self._span = 0.0
        self._full = (0.0, _FIRST_TOP)  # the whole x range, seen or not
        self._y: tuple[float, float] | None = None  # the y range, None when the next refresh is to find it
        self._free = False  # the user has zoomed: the x range is theirs
        self._stale = True
        self._described = ""
        self.canvas = _Canvas(self)
        self._vb = self.canvas.plotItem.vb
        self._vb.sigRangeChangedManually.connect(self._on_zoomed)
        self._vb.sigResized.connect(self._on_resized)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)
        self._build_toolbar(object_name)
        self._timer = QTimer(self, interval=_DESCRIBE_MS, singleShot=True)
        self._timer.timeout.connect(self._on_time_to_describe)
        self.setObjectName(object_name)
        self.canvas.setObjectName(f"{object_name}.plot")
        for widget in (self, self.canvas):
            widget.setAccessibleName(name)
        self._set_full(*self._full)
        self.setFocusProxy(self.canvas)
        self.setMinimumHeight(round(6 * self.fontMetrics().height()))
        self.set_log(log)
        self._restyle()

    def _build_toolbar(self, object_name: str) -> None:
        self.toolbar = QWidget(self)
        row = QHBoxLayout(self.toolbar)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(4)
        buttons: list[QToolButton] = []
        for key, text, tip in (
            ("fit", "Fit", "Show the whole run again (F, or double click on the plot)"),
            ("smooth", "Smooth", "Draw a moving average over the pale exact values"),
            ("log", "Log", "Logarithmic scale; values that are not positive are not drawn"),
        ):
            button = QToolButton(self.toolbar)
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(f"{self.name}: {text.lower()}")
            button.setObjectName(f"{object_name}.{key}")
            button.setCheckable(key != "fit")
            row.addWidget(button)
            buttons.append(button)
        self.fit_button, self.smooth_button, self.log_button = buttons
        self.fit_button.setEnabled(False)
        self.smooth_button.setVisible(False)
        self.smooth_button.setChecked(self._smooth)
        self.fit_button.clicked.connect(self.fit)
        self.smooth_button.toggled.connect(self.set_smooth)
        self.log_button.toggled.connect(self.set_log)

    # Lines and data

    def add_line(
        self,
        key: str,
        label: str,
        colour_index: int,
        *,
        dash: Qt.PenStyle | None = None,
        marker: bool = False,
        smoothed: bool = False,
    ) -> None:
        """Add an empty line.

        Args:
            key: Name in `extend` and `summary`.
            label: Words at the end of the line.
            colour_index: Place in the theme's series of colours.
            dash: Second cue beside the colour; solid if None.
            marker: Draw a symbol at each point, for rare ones.
            smoothed: Draw a moving average over the pale exact values.
        """
        self.remove_line(key)
        line = _Line(
            label,
            colour_index,
            dash or Qt.PenStyle.SolidLine,
            Series(SMOOTHING if smoothed else None),
            pg.PlotCurveItem(skipFiniteCheck=True),
            pg.PlotCurveItem(skipFiniteCheck=True) if smoothed else None,
            pg.ScatterPlotItem(size=8, symbol=theme.MARKERS[colour_index % len(theme.MARKERS)])
            if marker
            else None,
        )
        for z, item in enumerate(line.items):
            item.setZValue(100 * z + len(self.lines))
            self._vb.addItem(item, ignoreBounds=True)
        self.lines[key] = line
        self._show_items(line)
        self._restyle()

    def remove_line(self, key: str) -> None:
        """Take a line and its numbers away; a key that is not there is no error."""
        line = self.lines.pop(key, None)
        if line is not None:
            for item in line.items:
                self._vb.removeItem(item)
            self._restyle()

    def set_line_visible(self, key: str, visible: bool) -> None:
        """Show or hide a line; its numbers stay."""
        line = self.lines[key]
        if line.shown != visible:
            line.shown = visible
            self._show_items(line)
            self._touch(line)

    def extend(self, key: str, xs: ArrayLike, ys: ArrayLike) -> None:
        """Append to a line, to be painted at the next `refresh`; NaN and infinite y are kept, not drawn."""
        line = self.lines[key]
        before = len(line.series)
        line.series.extend(xs, ys)
        line.dirty |= len(line.series) > before

    def clear(self) -> None:
        """Forget all numbers, marks and the zoom; lines and span stay."""
        for line in self.lines.values():
            line.series.clear()
        self.marks.clear()
        self.cursor, self._y, self._free = None, None, False
        self._set_full(0.0, self._span or _FIRST_TOP)
        self._touch()
        self.refresh()

    def set_span(self, x_max: float) -> None:
        """Say where x will end, so that the range is right from the start."""
        if x_max != self._span:
            self._span = float(x_max)
            low, newest = self._extent()
            self._set_full(low, max(self._span, newest))
            self._touch()
            self.refresh()

    def mark(self, x: float, text: str) -> None:
        """Mark a place where the user changed something: "lr 0.1 → 0.03"."""
        self.marks.append((float(x), text))
        self.marks.sort(key=lambda mark: mark[0])
        self._repaint()

    def set_hint(self, text: str) -> None:
        """Write a sentence in the middle as long as there is no number."""
        self._hint = text
        self._repaint()

    @property
    def hint(self) -> str:
        """The sentence that shows now; "" once there are numbers to draw."""
        lines = self.shown_lines
        if self.log and lines and not any(line.dirty or len(line.drawn[0]) for line in lines):
            return "Nothing here is above zero: switch Log off to see it"
        return "" if any(len(line.series) for line in self.lines.values()) else self._hint

    def summary(self) -> dict[str, tuple[float, float]]:
        """The last (x, y) of every line that has one."""
        return {key: last for key, line in self.lines.items() if (last := line.series.last) is not None}

    # What is seen of it

    def refresh(self) -> None:
        """Paint once what has changed since the last time; nothing, if nothing has or nobody sees it."""
        if not self.isVisible():
            return
        self._follow_x()
        changed = [line for line in self.lines.values() if line.dirty and line.shown]
        if not (changed or self._stale):
            return
        for line in changed:
            self._draw(line)
        self._follow_y()
        self._stale = False
        self._repaint()
        self._describe()

    def set_log(self, log: bool) -> None:
        """Take a logarithmic or a linear y axis."""
        self.log = log
        self.log_button.setChecked(log)
        self.canvas.y_axis.decades = log
        self.canvas.y_axis.picture = None
        self._y = None
        self._touch()
        self.refresh()

    def set_smooth(self, smooth: bool) -> None:
        """Draw the moving averages, where a line has one, or the exact values alone."""
        self._smooth = smooth
        self.smooth_button.setChecked(smooth)
        for line in self.lines.values():
            self._show_items(line)
        self._restyle()

    def fit(self) -> None:
        """Show the whole run again."""
        self._free = False
        low, newest = self._extent()
        self._set_full(low, max(self._span, newest))
        self._y = None
        self._touch()
        self.refresh()

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much of x, about the cursor or the middle."""
        x0, x1 = self.x_range
        centre = self.cursor if self.cursor is not None else (x0 + x1) / 2
        self._vb.setXRange(centre + (x0 - centre) * factor, centre + (x1 - centre) * factor, padding=0)
        self._on_zoomed()

    def set_cursor(self, x: float | None) -> None:
        """Read out the values at x, or stop doing so."""
        if x != self.cursor:
            self.cursor = x
            self._repaint()

    @property
    def x_range(self) -> tuple[float, float]:
        """Left and right end of what is seen."""
        x0, x1 = self._vb.viewRange()[0]
        return x0, x1

    @property
    def y_range(self) -> tuple[float, float]:
        """Lower and upper end of what is seen; powers of ten on a logarithmic axis."""
        y0, y1 = self._vb.viewRange()[1]
        return y0, y1

    @property
    def shown_lines(self) -> list[_Line]:
        """The visible lines with numbers, in the order they were added."""
        return [line for line in self.lines.values() if line.shown and len(line.series)]

    def nearest_x(self) -> float | None:
        """The x of a record nearest to the cursor, of the line that has most; None where there is nothing."""
        longest = max(self.shown_lines, key=lambda line: len(line.series), default=None)
        found = longest.series.nearest(self.cursor) if longest and self.cursor is not None else None
        return found[0] if found else None

    def marks_near_cursor(self) -> list[str]:
        """Full text of the marks under the cursor."""
        if self.cursor is None:
            return []
        x0, x1 = self.x_range
        near = _NEAR_PX * (x1 - x0) / max(self._vb.width(), 1.0)
        return [text for x, text in self.marks if abs(x - self.cursor) <= near]

    def readings(self, number: Callable[[float], str] | None = None) -> list[tuple[_Line | None, str, str]]:
        """What hovering reads: (line, words, value), the place first with None for the line.

        Args:
            number: How a value is written; four significant digits if None.
        """
        write = number or short
        rows: list[tuple[_Line | None, str, str]] = [(None, text, "") for text in self.marks_near_cursor()]
        x = self.nearest_x()
        if x is None:
            return rows
        rows.append((None, self.x_label, _place(x)))
        unit = f" {self.unit}" if self.unit else ""
        for line in self.shown_lines:
            at, y = line.series.nearest(x) or (x, math.nan)
            elsewhere = f" at {_place(at)}" if at != x else ""
            rows.append((line, line.label + elsewhere, write(y) + unit))
            if line.soft is not None and self._smooth and (average := line.series.smoothed) is not None:
                place = int(np.searchsorted(line.series.x, at))
                rows.append((line, "  average", write(float(average[place])) + unit))
        return rows

    # Drawing

    def _draw(self, line: _Line) -> None:
        x0, x1 = self.x_range
        bins = min(max(int(self._vb.width()), 100), _MOST_BINS)
        line.drawn = self._points(line.series.envelope(x0, x1, bins, around=True))
        line.sharp.setData(*line.drawn)
        if line.dots is not None:
            line.dots.setData(*(line.drawn if len(line.drawn[0]) <= _MOST_MARKERS else _NOTHING))
        if line.soft is not None and self._smooth:
            line.drawn = self._points(line.series.envelope(x0, x1, bins, smoothed=True, around=True))
            line.soft.setData(*line.drawn)
        line.dirty = False

    def _points(self, points: Points) -> Points:
        if not self.log:
            return points
        positive = points[1] > 0
        return points[0][positive], np.log10(points[1][positive])

    def _extent(self) -> tuple[float, float]:
        """Left end of the whole range and the newest x."""
        series = [line.series for line in self.lines.values() if len(line.series)]
        first = min((float(one.x[0]) for one in series), default=0.0)
        newest = max((float(one.x[-1]) for one in series), default=0.0)
        return (0.0 if 0 <= first <= 0.5 * max(self._span, newest) else first), newest

    def _follow_x(self) -> None:
        low, newest = self._extent()
        if newest > self._full[1] or low != self._full[0]:
            top = self._span if newest <= self._span else low + 1.5 * (newest - low)
            self._set_full(low, max(top, self._full[1]))
            self._touch()

    def _set_full(self, low: float, top: float) -> None:
        top = top if top > low else low + 1.0
        self._full = (low, top)
        self._vb.setLimits(xMin=low, xMax=top)
        if not self._free:
            self._vb.setXRange(low, top, padding=0)
        self.fit_button.setEnabled(self._free)

    def _follow_y(self) -> None:
        """Grow the y range by a jump where the visible numbers leave it; find it afresh when it is None."""
        x0, x1 = self.x_range
        ends = []
        for line in self.shown_lines:
            for item in line.items[:2]:
                x, y = item.getData()
                if x is None or not item.isVisible():
                    continue
                seen = y[(x >= x0) & (x <= x1)]
                if len(seen):
                    ends += [float(seen.min()), float(seen.max())]
        if not ends:
            low, high = self._y or ((-3.0, 0.0) if self.log else (0.0, 1.0))
        else:
            least, most = max(min(ends), -_HUGE), min(max(ends), _HUGE)
            room = (most - least) or (1.0 if self.log else abs(most) or 1.0)
            if self._y is None:
                low, high = least - 0.06 * room, most + 0.08 * room
            else:
                low, high = self._y
                low = least - 0.25 * room if least < low else low
                high = most + 0.25 * room if most > high else high
            if not self.log and least >= 0 and low < 0.3 * high:
                low = -0.02 * high  # a quantity that starts at zero shows its zero
        if (low, high) != self._y or self.y_range != (low, high):
            self._vb.setYRange(low, high, padding=0)
            self._y = (low, high) if ends else None

    def _touch(self, line: _Line | None = None) -> None:
        """Have one line, or all, drawn at the next refresh whatever else happens."""
        for each in [line] if line else self.lines.values():
            each.dirty = True
        self._stale = True

    def _repaint(self) -> None:
        self.canvas.viewport().update()

    def _show_items(self, line: _Line) -> None:
        for item in line.items:
            item.setVisible(line.shown and (item is not line.soft or self._smooth))

    def line_pen(self, line: _Line) -> QPen:
        """Colour and dash of a line."""
        return pg.mkPen(theme.racer_colour(line.colour_index, self), width=1, style=line.dash)

    def _restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        tokens = theme.colours(self)
        font = QFont(self.font())
        font.setPointSizeF(max(6.0, font.pointSizeF() * theme.CAPTION))
        for button in (self.fit_button, self.smooth_button, self.log_button):
            button.setFont(font)
        self.smooth_button.setVisible(any(line.soft for line in self.lines.values()))
        self.canvas.restyle(tokens, font, self._place_toolbar(), [line.label for line in self.lines.values()])
        for line in self.lines.values():
            pen = self.line_pen(line)
            line.sharp.setPen(pen)
            if line.soft is not None:
                line.soft.setPen(pen)
                if self._smooth:
                    line.sharp.setPen(pg.mkPen(_mix(pen.color(), QColor(tokens.plot), 0.35), width=1))
            if line.dots is not None:
                line.dots.setPen(pg.mkPen(pen.color(), width=1))
                line.dots.setBrush(pg.mkBrush(tokens.plot))
        self._touch()
        self.refresh()

    def _place_toolbar(self) -> float:
        """Put the buttons into the corner; returns their height."""
        self.toolbar.adjustSize()
        self.toolbar.move(self.width() - self.toolbar.width(), 2)
        self.toolbar.raise_()
        return float(self.toolbar.sizeHint().height())

    def _describe(self) -> None:
        if self._timer.isActive():
            return
        unit = f" {self.unit}" if self.unit else ""
        words = [
            f"{line.label} {short(last[1])}{unit} at {self.x_label} {_place(last[0])}"
            for line in self.shown_lines
            if (last := line.series.last) is not None
        ]
        words += [f"{len(self.marks)} marks"] if self.marks else []
        text = "; ".join(words) or self.hint
        if text != self._described:
            self._described = text
            self.setAccessibleDescription(text)
            self.canvas.setAccessibleDescription(text)
            self._timer.start()

    # Events

    def _on_zoomed(self, *_: object) -> None:
        x0, x1 = self.x_range
        self._free = x1 - x0 < 0.999 * (self._full[1] - self._full[0])
        self._set_full(*self._full)
        self._y = None
        self._touch()
        self.refresh()

    def _on_resized(self, *_: object) -> None:
        self._place_toolbar()
        self._touch()
        self.refresh()

    def _on_time_to_describe(self) -> None:
        if self.isVisible():
            self._describe()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while nobody saw it."""
        super().showEvent(event)
        self._touch()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if (theme.repaints(event) or event.type() == QEvent.Type.FontChange) and hasattr(self, "_timer"):
            self._restyle()


class _Axis(pg.AxisItem):
    """A few round numbers, each with its grid line; with `decades` the range is in powers of ten."""

    def __init__(self, orientation: str, letters: int) -> None:
        super().__init__(orientation)
        self.decades = False
        self.letters = letters  # of the longest number written in full
        self.room = 50.0  # px from one number to the next
        self.enableAutoSIPrefix(False)
        self.setGrid(255)
        self.setStyle(tickLength=0, tickAlpha=255, autoExpandTextSpace=False, autoReduceTextSpace=False)

    def boundingRect(self) -> QRectF:
        """Room for the numbers at both ends, which stand half outside."""
        return super().boundingRect().adjusted(-24, -12, 24, 12)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """One level of ticks, no closer than `room`."""
        low, high, most = min(minVal, maxVal), max(minVal, maxVal), max(2.0, size / self.room)
        if not self.decades:
            return [_round_steps(low, high, most)]
        step = math.ceil((high - low) / most)
        powers = range(math.floor(low), math.ceil(high) + 1)
        for mantissas in ((1, 2, 5), (1, 3), (1,)):
            if len(mantissas) > 1 and step > 1:
                continue
            marks = [p + math.log10(m) for p in powers if p % step == 0 for m in mantissas]
            marks = [mark for mark in marks if low <= mark <= high]
            if len(mantissas) * (high - low) / step <= 1.3 * most and len(marks) >= 2:
                return [(1.0, marks)]
        spacing, values = _round_steps(10**low, 10**high, most)
        return [(spacing, [math.log10(value) for value in values if value > 0])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Plain numbers as long as they are short, else with an exponent."""
        if self.decades:
            return [_plain(10**value) for value in values]
        digits = max(0, -math.floor(math.log10(spacing) + 1e-9))
        texts = [f"{value:,.{digits}f}".replace("-", "−") for value in values]
        if max(map(len, texts), default=0) <= self.letters:
            return texts
        return [_exponent(f"{value:.3g}") if abs(value) > spacing * 1e-6 else "0" for value in values]


class _Canvas(pg.PlotWidget):
    """The plot itself: axes and lines as pyqtgraph items, words and cursor painted over them."""

    def __init__(self, view: CurveView) -> None:
        self.view = view
        self.paints = 0
        self.x_axis, self.y_axis = _Axis("bottom", 11), _Axis("left", _Y_LETTERS)
        super().__init__(view, axisItems={"bottom": self.x_axis, "left": self.y_axis}, enableMenu=False)
        for axis in (self.x_axis, self.y_axis):
            axis.setZValue(-1)  # the grid lies below the lines
        self.plotItem.hideButtons()
        self.plotItem.vb.setMouseEnabled(x=True, y=False)
        self.plotItem.vb.disableAutoRange()
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self._caption, self._metrics, self._strip = QFont(), QFontMetricsF(QFont()), 20.0

    def restyle(self, tokens: theme.Colours, font: QFont, strip: float, labels: Sequence[str]) -> None:
        """Colours, the font of all words, the height of the strip above the plot, the names at its right."""
        self._caption, self._metrics = font, QFontMetricsF(font)
        self._strip = max(strip + 4, self._metrics.height() + 8)
        character = self._metrics.averageCharWidth()
        widest = max(map(self._metrics.horizontalAdvance, labels), default=0.0) + 34
        gutter = max(widest, _GUTTER_CHARACTERS * character)
        self.setBackground(tokens.plot)
        for axis in (self.x_axis, self.y_axis):
            axis.setStyle(tickFont=font, tickTextOffset=6)
            axis.setPen(pg.mkPen(tokens.rule))
            axis.setTickPen(pg.mkPen(tokens.rule))
            axis.setTextPen(pg.mkPen(tokens.muted))
        self.x_axis.room, self.y_axis.room = 14 * character, 2.6 * self._metrics.height()
        self.y_axis.setWidth(round(self._metrics.horizontalAdvance("0" * _Y_LETTERS) + 12))
        self.x_axis.setHeight(round(self._metrics.height() + 8))
        self.plotItem.layout.setContentsMargins(0, self._strip, gutter, 2)

    # Painting

    def paintEvent(self, event: QEvent) -> None:
        """Count, so that tests see when nothing is painted."""
        self.paints += 1
        super().paintEvent(event)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Words and cursor, in the scene's pixels, so that an exported picture has them as well."""
        plot, tokens = self.plotItem.vb.sceneBoundingRect(), theme.colours(self.view)
        painter.save()
        painter.setFont(self._caption)
        self._draw_names(painter, plot, tokens)
        self._draw_marks(painter, plot, tokens)
        self._draw_ends(painter, plot)
        if self.view.nearest_x() is not None:
            self._draw_cursor(painter, plot, tokens)
        elif hint := self.view.hint:
            painter.setPen(QColor(tokens.muted))
            painter.setFont(self.view.font())
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, hint)
        painter.restore()

    def _pixel_x(self, x: float, plot: QRectF) -> float:
        x0, x1 = self.view.x_range
        return plot.left() + (x - x0) / (x1 - x0) * plot.width()

    def _pixel_y(self, y: float, plot: QRectF) -> float:
        y0, y1 = self.view.y_range
        return plot.bottom() - (y - y0) / (y1 - y0) * plot.height()

    def _draw_names(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        painter.setPen(QColor(tokens.text))
        painter.drawText(QPointF(plot.left(), self._baseline), self.view.name)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(self._quantity_x(plot), self._baseline), self._quantity)
        width = self._metrics.horizontalAdvance(self.view.x_label)
        baseline = plot.bottom() + 5 + self._metrics.ascent()
        painter.drawText(QPointF(self.width() - width - 10, baseline), self.view.x_label)

    @property
    def _quantity(self) -> str:
        label = "" if self.view.y_label.lower() == self.view.name.lower() else self.view.y_label
        return ", ".join(filter(None, (label, self.view.unit)))

    def _quantity_x(self, plot: QRectF) -> float:
        return (
            plot.left() + self._metrics.horizontalAdvance(self.view.name) + self._metrics.averageCharWidth()
        )

    @property
    def _baseline(self) -> float:
        return (self._strip + self._metrics.ascent() - self._metrics.descent()) / 2

    def _draw_marks(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        """A thin line each; words in the strip, else in a row below it, else on hover alone."""
        space = self._metrics.averageCharWidth() * 2
        ends = [self._quantity_x(plot) + self._metrics.horizontalAdvance(self._quantity) + space, plot.left()]
        limits = [self.view.toolbar.x() - 4.0, plot.right()]
        near = set(self.view.marks_near_cursor())
        for x, text in self.view.marks:
            at, width = self._pixel_x(x, plot), self._metrics.horizontalAdvance(text)
            if not plot.left() <= at <= plot.right() + 1:
                continue
            colour = QColor(tokens.accent if text in near else tokens.muted)
            painter.setPen(QPen(colour, 0, Qt.PenStyle.DotLine))
            top = plot.top()
            for row in (0, 1):
                left = min(at + 4, limits[row] - width)
                if left >= ends[row] and left >= at - width:
                    ends[row] = left + width + space
                    baseline = self._baseline if row == 0 else plot.top() + self._metrics.ascent() + 2
                    top = self._strip - self._metrics.height() if row == 0 else top
                    painter.drawLine(QPointF(at, top), QPointF(at, plot.bottom()))
                    if row == 1:  # over the lines
                        words = QRectF(left - 2, plot.top() + 1, width + 4, self._metrics.height() + 1)
                        painter.fillRect(words, QColor(tokens.plot))
                    painter.setPen(colour)
                    painter.drawText(QPointF(left, baseline), text)
                    break
            else:
                painter.drawLine(QPointF(at, top), QPointF(at, plot.bottom()))

    def _draw_ends(self, painter: QPainter, plot: QRectF) -> None:
        """The name of each line beside its end, moved apart where ends are close."""
        x1 = self.view.x_range[1]
        ends = []
        for line in self.view.shown_lines:
            x, y = line.drawn
            if len(x):
                ends.append((self._pixel_y(float(np.interp(x1, x, y)), plot), line, float(min(x[-1], x1))))
        if not ends or (len(ends) == 1 and ends[0][1].label == self.view.y_label):
            return
        ends.sort(key=lambda end: end[0])
        left = min(max(self._pixel_x(end[2], plot) for end in ends) + 8, plot.right() + 8)
        height = self._metrics.height()
        places = _apart([end[0] for end in ends], height, plot.top() + height / 2, plot.bottom() - height / 2)
        for place, (_, line, _) in zip(places, ends, strict=True):
            pen = self.view.line_pen(line)
            painter.setPen(pen)
            painter.drawLine(QPointF(left, round(place)), QPointF(left + 16, round(place)))
            painter.setPen(pen.color())
            painter.drawText(QPointF(left + 20, place + self._metrics.ascent() / 2 - 1), line.label)

    def _draw_cursor(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        x, rows = self.view.nearest_x(), self.view.readings()
        if x is None or not rows:
            return
        at = self._pixel_x(x, plot)
        painter.setPen(QPen(QColor(tokens.muted), 0))
        painter.drawLine(QPointF(round(at), plot.top()), QPointF(round(at), plot.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        heights = [plot.bottom()]
        for line in self.view.shown_lines:
            here, y = line.series.nearest(x) or (x, math.nan)
            y = math.log10(y) if self.view.log and y > 0 else (math.nan if self.view.log else y)
            point = QPointF(self._pixel_x(here, plot), self._pixel_y(y, plot)) if math.isfinite(y) else None
            if point is not None and plot.contains(point):
                painter.setPen(QPen(QColor(tokens.plot), 1.5))
                painter.setBrush(self.view.line_pen(line).color())
                painter.drawEllipse(point, 3.5, 3.5)
                heights.append(point.y())
        above = min(heights) - plot.top() > plot.bottom() - max(heights[1:], default=plot.top())
        self._draw_box(painter, plot, tokens, (at, above), rows)

    def _draw_box(
        self,
        painter: QPainter,
        plot: QRectF,
        tokens: theme.Colours,
        place: tuple[float, bool],
        rows: Sequence[tuple[_Line | None, str, str]],
    ) -> None:
        at, above = place
        height, gap = self._metrics.height() + 2, self._metrics.averageCharWidth() * 3
        words = max(self._metrics.horizontalAdvance(row[1]) for row in rows)
        values = max(self._metrics.horizontalAdvance(row[2]) for row in rows)
        width = words + (gap + values if values else 0) + 16
        left = at + 12 if at + 12 + width <= self.width() - 4 else max(4.0, at - 12 - width)
        tall = height * len(rows) + 10
        box = QRectF(left, plot.top() + 6 if above else plot.bottom() - 6 - tall, width, tall)
        painter.setPen(QPen(QColor(tokens.rule), 1))
        painter.setBrush(QColor(tokens.panel))
        painter.drawRoundedRect(box, 4, 4)
        baseline = box.top() + 5 + self._metrics.ascent()
        for line, text, value in rows:
            mark = line is None and not value
            colour = tokens.accent if mark else tokens.muted
            painter.setPen(self.view.line_pen(line).color() if line else QColor(colour))
            painter.drawText(QPointF(box.left() + 8, baseline), text)
            painter.setPen(QColor(tokens.text))
            painter.drawText(
                QPointF(box.right() - 8 - self._metrics.horizontalAdvance(value), baseline), value
            )
            baseline += height

    # Mouse and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the cursor; a drag pans as well."""
        super().mouseMoveEvent(event)
        vb = self.plotItem.vb
        inside = vb.sceneBoundingRect().contains(event.position())
        self.view.set_cursor(vb.mapSceneToView(event.position()).x() if inside else None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the whole run."""
        super().mouseDoubleClickEvent(event)
        self.view.fit()

    def leaveEvent(self, event: QEvent) -> None:
        """No cursor without a pointer."""
        super().leaveEvent(event)
        self.view.set_cursor(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F fits, plus and minus zoom, the arrows move the cursor, Escape removes it."""
        key = Qt.Key
        x0, x1 = self.view.x_range
        step = (x1 - x0) / max(self.plotItem.vb.width(), 1.0)
        cursor = self.view.cursor if self.view.cursor is not None else (x0 + x1) / 2
        actions: dict[int, Callable[[], None]] = {
            key.Key_F: self.view.fit,
            key.Key_Home: self.view.fit,
            key.Key_Plus: lambda: self.view.zoom(0.8),
            key.Key_Equal: lambda: self.view.zoom(0.8),
            key.Key_Minus: lambda: self.view.zoom(1.25),
            key.Key_Left: lambda: self.view.set_cursor(max(x0, cursor - 4 * step)),
            key.Key_Right: lambda: self.view.set_cursor(min(x1, cursor + 4 * step)),
            key.Key_Escape: lambda: self.view.set_cursor(None),
        }
        action = actions.get(event.key())
        if action is None:
            event.ignore()  # Space and the full stop belong to the tab
        else:
            action()

    def viewportEvent(self, event: QEvent) -> bool:
        """A pointer at rest reads every digit."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            rows = self.view.readings(repr)
            text = "\n".join(f"{words} {value}".strip() for _, words, value in rows)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return bool(super().viewportEvent(event))


def short(value: float) -> str:
    """A number with four significant digits: 0.5000, 12,340, 1.234e−5."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if 1e4 <= abs(value) < 1e7:
        return f"{float(f'{value:.4g}'):,.0f}".replace("-", "−")
    return _exponent(f"{value:#.4g}".rstrip(".").replace(".e", "e"))


def _place(x: float) -> str:
    return f"{x:,.0f}" if x == round(x) else short(x)


def _plain(value: float) -> str:
    return f"{value:,.10g}" if 1e-4 < value < 1e6 else _exponent(f"{value:.3g}")


def _exponent(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return (mantissa + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


def _round_steps(low: float, high: float, most: float) -> tuple[float, list[float]]:
    """Multiples of 1, 2 or 5 times a power of ten between two numbers, about `most` of them at the most."""
    rough = (high - low) / most
    if not (math.isfinite(rough) and rough > 0):
        return 1.0, []
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / spacing - 1e-9)
    return spacing, [spacing * k for k in range(first, math.floor(high / spacing + 1e-9) + 1)]


def _apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending places moved as little as needed to lie `gap` apart between `low` and `high`."""
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    out: list[float] = []
    for place in places:
        out.append(max(place, low, out[-1] + gap if out else low))
    for at in reversed(range(len(out))):
        out[at] = min(out[at], high if at == len(out) - 1 else out[at + 1] - gap)
    return out


def _mix(colour: QColor, ground: QColor, share: float) -> QColor:
    pairs = zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True)
    return QColor(*(round(share * above + (1 - share) * below) for above, below in pairs))
