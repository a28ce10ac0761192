"""The curve of a schedule: by what each step of a run multiplies the rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.core.params import Config, EntryConfig
from optgui.core.schedulers import Schedule, SchedulerConfig, curve
from optgui.gui import theme
from optgui.gui.form.param_form import Preview
from optgui.gui.pace import Pace

HEIGHT, TALL = 60, 90
MOST = 20_000  # intervals of a schedule that are computed at once: 40 ms
MOST_SLICED = 200_000  # in slices: half a second
MOST_STEPS = 1_000_000  # a factor for each: 20 ms
_SLICE = 2_000  # steps: 5 ms
_REST_MS = 20  # several edits of one turn are one curve
_POINTS = 600  # more cannot be told apart in this width
_ABOVE = 10  # pixels above the plot


class ScheduleCurve(Preview):
    """A small curve over the whole run.

    Args:
        run_length: gives a config's steps per epoch and its epochs.
        base_lr: gives its learning rate, which the curve then is said in; without one it is said in factors.
        height: in pixels.
    """

    def __init__(
        self,
        run_length: Callable[[Any], tuple[int, int]],
        parent: QWidget | None = None,
        *,
        base_lr: Callable[[Any], float] | None = None,
        height: int = HEIGHT,
    ) -> None:
        super().__init__(parent)
        self._run_length, self._base_lr, self._height = run_length, base_lr, height
        self._wanted: tuple[SchedulerConfig, int, int] | None = None
        self._shown: tuple[SchedulerConfig, int, int] | None = None
        self._factors: NDArray[np.float64] | None = None
        self._words = ""
        self._lr: float | None = None
        self._hovered: int | None = None  # step
        self._present: int | None = None
        self._picture: QPixmap | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._compute)
        self._slices: Iterator[NDArray[np.float64] | None] = iter(())
        self._slicing = QTimer(self, interval=0)
        self._slicing.timeout.connect(self._compute_slice)
        self._pace = Pace(self.update, self)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Schedule over the run")

    @property
    def factors(self) -> NDArray[np.float64] | None:
        """The factor of each step, None where words stand instead."""
        return self._factors

    @property
    def words(self) -> str:
        """What is said in place of a curve, empty where there is one."""
        return self._words

    def sizeHint(self) -> QSize:
        return QSize(160, 3 * self.fontMetrics().height() if self._words else self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        assert isinstance(entry, SchedulerConfig)
        self._wanted = (entry, *self._run_length(config))
        self._lr = self._base_lr(config) if self._base_lr is not None else None
        self.update()
        if self.isVisible():
            self._rest.start()

    def set_present(self, step: int | None) -> None:
        """Draw a line where the run is, None for no line."""
        before, self._present = self._present, step
        if self.isVisible() and self._place(before) != self._place(step):
            self._pace.ask()

    def said(self, step: int) -> str:
        """What acts at a step: `epoch 1.3: factor 0.1, lr 0.01`."""
        assert self._factors is not None
        assert self._wanted is not None
        _, steps_per_epoch, _ = self._wanted
        factor = self._factors[step]
        when = f"epoch {step / steps_per_epoch:.1f}" if steps_per_epoch > 1 else f"step {step + 1:,}"
        rate = f", lr {self._lr * factor:.4g}" if self._lr is not None else ""
        return f"{when}: factor {factor:.4g}{rate}"

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._compute()

    def _compute(self) -> None:
        if self._wanted is None or self._wanted == self._shown:
            return
        self._shown = self._wanted
        self._slicing.stop()
        schedule, steps_per_epoch, epochs = self._wanted
        steps, per_step = steps_per_epoch * epochs, schedule.values.get("interval") == "step"
        most = MOST_SLICED if per_step else MOST_STEPS
        if steps > most:
            self._take(None, f"A run of more than {most:,} steps is not drawn.")
        elif per_step and steps > MOST:
            self._slices = _in_slices(*self._wanted)
            self._slicing.start()  # what was drawn before stays meanwhile
        else:
            factors = curve(schedule, steps_per_epoch, epochs)
            depends = "The curve depends on the run: on when the loss stops falling."
            self._take(factors, "" if factors is not None else depends)

    def _compute_slice(self) -> None:
        factors = next(self._slices)
        if factors is not None:
            self._slicing.stop()
            self._take(factors, "")

    def _take(self, factors: NDArray[np.float64] | None, words: str) -> None:
        self._factors, self._words = factors, words
        if self._hovered is not None:
            self._hovered = None if self._factors is None else min(self._hovered, len(self._factors) - 1)
        self.setAccessibleDescription(self._words)
        self.updateGeometry()
        self._redraw()

    def _redraw(self) -> None:
        self._picture = None
        self.update()

    def _plot(self) -> QRectF:
        caption = self.fontMetrics().height()
        return QRectF(5, _ABOVE, self.width() - 10, self.height() - caption - _ABOVE - 4)

    def _place(self, step: int | None) -> int | None:
        """The pixel of a step, None if there is none."""
        if step is None or self._factors is None:
            return None
        plot = self._plot()
        return round(plot.left() + plot.width() * min(1.0, step / max(1, len(self._factors) - 1)))

    def _step_at(self, x: float) -> float:
        assert self._factors is not None
        plot = self._plot()
        share = min(1.0, max(0.0, (x - plot.left()) / plot.width()))
        return share * (len(self._factors) - 1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._factors is not None:
            self._hovered = round(self._step_at(event.position().x()))
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = theme.colours(self)
        painter.setFont(_caption_font(painter.font()))
        painter.setPen(QColor(colours.muted))
        if self._factors is None:
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), flags, self._words)
            return
        if self._picture is None:
            self._picture = self._draw()
        painter.drawPixmap(0, 0, self._picture)
        plot = self._plot()
        below = QRectF(plot.left(), plot.bottom() + 3, plot.width(), self.height() - plot.bottom() - 3)
        words = self._range() if self._hovered is None else self.said(self._hovered)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, words)
        if (x := self._place(self._present)) is not None:
            painter.setPen(QPen(QColor(colours.text), 1))
            painter.drawLine(x, int(plot.top()), x, int(plot.bottom()))
        if (x := self._place(self._hovered)) is not None:
            assert self._hovered is not None
            y = plot.bottom() - plot.height() * self._factors[self._hovered] / self._top
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(colours.plot), 1.5))
            painter.setBrush(QColor(colours.accent))
            painter.drawEllipse(QPointF(x, y), 4.5, 4.5)

    @property
    def _top(self) -> float:
        """The factor at the upper edge of the plot."""
        assert self._factors is not None
        return float(self._factors.max()) or 1.0

    def _range(self) -> str:
        """The least and the greatest rate."""
        assert self._factors is not None
        least, most = float(self._factors.min()), float(self._factors.max())
        if self._lr is not None:
            return f"lr {self._lr * least:.3g} to {self._lr * most:.3g}"
        return f"rate × {least:.3g} to {most:.3g}"

    def _draw(self) -> QPixmap:
        """Everything that stays while the pointer and the run move."""
        assert self._factors is not None
        assert self._shown is not None
        _, steps_per_epoch, epochs = self._shown
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(_caption_font(self.font()))
        colours, plot = theme.colours(self), self._plot()
        painter.setPen(QPen(QColor(colours.rule), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.topRight())
        painter.setPen(QColor(colours.muted))
        below = QRectF(plot.left(), plot.bottom() + 3, plot.width(), self.height() - plot.bottom() - 3)
        length = f"epoch {epochs:,}" if steps_per_epoch > 1 else f"step {len(self._factors):,}"
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, length)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent), 1.5))
        painter.drawPolyline(_polygon(self._factors, plot, self._top))
        painter.end()
        return picture

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event):
            self._redraw()


def _caption_font(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * theme.CAPTION)
    return small


def _in_slices(
    config: SchedulerConfig, steps_per_epoch: int, epochs: int
) -> Iterator[NDArray[np.float64] | None]:
    """Yield None until the factors of all steps are there: `curve`, without holding the window up."""
    schedule, factors = Schedule(config, steps_per_epoch, epochs), np.empty(steps_per_epoch * epochs)
    for step in range(len(factors)):
        factors[step] = schedule.factor
        schedule.advance_step()
        if step % _SLICE == _SLICE - 1:
            yield None
    yield factors


def _polygon(factors: NDArray[np.float64], plot: QRectF, top: float) -> QPolygonF:
    """The curve; of a long run the lowest and highest factor of every group of steps."""
    steps, count = np.arange(len(factors)), len(factors)
    group = -(-count // _POINTS)
    if group > 1:
        starts = np.arange(0, count, group)
        ends = np.stack([np.maximum.reduceat(factors, starts), np.minimum.reduceat(factors, starts)], 1)
        falling = factors[starts] >= factors[np.minimum(starts + group, count) - 1]
        steps, factors = np.repeat(starts, 2), np.where(falling[:, None], ends, ends[:, ::-1]).ravel()
    x = plot.left() + plot.width() * steps / max(1, count - 1)
    y = plot.bottom() - plot.height() * factors / top
    return QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)])
