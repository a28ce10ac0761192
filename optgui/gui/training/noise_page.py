"""NoisePage: how much of a mini-batch's gradient is signal, for every batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from optgui.core.training import TrainingConfig, TrainingFrame
from optgui.core.training.measures.gradient_noise import GradientNoise
from optgui.core.training.questions import NoiseFound, NoiseNow, NoiseReading
from optgui.gui import theme
from optgui.gui.form.widgets import small_button
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.gui.surface.maps.plot import MapPlot, Note

WAIT = "Press Start: there is no network to measure yet"
IDLE = "Press Measure: the signal-to-noise ratio of every batch size appears here"
WHAT = (
    "The gradient of a mini-batch is the gradient over all images, the signal, and noise; their ratio "
    "compares the squared lengths of both."
)
DRAWN = 200  # points of the line of theory


class NoisePage(QWidget):
    """Signal-to-noise against the batch size, measured and as theory has it; the noise scale over steps."""

    wanted = Signal(object)  # a question for the run
    taken = Signal(object)  # changes of the config by path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.noise")
        self.found: NoiseFound | None = None
        self.readings: tuple[NoiseReading, ...] = ()
        self.has_network = False
        self._batch = 0
        self.live = small_button("Live", "training.noise.live", "")
        self.live.setCheckable(True)
        self.live.clicked.connect(lambda on: self.taken.emit({"noise_reading": on}))
        self.measure = small_button("Measure", "training.noise.measure", "")
        self.measure.clicked.connect(self._ask)
        self.drawing = Toggle(
            "Draw",
            "training.noise.drawing",
            [
                ("shuffled", "Shuffled", "Mini-batches of shuffled passes: no image twice"),
                ("replacement", "With replacement", "Each image of a batch is drawn from all of them"),
            ],
        )
        self.drawing.changed.connect(lambda _: self._ask())
        self.plot = MapPlot("Signal-to-noise ratio", "training.noise.plot", decades=True, grid=True)
        self.plot.x_label, self.plot.y_label = "B", "Signal-to-noise of the gradient of B images"
        self.plot.y_axis.decades = True
        self.view = self.plot.view
        self.view.setMouseEnabled(x=False, y=False)
        self.theory = pg.PlotCurveItem(connect="finite")
        self.marks = pg.PlotCurveItem(connect="pairs")
        self.errors = pg.PlotCurveItem(connect="pairs")
        self.points = pg.ScatterPlotItem(symbol="o", size=8, pxMode=True)
        for depth, item in enumerate((self.marks, self.theory, self.errors, self.points), 1):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self.plot.pointed.connect(self._on_pointed)
        self.curve = CurveView("Noise scale", "images", log=True, object_name="training.noise_scale")
        self.curve.add_line("scale", "images", 0)
        self.words = QLabel()
        self.words.setObjectName("training.noise.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.words.setContentsMargins(12, 4, 12, 8)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        split.addWidget(self.plot)
        split.addWidget(self.curve)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([330, 130])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(bar(self.live, self.measure, self.drawing, None))
        layout.addWidget(split, 1)
        layout.addWidget(self.words)
        self.clear()

    def clear(self) -> None:
        """Forget the network: another run begins."""
        self.found, self.readings, self.has_network = None, (), False
        self.curve.clear()
        self.curve.set_hint("Switch Live on: the gradient noise scale along the run appears here")
        self._redraw()
        self._offer()

    def show_live(self, on: bool) -> None:
        """Show whether the run takes readings by itself."""
        self.live.setChecked(on)
        self._offer()

    def show_config(self, config: TrainingConfig) -> None:
        """Mark the present batch size, and draw as the run draws."""
        self.drawing.choose("replacement" if config.replacement else "shuffled")
        if config.batch_size != self._batch:
            self._batch = config.batch_size
            self._redraw()

    def show_frame(self, frame: TrainingFrame) -> None:
        """Take the run as it stands."""
        if not self.has_network:
            self.has_network = True
            self._offer()
        self.curve.set_span(frame.total_steps)
        self.curve.refresh()

    def show_readings(self, readings: Sequence[NoiseReading]) -> None:
        """Show all readings that the run took by itself, oldest first; a run that went back has fewer."""
        readings = tuple(readings)
        if readings == self.readings:
            return
        before, self.readings = self.readings, readings
        fresh = readings[len(before) :]
        if readings[: len(before)] != before:
            self.curve.set_line("scale", [], [])
            fresh = readings
        scales = [scale(one.noise) for one in fresh]
        self.curve.extend("scale", [one.step for one in fresh], scales)
        self.curve.refresh()

    def show_answer(self, answer: NoiseFound) -> None:
        """Show a measurement."""
        self.found = answer
        self._redraw()

    def show_refusal(self, reason: str = "") -> None:
        """Say why nothing is measured, or, without a reason, what was found before."""
        self.words.setText(reason or self._rest())

    def _rest(self) -> str:
        if self.found is None:
            return WHAT
        return sentence(self.found, self._batch) if self.found.noise.signal > 0 else lost(self.found)

    def _ask(self) -> None:
        if self.has_network:
            self.wanted.emit(NoiseNow(self.drawing.value == "replacement"))

    def _redraw(self) -> None:
        found, tokens = self.found, theme.colours(self)
        self.plot.notes, self.plot.hint = (), ""
        for item in (self.theory, self.marks, self.errors):
            item.setData([], [])
        self.points.setData([], [])
        self.plot.say("")
        self.words.setText(self._rest())
        if found is None or found.noise.signal <= 0:
            self.plot.hint = IDLE if found is None else "No signal is left to see"
            self._show_range((1, 1_000), (1e-3, 10))
            return
        x, y, low, high = ratios(found)
        line = np.geomspace(1, found.images * (1 if found.replacement else 0.999), DRAWN)
        theory = [snr(found, batch) for batch in line]
        top = max(found.images, self._batch)
        self._show_range((0.8, 1.5 * top), (0.5 * min(*y, *theory[:1]), 2 * max(*y, 1.0)))
        self.theory.setPen(pg.mkPen(theme.racer_colour(0, self), width=1))
        self.theory.setData(np.log10(line), np.log10(theory))
        colour = theme.racer_colour(3, self)
        self.errors.setPen(pg.mkPen(colour, width=1))
        self.errors.setData(np.repeat(np.log10(x), 2), np.log10(np.column_stack([low, high]).ravel()))
        self.points.setPen(pg.mkPen(tokens.plot, width=1))
        self.points.setBrush(pg.mkBrush(colour))
        self.points.setData(np.log10(x), np.log10(y))
        self._mark(found)
        self.plot.viewport().update()

    def _mark(self, found: NoiseFound) -> None:
        """The present batch size, and the noise scale with the ratio 1."""
        (_, right), (bottom, top) = self.view.viewRange()
        blue, orange = theme.racer_colour(0, self).name(), theme.racer_colour(3, self).name()
        law = "B / noise scale" if found.replacement else "shuffled: B / noise scale / (1 − B / n)"
        near = math.log10(found.images) * 0.45
        notes = [
            Note(law, near, math.log10(snr(found, 10**near)) - 0.12 * (top - bottom), blue),
            Note("measured", math.log10(2), math.log10(snr(found, 2)) + 0.1 * (top - bottom), orange),
        ]
        xs, ys = [0.0, right], [0.0, 0.0]
        for value, text, height in (
            (self._batch, f"your batch size {self._batch:,}", 0.04),
            (found.noise.scale, f"noise scale {rounded(found.noise.scale)}", 0.1),
        ):
            if value > 0 and math.log10(value) < right:
                at = math.log10(value)
                xs += [at, at]
                ys += [bottom, top]
                notes.append(Note(text, at, bottom + height * (top - bottom), "text"))
        self.marks.setPen(pg.mkPen(theme.colours(self).muted, width=1, style=theme.DASHES[1]))
        self.marks.setData(xs, ys)
        self.plot.notes = notes

    def _show_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        (x0, x1), (y0, y1) = (np.log10(ends) for ends in (x, y))
        self.view.setRange(QRectF(x0, y0, x1 - x0, y1 - y0), padding=0, disableAutoRange=True)
        self.plot.viewport().update()

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        found = self.found
        if at is None or found is None or found.noise.signal <= 0:
            self.plot.say("")
            return
        x, y, low, high = ratios(found)
        place = int(np.abs(np.log10(x) - at[0]).argmin())
        self.plot.say(
            f"batch {x[place]:,.0f}\nmeasured {y[place]:.3g} ({low[place]:.3g} to {high[place]:.3g})\n"
            f"theory {snr(found, x[place]):.3g}"
        )

    def _offer(self) -> None:
        words = "Measure the noise of mini-batches as the network stands"
        self.measure.setEnabled(self.has_network)
        self.measure.setAccessibleName(words)
        self.measure.setToolTip(words if self.has_network else WAIT)
        on = self.live.isChecked()
        live = "Stop reading the noise" if on else "Read the noise scale while the run goes on"
        self.live.setAccessibleName(live)
        self.live.setToolTip(f"{live}; it costs about a twentieth of the time")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "words"):
            self._redraw()


def scale(noise: GradientNoise) -> float:
    """The noise scale where there is a signal to compare with, NaN elsewhere."""
    return noise.scale if noise.signal > noise.signal_error else math.nan


def snr(found: NoiseFound, batch: float) -> float:
    """Signal-to-noise ratio that theory gives a batch drawn as the measured ones were."""
    noise = found.noise.trace / batch
    if not found.replacement:
        noise *= 1 - batch / found.images
    return found.noise.signal / noise if noise > 0 else math.inf


def ratios(found: NoiseFound) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Batch sizes, measured ratios, and a standard error below and above; those without noise left out."""
    sizes, noise, errors = (np.asarray(column, dtype=np.float64) for column in found.curve)
    known = noise > 0
    sizes, noise, errors = sizes[known], noise[known], errors[known]
    signal = found.noise.signal
    return sizes, signal / noise, signal / (noise + errors), signal / np.maximum(noise - errors, noise / 3)


def sentence(found: NoiseFound, batch: int) -> str:
    """The noise scale, and what it says about the present batch size."""
    noise = found.noise
    size = f"{rounded(noise.scale)} ± {rounded(noise.scale_error, 1)}"
    words = (
        f"Gradient noise scale at step {found.step:,}: {size} images. "
        "A mini-batch of so many has as much noise as signal; far below it twice the batch is worth twice "
        "the steps, far above it almost nothing."
    )
    shuffled = not found.replacement
    if 1 <= batch <= found.total:
        ratio = noise.snr(batch, found.total if shuffled else None)
        worth = "no noise at all" if math.isinf(ratio) else f"signal-to-noise {ratio:.3g}"
        words += f" Your batch of {batch:,}: {worth}."
    if shuffled and found.images < found.total:
        words += (
            f" Here {found.images:,} images are shuffled, so the curve bends up at {found.images:,}; with "
            f"your {found.total:,} it bends only there."
        )
    return words


def lost(found: NoiseFound) -> str:
    """Why there is no ratio."""
    noise: GradientNoise = found.noise
    signal = f"{noise.signal:.2g}".replace("-", "−")
    return (
        f"Over {found.images:,} images the mean gradient cannot be told from noise: its squared length is "
        f"{signal} ± {noise.signal_error:.1g}. The noise scale is then larger than can be measured."
    )


def rounded(count: float, digits: int = 2) -> str:
    """A number of images with as many digits as are worth reading."""
    return f"{float(f'{count:.{digits}g}'):,.0f}" if count >= 1 else f"{count:.{digits}g}"
