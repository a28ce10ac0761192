"""The curves of a run and its branches: loss and accuracy, and a choice of others below."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from optgui.core.training.records import TrainingFrame, TrainingRecord
from optgui.gui import theme
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.training.branches import LEFT, Branches, BranchLines, BranchView, branch_label

_SECOND = 1.0  # at least, behind each throughput
_REST = 2.0  # seconds without a record: the run was paused


class TrainingCurves(QWidget):
    """Loss, accuracy, and one of rate, gradient norm, layers and throughput, all over the steps.

    A branch has the colour of its lane in the tree: a mini-batch's number is a line, a test's a dashed line
    with markers. What a rewind left stays, pale; of layers and throughput only the way to here is kept.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.curves")
        self.loss = BranchView("Loss", "cross-entropy", log=True, object_name="training.loss")
        self.loss.set_hint("Press Start: the network learns, and its loss appears here")
        self.accuracy = BranchView("Accuracy", "accuracy", unit="%", object_name="training.accuracy")
        self.accuracy.set_hint("Its share of right answers appears here")
        self.rate = BranchView("Learning rate", "lr", log=True, object_name="training.lr")
        self.rate.set_hint("The learning rate as it acts appears here")
        self.gradient = BranchView("Gradient norm", "‖g‖", log=True, object_name="training.gradient")
        self.gradient.set_hint("The length of every eighth mini-batch's gradient appears here")
        self.ratios = CurveView("Update to weight", "‖ΔW‖ / ‖W‖", log=True, object_name="training.ratios")
        self.ratios.set_hint("How far a step moves each layer's weights appears here, about 1e-3 is usual")
        self.dead = CurveView("Dead units", "of the layer", unit="%", object_name="training.dead")
        self.dead.set_hint("The share of units that say the same for 100 test images appears here")
        self.throughput = CurveView(
            "Throughput", "training images a second", object_name="training.throughput"
        )
        self.throughput.set_hint("How many training images a second pass appears here")
        self.throughput.add_line("speed", "images/s", 0)
        self._views = (
            self.loss,
            self.accuracy,
            self.rate,
            self.gradient,
            self.ratios,
            self.dead,
            self.throughput,
        )
        self._branches = Branches()
        self._lines = {
            "loss": BranchLines(self.loss, "batch", smoothed=True),
            "accuracy": BranchLines(self.accuracy, "batch", smoothed=True),
            "test_loss": BranchLines(self.loss, "test", marker=True),
            "test_accuracy": BranchLines(self.accuracy, "test", marker=True),
            "lr": BranchLines(self.rate, "lr"),
            "grad_norm": BranchLines(self.gradient, "gradient"),
        }
        self._clock = clock
        self._batch_size = 0
        self._marks: list[tuple[int, int, str]] = []  # branch, step, words
        self._count, self._since, self._heard = 0, math.nan, math.nan
        self._layers: tuple[str, ...] = ()
        self.tabs = QTabBar()
        self.tabs.setObjectName("training.curves.tabs")
        self.tabs.setAccessibleName("Which curve is shown below")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.pages = QStackedWidget()
        layers = _beside(self.ratios, self.dead)
        for page, title, help in (
            (self.rate, "Rate", "The learning rate as it acts: base rate × schedule factor"),
            (self.gradient, "Gradient norm", "The length of a mini-batch's gradient, over all weights"),
            (layers, "Layers", "Each layer: how far its weights move in a step, and how many units are dead"),
            (self.throughput, "Throughput", "How many training images pass in a second"),
        ):
            self.pages.addWidget(page)
            self.tabs.addTab(title)
            self.tabs.setTabToolTip(self.tabs.count() - 1, help)
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self.pages, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        for widget, share in ((self.loss, 5), (self.accuracy, 4), (below, 4)):
            self.splitter.addWidget(widget)
            self.splitter.setStretchFactor(self.splitter.count() - 1, share)
        self.splitter.setSizes([500, 400, 400])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)
        self.clear()

    @property
    def views(self) -> tuple[CurveView, ...]:
        """All curves."""
        return self._views

    def clear(self) -> None:
        """Forget everything: another run begins."""
        self._branches.clear()
        for lines in self._lines.values():
            lines.clear()
        self._take_layers(())
        self._count, self._since, self._heard = 0, math.nan, math.nan
        self._marks = []
        for view in self._views:
            view.clear()

    def set_batch_size(self, size: int) -> None:
        """Say how many images a mini-batch has, for the throughput."""
        self._batch_size = size

    def set_span(self, steps: float) -> None:
        """Say how many steps the whole run has."""
        for view in self._views:
            view.set_span(steps)

    def mark(self, step: int, text: str) -> None:
        """Mark a place where the user changed something on the present branch, in every curve."""
        self._marks.append((self._branches.newest, step, text))
        self._show_marks()

    def refresh(self) -> None:
        """Paint what has changed and is seen."""
        for view in self._views:
            view.refresh()

    def summary(self) -> dict[str, object]:
        """The last numbers of loss, accuracy and learning rate, branch by branch."""
        views = {"loss": self.loss, "accuracy": self.accuracy, "lr": self.rate}
        return {
            name: {key: last for key, last in view.summary().items() if not key.endswith(LEFT)}
            for name, view in views.items()
        }

    # Numbers

    def take_records(self, records: Sequence[TrainingRecord]) -> None:
        """Append records, in order; painted at the next `refresh`."""
        start = 0
        for end in range(1, len(records) + 1):
            if end == len(records) or records[end].branch != records[start].branch:
                self._take(records[start:end])
                start = end
        trained = sum(record.phase == "train" for record in records)
        if trained:
            self._measure(trained, records[-1].step)

    def take_frame(self, frame: TrainingFrame) -> None:
        """Take the readings of the layers, and where the present branch began."""
        nodes = {node.id: node for node in frame.nodes}
        origin = nodes.get(frame.here)
        while origin is not None and origin.branch == frame.branch:
            origin = nodes.get(origin.parent)
        if frame.branch and origin is not None:
            self.begin_branch(frame.branch, origin.branch, origin.step)
        if frame.layers:
            self._take_layers(tuple(layer.name for layer in frame.layers))
            for layer in frame.layers:
                if math.isfinite(layer.update_ratio):
                    _append(self.ratios, layer.name, frame.step, layer.update_ratio)
                if math.isfinite(layer.dead):
                    _append(self.dead, layer.name, frame.step, 100 * layer.dead)

    def begin_branch(self, branch: int, parent: int, step: int) -> None:
        """Say that a branch goes on from `step` of its parent; again is no error."""
        if self._branches.begin(branch, parent, step):
            for lines in self._lines.values():
                lines.arrange(self._branches)
            self._show_marks()
            for view in (self.ratios, self.dead, self.throughput):
                for key in view.lines:
                    _cut(view, key, step)

    def _show_marks(self) -> None:
        """What acts on the way to here, and pale what a rewind left: an edit acts behind its step."""
        ends = self._branches.kept()
        kept = [(step, text) for branch, step, text in self._marks if step < ends[branch]]
        left = [(step, text) for branch, step, text in self._marks if step >= ends[branch]]
        for view in self._views:
            view.set_marks(kept, left)

    def _take(self, records: Sequence[TrainingRecord]) -> None:
        """Records of one branch."""
        trained = [record for record in records if record.phase == "train"]
        tested = [record for record in records if not math.isnan(record.test_accuracy)]
        if not (trained or tested):
            return
        first = (trained or tested)[0]
        branch = first.branch
        if branch not in self._branches:
            self.begin_branch(branch, self._branches.newest, first.step - bool(trained))
        label = branch_label(branch)
        if trained:
            columns = zip(*trained, strict=True)
            named = dict(zip(TrainingRecord._fields, columns, strict=True))
            steps = np.array(named["step"], dtype=np.float64)
            for key, scale in (("loss", 1), ("accuracy", 100), ("lr", 1), ("grad_norm", 1)):
                values = scale * np.array(named[key], dtype=np.float64)
                there = ~np.isnan(values) if key == "grad_norm" else slice(None)
                self._lines[key].extend(branch, label, steps[there], values[there])
        for key, scale in (("test_loss", 1), ("test_accuracy", 100)):
            xs = np.array([record.step for record in tested], dtype=np.float64)
            ys = np.array([scale * getattr(record, key) for record in tested], dtype=np.float64)
            if len(xs):
                self._lines[key].extend(branch, f"test {branch}" if branch else "test", xs, ys)

    def _measure(self, steps: int, step: int) -> None:
        """Images a second over the last second or more, pauses left out."""
        now = self._clock()
        if not now - self._heard <= _REST:
            self._count, self._since = 0, now
        else:
            self._count += steps
        self._heard = now
        if self._batch_size and self._count and now - self._since >= _SECOND:
            speed = self._count * self._batch_size / (now - self._since)
            _append(self.throughput, "speed", step, speed)
            self._count, self._since = 0, now

    def _take_layers(self, names: tuple[str, ...]) -> None:
        if names == self._layers:
            return
        for view in (self.ratios, self.dead):
            for key in self._layers:
                view.remove_line(key)
        for place, name in enumerate(names):
            self.ratios.add_line(name, name, place, dash=theme.racer_dash(place))
            if place + 1 < len(names):  # behind the last layer there are answers, no units
                self.dead.add_line(name, name, place, dash=theme.racer_dash(place))
        self._layers = names


def _append(view: CurveView, key: str, step: float, value: float) -> None:
    """One number behind all before it; of a step already passed it is left out."""
    line = view.lines.get(key)
    if line is not None and (line.series.last is None or step > line.series.last[0]):
        view.extend(key, [step], [value])


def _cut(view: CurveView, key: str, step: float) -> None:
    """Forget the numbers behind a step."""
    series = view.lines[key].series
    end = int(np.searchsorted(series.x, step, side="right"))
    if end < len(series):
        kept: tuple[NDArray[np.float64], ...] = (series.x[:end].copy(), series.y[:end].copy())
        view.set_line(key, *kept)


def _beside(*views: QWidget) -> QSplitter:
    row = QSplitter(Qt.Orientation.Horizontal)
    row.setHandleWidth(1)
    row.setChildrenCollapsible(False)
    for view in views:
        row.addWidget(view)
    row.setSizes([100] * len(views))
    return row
