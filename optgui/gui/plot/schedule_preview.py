"""The curve of a schedule: by what each step of a run multiplies the rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.core.params import Config, EntryConfig
from optgui.core.schedulers import SchedulerConfig, curve
from optgui.gui import theme
from optgui.gui.form.param_form import Preview

HEIGHT = 60
MOST = 20_000  # intervals of a schedule: 40 ms
_REST_MS = 20  # several edits of one turn are one curve
_POINTS = 600  # more cannot be told apart in this width


class SchedulePreview(Preview):
    """A small curve over the whole run; `run_length(config)` gives its steps per epoch and its epochs."""

    def __init__(self, run_length: Callable[[Any], tuple[int, int]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run_length = run_length
        self._wanted: tuple[SchedulerConfig, int, int] | None = None
        self._shown: tuple[SchedulerConfig, int, int] | None = None
        self._factors: NDArray[np.float64] | None = None
        self._words = ""
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._compute)
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
        return QSize(160, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, HEIGHT)

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        assert isinstance(entry, SchedulerConfig)
        self._wanted = (entry, *self._run_length(config))
        if self.isVisible():
            self._rest.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._compute()

    def _compute(self) -> None:
        if self._wanted is None or self._wanted == self._shown:
            return
        self._shown = self._wanted
        schedule, steps_per_epoch, epochs = self._wanted
        per_step = schedule.values.get("interval") == "step"
        self._factors, self._words = None, ""
        if (steps_per_epoch if per_step else 1) * epochs > MOST:
            self._words = f"A run of more than {MOST:,} steps is not drawn."
        else:
            self._factors = curve(schedule, steps_per_epoch, epochs)
            if self._factors is None:
                self._words = "The curve depends on the run: on when the loss stops falling."
        self.setAccessibleDescription(self._words)
        self.update()

    def _plot(self) -> QRectF:
        caption = self.fontMetrics().height()
        return QRectF(2, caption * 0.6, self.width() - 4, self.height() - caption * 1.6 - 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = theme.colours(self)
        muted = QColor(colours.muted)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * theme.CAPTION)
        painter.setFont(font)
        if self._factors is None:
            painter.setPen(muted)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), flags, self._words)
            return
        plot, top = self._plot(), float(self._factors.max()) or 1.0
        painter.setPen(QPen(QColor(colours.rule), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.topRight())
        painter.setPen(muted)
        below = QRectF(plot.left(), plot.bottom() + 2, plot.width(), self.height() - plot.bottom() - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"step {len(self._factors):,}")
        painter.drawText(
            below, Qt.AlignmentFlag.AlignHCenter, f"rate × {self._factors.min():.3g} to {top:.3g}"
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent), 1.5))
        painter.drawPolyline(self._polygon(plot, top))

    def _polygon(self, plot: QRectF, top: float) -> QPolygonF:
        """The curve; of a long run the lowest and highest factor of every group of steps."""
        assert self._factors is not None
        steps, factors = np.arange(len(self._factors)), self._factors
        group = -(-len(factors) // _POINTS)
        if group > 1:
            starts = np.arange(0, len(factors), group)
            ends = np.stack([np.maximum.reduceat(factors, starts), np.minimum.reduceat(factors, starts)], 1)
            falling = factors[starts] >= factors[np.minimum(starts + group, len(factors)) - 1]
            steps, factors = np.repeat(starts, 2), np.where(falling[:, None], ends, ends[:, ::-1]).ravel()
        x = plot.left() + plot.width() * steps / max(1, len(self._factors) - 1)
        y = plot.bottom() - plot.height() * factors / top
        return QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)])

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and self._factors is not None:
            assert isinstance(event, QHelpEvent)
            plot = self._plot()
            share = min(1.0, max(0.0, (event.pos().x() - plot.left()) / plot.width()))
            step = round(share * (len(self._factors) - 1))
            QToolTip.showText(event.globalPos(), f"Step {step + 1:,}: rate × {self._factors[step]:.4g}", self)
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event):
            self.update()
