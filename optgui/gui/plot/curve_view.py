"""The live curve of every tab: lines over steps, marks where the user changed something, values on hover.

Painting takes time from the job, so a line is drawn from about two points per pixel column whatever its
length, and a refresh touches only what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QPen, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.plot.curve_axis import readable, short_x
from optgui.gui.plot.curve_canvas import CurveCanvas
from optgui.gui.plot.curve_line import CurveLine
from optgui.gui.plot.curve_range import CurveRange
from optgui.gui.plot.curve_toolbar import CurveToolbar
from optgui.gui.plot.curve_words import Row, newest, values_at

_NEAR_PX = 6.0  # a mark so near to the cursor is read out
_DESCRIBE_MS = 1000


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

    clicked = Signal(float)  # x of a click that was no drag, or of the cursor when Return is pressed

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
        self.left_marks: list[tuple[float, str]] = []  # of what was left: pale, read on hover alone
        self.lines: dict[str, CurveLine] = {}
        self.cursor: float | None = None
        self.head: float | None = None
        self._hint = ""
        self._smooth = True
        self._stale = True
        self.canvas = CurveCanvas(self)
        self._box = self.canvas.plotItem.vb
        self._range = CurveRange(self._box)
        if unit == "%":
            self._range.blank = (0.0, 100.0)
        self._box.sigRangeChangedManually.connect(self._on_zoomed)
        self._box.sigResized.connect(self._on_resized)
        self._box.sigXRangeChanged.connect(self.canvas.place_head)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)
        self.toolbar = CurveToolbar(name, object_name, self)
        self.fit_button, self.log_button = self.toolbar.fit, self.toolbar.log
        self.smooth_button = self.toolbar.smooth
        self.smooth_button.setChecked(self._smooth)
        self.fit_button.clicked.connect(self.fit)
        self.smooth_button.toggled.connect(self.set_smooth)
        self.log_button.toggled.connect(self.set_log)
        self._timer = QTimer(self, interval=_DESCRIBE_MS, singleShot=True)
        self._timer.timeout.connect(self._on_time_to_describe)
        self.setObjectName(object_name)
        self.canvas.setObjectName(f"{object_name}.plot")
        for widget in (self, self.canvas):
            widget.setAccessibleName(name)
        self.setFocusProxy(self.canvas)
        self.setMinimumHeight(round(6 * self.fontMetrics().height()))
        self.set_log(log)
        self._restyle()

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
        solid = Qt.PenStyle.SolidLine
        line = CurveLine(label, colour_index, dash or solid, marker=marker, smoothed=smoothed)
        for z, item in enumerate(line.items):
            item.setZValue(100 * z + len(self.lines))
            self._box.addItem(item, ignoreBounds=True)
        self.lines[key] = line
        line.show(shown=True, smooth=self._smooth)
        self._restyle()

    def remove_line(self, key: str) -> None:
        """Take a line and its numbers away; a key that is not there is no error."""
        line = self.lines.pop(key, None)
        if line is not None:
            for item in line.items:
                self._box.removeItem(item)
            self._restyle()

    def set_line_visible(self, key: str, visible: bool) -> None:
        """Show or hide a line; its numbers stay."""
        line = self.lines[key]
        if line.shown != visible:
            line.show(shown=visible, smooth=self._smooth)
            line.dirty = self._stale = True

    def extend(self, key: str, xs: ArrayLike, ys: ArrayLike) -> None:
        """Append to a line, to be painted at the next `refresh`; NaN and infinite y are kept, not drawn."""
        line = self.lines[key]
        before = len(line.series)
        line.series.extend(xs, ys)
        line.dirty |= len(line.series) > before

    def set_line(self, key: str, xs: ArrayLike, ys: ArrayLike) -> None:
        """Give a line other numbers, to be painted at the next `refresh`; then y is ranged afresh."""
        line = self.lines[key]
        line.series.clear()
        line.series.extend(xs, ys)
        line.dirty = True
        self._range.forget_y()

    def clear(self) -> None:
        """Forget all numbers, marks and the zoom; lines and span stay."""
        for line in self.lines.values():
            line.series.clear()
        self.marks.clear()
        self.left_marks.clear()
        self.cursor = None
        self.fit()

    def set_span(self, x_max: float) -> None:
        """Say where x will end, so that the range is right from the start."""
        if x_max != self._range.span:
            self._range.span = float(x_max)
            self._range.cover(self.lines.values())
            self._draw_all()

    def mark(self, x: float, text: str) -> None:
        """Mark a place where the user changed something: "lr 0.1 → 0.03"."""
        self.marks.append((float(x), text))
        self.marks.sort(key=lambda mark: mark[0])
        self._repaint()

    def set_marks(self, marks: Iterable[tuple[float, str]], left: Iterable[tuple[float, str]] = ()) -> None:
        """Have these marks alone, and pale ones of what was left."""
        self.marks = sorted((float(x), text) for x, text in marks)
        self.left_marks = sorted((float(x), text) for x, text in left)
        self._repaint()

    def set_y_label(self, text: str) -> None:
        """Give y another name."""
        if text != self.y_label:
            self.y_label = text
            self._repaint()

    def set_head(self, x: float | None) -> None:
        """Put the play head at x, or take it away; nothing else is painted."""
        self.head = x
        self.canvas.place_head()

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
        if self._range.follow_x(self.lines.values()):
            self._touch()
        changed = [line for line in self.lines.values() if line.dirty and line.shown]
        if not (changed or self._stale):
            return
        for line in changed:
            line.draw(*self.x_range, self._box.width(), log=self.log)
        self._range.follow_y(self.shown_lines, log=self.log)
        self._stale = False
        self._repaint()
        self._describe()

    def set_log(self, log: bool) -> None:
        """Take a logarithmic or a linear y axis."""
        self.log = log
        self.log_button.setChecked(log)
        self.canvas.y_axis.decades = log
        self.canvas.y_axis.picture = None
        self._range.forget_y()
        self._draw_all()

    def set_smooth(self, smooth: bool) -> None:
        """Draw the moving averages, where a line has one, or the exact values alone."""
        self._smooth = smooth
        self.smooth_button.setChecked(smooth)
        for line in self.lines.values():
            line.show(shown=line.shown, smooth=smooth)
        self._restyle()

    def fit(self) -> None:
        """Show the whole run again."""
        self._range.fit(self.lines.values())
        self._show_range()

    @property
    def is_zoomed(self) -> bool:
        """Whether the user has chosen what part of x is seen."""
        return self._range.is_zoomed

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much of x, about the cursor or the middle."""
        self._range.zoom(factor, self.cursor if self.cursor is not None else sum(self.x_range) / 2)
        self._on_zoomed()

    def set_cursor(self, x: float | None) -> None:
        """Read out the values at x, or stop doing so."""
        if x != self.cursor:
            self.cursor = x
            self._repaint()

    @property
    def x_range(self) -> tuple[float, float]:
        """Left and right end of what is seen."""
        return self._range.x

    @property
    def y_range(self) -> tuple[float, float]:
        """Lower and upper end of what is seen; powers of ten on a logarithmic axis."""
        return self._range.y

    @property
    def shown_lines(self) -> list[CurveLine]:
        """The visible lines with numbers, in the order they were added."""
        return [line for line in self.lines.values() if line.shown and len(line.series)]

    @property
    def drawn_lines(self) -> list[CurveLine]:
        """The visible lines with points in the plot, those in the background as well."""
        return [line for line in self.lines.values() if line.shown and len(line.drawn[0])]

    def nearest_x(self) -> float | None:
        """The x of a record nearest to the cursor, of the line that has most; None where there is nothing."""
        longest = max(self.shown_lines, key=lambda line: len(line.series), default=None)
        found = longest.series.nearest(self.cursor) if longest and self.cursor is not None else None
        return found[0] if found else None

    def marks_near_cursor(self) -> list[str]:
        """Full text of the marks under the cursor; those of what was left say so."""
        if self.cursor is None:
            return []
        x0, x1 = self.x_range
        near = _NEAR_PX * (x1 - x0) / max(self._box.width(), 1.0)
        marks = [*self.marks, *((x, f"{text}, left") for x, text in self.left_marks)]
        return [text for x, text in marks if abs(x - self.cursor) <= near]

    def readings(self, write: Callable[[float], str] = readable) -> list[Row]:
        """What hovering reads: the marks here, the place, then what each line has there.

        Args:
            write: How a value is written.
        """
        rows: list[Row] = [(None, text, "") for text in self.marks_near_cursor()]
        x = self.nearest_x()
        if x is None:
            return rows
        return [
            *rows,
            (None, self.x_label, short_x(x)),
            *values_at(self.shown_lines, x, self.unit, write),
        ]

    # Drawing

    def _touch(self) -> None:
        """Have every line drawn at the next refresh whatever else happens."""
        for line in self.lines.values():
            line.dirty = True
        self._stale = True

    def _draw_all(self) -> None:
        self._touch()
        self.refresh()

    def _show_range(self) -> None:
        self.fit_button.setEnabled(self._range.is_zoomed)
        self._draw_all()

    def _repaint(self) -> None:
        self.canvas.scene().update()  # the viewport would be painted twice: the scene asks as well

    def line_pen(self, line: CurveLine) -> QPen:
        """Colour and dash of a line."""
        return pg.mkPen(theme.racer_colour(line.colour_index, self), width=1, style=line.dash)

    def _restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        tokens = theme.colours(self)
        font = QFont(self.font())
        font.setPointSizeF(max(6.0, font.pointSizeF() * theme.CAPTION))
        self.smooth_button.setVisible(any(line.soft for line in self.lines.values()))
        strip = self.toolbar.place(self.width(), font)
        self.canvas.restyle(tokens, font, strip, [line.label for line in self.lines.values()])
        for line in self.lines.values():
            line.restyle(self.line_pen(line), tokens.plot)
        self._draw_all()

    def _describe(self) -> None:
        if self._timer.isActive():
            return
        words = newest(self.shown_lines, self.x_label, self.unit)
        words += [f"{len(self.marks)} marks"] if self.marks else []
        text = "; ".join(words) or self.hint
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            self.canvas.setAccessibleDescription(text)
            self._timer.start()

    # Events

    def _on_zoomed(self, *_: object) -> None:
        self._range.take_zoom()
        self._show_range()

    def _on_resized(self, *_: object) -> None:
        self.toolbar.place(self.width())
        self.canvas.place_head()
        self._draw_all()

    def _on_time_to_describe(self) -> None:
        if self.isVisible():
            self._describe()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while nobody saw it."""
        super().showEvent(event)
        self._draw_all()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if (theme.repaints(event) or event.type() == QEvent.Type.FontChange) and hasattr(self, "_timer"):
            self._restyle()
