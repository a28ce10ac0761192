"""FinderPage: the learning rate is raised until the loss blows up, to see where to stay below."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.core.training import TrainingConfig, TrainingFrame
from optgui.core.training.measures.finder import RULE, RangeTest, RateFinding
from optgui.core.training.questions import FindRate, RateFound
from optgui.gui import theme
from optgui.gui.plot.curve_axis import short
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.gui.surface.maps.plot import MapPlot, Note

WAIT = "Press Start: there are no data to train on yet"
IDLE = (
    "Press Find: copies of the network train for 100 steps, three times, while the rate rises until the loss "
    "blows up. The run itself is not touched."
)
ABOVE = 3.0  # times the first loss: what lies higher is on its way to infinity
DIGITS = 3  # of a rate that is taken


class FinderPage(QWidget):
    """Loss against the learning rate in three sweeps, their smoothed mean, and a suggestion with its band."""

    wanted = Signal(object)  # a question for the run
    taken = Signal(object)  # changes of the config by path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.finder")
        self.found: RateFound | None = None
        self.has_network = False
        self._refusal = ""
        self.find = QPushButton("Find")
        self.find.setObjectName("training.finder.find")
        self.find.setProperty("primary", True)
        self.find.clicked.connect(self._on_find)
        self.start = Toggle(
            "From",
            "training.finder.start",
            [
                ("fresh", "The start", "A fresh network, as the run began with"),
                ("present", "Here", "The network and the optimizer as they stand now"),
            ],
        )
        self.take = QPushButton("Use this rate")
        self.take.setObjectName("training.finder.take")
        self.take.clicked.connect(self._on_take)
        self.plot = MapPlot("Loss against learning rate", "training.finder.plot", decades=True, grid=True)
        self.plot.x_label, self.plot.y_label = "lr", "Loss of the mini-batch before its step"
        self.plot.y_axis.decades = True
        self.view = self.plot.view
        self.view.setMouseEnabled(x=False, y=False)
        self.band = pg.LinearRegionItem(movable=False)
        self.line = pg.InfiniteLine(angle=90, movable=False)
        self.mean = pg.PlotCurveItem(connect="finite")
        self.ends = pg.ScatterPlotItem(symbol="x", size=10, pxMode=True)
        self.losses: list[pg.PlotCurveItem] = []
        for depth, item in ((0, self.band), (1, self.line), (4, self.mean), (5, self.ends)):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self.plot.pointed.connect(self._on_pointed)
        self.words = QLabel()
        self.words.setObjectName("training.finder.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.words.setContentsMargins(12, 4, 12, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(bar(self.find, self.start, None, self.take))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.words)
        self.clear()

    def clear(self) -> None:
        """Forget the network: another run begins."""
        self.found, self.has_network = None, False
        self._redraw()
        self._offer()

    def show_config(self, config: TrainingConfig) -> None:
        """Know which optimizer would be swept."""
        rprop = config.optimizer.name == "Rprop"
        self._refusal = (
            "Rprop reads its rate once, before its first step: there is nothing to sweep" if rprop else ""
        )
        self._offer()

    def show_frame(self, frame: TrainingFrame) -> None:
        """Take the run as it stands."""
        if not self.has_network:
            self.has_network = True
            self._offer()

    def show_answer(self, answer: RateFound) -> None:
        """Show what was found."""
        self.found = answer
        self._redraw()
        self._offer()

    def show_refusal(self, reason: str = "") -> None:
        """Say why nothing is swept, or, without a reason, what was found before."""
        self.words.setText(reason or self._rest())

    @property
    def rate(self) -> float | None:
        """The base learning rate that the suggestion asks for."""
        if self.found is None or self.found.factor <= 0:
            return None
        return float(f"{self.found.finding.suggestion / self.found.factor:.{DIGITS}g}")

    def _on_find(self) -> None:
        self.words.setText("Sweeping the learning rate three times …")
        self.wanted.emit(FindRate(fresh=self.start.value == "fresh"))

    def _on_take(self) -> None:
        if self.rate is not None:
            self.taken.emit({"optimizer.lr": self.rate})

    def _rest(self) -> str:
        return sentence(self.found, self.rate) if self.found else IDLE

    def _redraw(self) -> None:
        for item in self.losses:
            self.plot.removeItem(item)
        self.losses = []
        found = self.found
        for item in (self.band, self.line):
            item.setVisible(found is not None)
        self.plot.notes, self.plot.hint = (
            (),
            "" if found else "Press Find: the loss at every rate appears here",
        )
        self.plot.say("")
        self.words.setText(self._rest())
        if found is None:
            self.mean.setData([], [])
            self.ends.setData([])
            self.view.setRange(QRectF(-5, -2, 6, 3), padding=0, disableAutoRange=True)
            self.plot.viewport().update()
            return
        finding = found.finding
        self._show_range(finding)
        for place, test in enumerate(finding.tests):
            colour = QColor(theme.racer_colour(place, self))
            colour.setAlpha(130)
            item = pg.PlotCurveItem(
                pen=pg.mkPen(colour, width=1, style=theme.DASHES[place % 3]), connect="finite"
            )
            item.setZValue(2)
            item.setData(np.log10(test.lrs), heights(test.losses))
            self.plot.addItem(item, ignoreBounds=True)
            self.losses.append(item)
        lrs, mean = smoothed_mean(finding)
        self.mean.setPen(pg.mkPen(theme.colours(self).text, width=2))
        self.mean.setData(np.log10(lrs), heights(mean))
        self._mark(finding, lrs, mean)
        self.plot.viewport().update()

    def _show_range(self, finding: RateFinding) -> None:
        every = np.concatenate([test.losses for test in finding.tests])
        known = every[np.isfinite(every) & (every > 0)]
        first = float(np.mean([test.losses[0] for test in finding.tests]))
        first = first if math.isfinite(first) and first > 0 else 1.0
        high = min(float(known.max(initial=1.0)), ABOVE * first)
        means = np.concatenate([test.smoothed for test in finding.tests])
        means = means[np.isfinite(means) & (means > 0)]
        low = math.log10(0.5 * float(means.min(initial=first)))
        room = 0.08 * (math.log10(high) - low or 1.0)
        longest = max(finding.tests, key=lambda test: len(test.lrs))
        x0, x1 = np.log10(longest.lrs[[0, -1]])
        box = QRectF(x0, low - room, x1 - x0 + 0.3, math.log10(high) - low + 2 * room)
        self.view.setRange(box, padding=0, disableAutoRange=True)

    def _mark(self, finding: RateFinding, lrs: NDArray[np.float64], mean: NDArray[np.float64]) -> None:
        tokens = theme.colours(self)
        accent = QColor(tokens.accent)
        self.line.setPen(pg.mkPen(accent, width=1.5))
        self.line.setValue(math.log10(finding.suggestion))
        shade = QColor(accent)
        shade.setAlpha(45)
        self.band.setBrush(pg.mkBrush(shade))
        for edge in self.band.lines:
            edge.setPen(pg.mkPen(None))
        low, high = (math.log10(end) for end in finding.band)
        self.band.setRegion((low - 0.01, high + 0.01))
        (_, right), (bottom, top) = self.view.viewRange()
        notes = [Note(f"suggestion {finding.suggestion:.3g}", math.log10(finding.suggestion),
                      bottom + 0.06 * (top - bottom), "accent")]  # fmt: skip
        crosses = []
        for place, test in enumerate(finding.tests):
            if test.blow_up is not None:
                height = heights(test.smoothed[-1:])[0]
                height = min(height if math.isfinite(height) else top, top - 0.04 * (top - bottom))
                colour = theme.racer_colour(place, self)
                crosses.append({"pos": (math.log10(test.blow_up), height), "pen": pg.mkPen(colour, width=2)})
        self.ends.setData(crosses)
        if crosses:
            x, y = min(cross["pos"] for cross in crosses)
            notes.append(Note("blow-up", x - 0.09 * (right + 5), y, "muted"))
        at = len(lrs) // 4
        notes.append(Note("smoothed mean", math.log10(lrs[at]), heights(mean)[at] - 0.05 * (top - bottom)))
        self.plot.notes = notes

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        if at is None or self.found is None:
            self.plot.say("")
            return
        tests = self.found.finding.tests
        longest = max(tests, key=lambda test: len(test.lrs))
        place = int(np.abs(np.log10(longest.lrs) - at[0]).argmin())
        rows = [f"lr {longest.lrs[place]:.3g}"]
        rows += [f"sweep {number}: {value(test, place)}" for number, test in enumerate(tests, 1)]
        self.plot.say("\n".join(rows))

    def _offer(self) -> None:
        can = self.has_network and not self._refusal
        self.find.setEnabled(can)
        self.find.setToolTip(IDLE if can else self._refusal or WAIT)
        self.find.setAccessibleName("Find a learning rate")
        self.take.setEnabled(self.rate is not None)
        if self.rate is None:
            self.take.setToolTip("Find a rate first")
        else:
            self.take.setToolTip(f"Set the learning rate to {self.rate:g}; a run takes it at its next step")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "words"):
            self._redraw()


def heights(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Powers of ten, NaN where there is none."""
    known = np.where(np.isfinite(losses) & (losses > 0), losses, np.nan)
    return np.asarray(np.log10(known))


def smoothed_mean(finding: RateFinding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates that all sweeps reached, and the mean of their smoothed losses."""
    count = min(len(test.lrs) for test in finding.tests)
    return finding.tests[0].lrs[:count], np.mean([test.smoothed[:count] for test in finding.tests], axis=0)


def value(test: RangeTest, place: int) -> str:
    """What a sweep had at a rate, in words."""
    return short(float(test.losses[place])) if place < len(test.losses) else "blown up"


def sentence(found: RateFound, rate: float | None) -> str:
    """The suggestion, where it comes from, and what it means for the form."""
    finding = found.finding
    low, high = finding.band
    where = "a fresh network" if found.fresh else f"the network at step {found.step:,}"
    words = f"From {where}: {finding.suggestion:.3g}, over the sweeps {low:.3g} to {high:.3g}. {RULE}"
    if found.factor != 1 and rate is not None:
        words += (
            f" The schedule multiplies by {found.factor:.3g} now, so the learning rate to set is {rate:g}."
        )
    return f"{words} {finding.note}".strip()
