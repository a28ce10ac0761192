"""The training tab: a network that learns digits while its knobs are turned."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import DATASETS, Digits, TrainingConfig, TrainingFrame, TrainingRecord
from optgui.gui.data_bar import DataBar, first_dataset
from optgui.gui.form.param_form import group_title
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.networks import NetworkShelf
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.digits import ConfusionView, DigitRow
from optgui.gui.readings import Facts, Figure
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState, Progress


class TrainingTab(TabFrame):
    """Loss and accuracy above, learning rate and test digits below."""

    described = Signal(str)  # data, device and threads in a few words

    def __init__(
        self,
        budget: PaintBudget,
        shelf: NetworkShelf,
        *,
        download: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        dataset, complaint = first_dataset()
        super().__init__(JobPanel("training", TrainingConfig.parse({"dataset": dataset}), budget), parent)
        self.shelf = shelf
        self.data = DataBar(budget, download=download)
        self.data.arrived.connect(self._on_arrived)
        self.data.chosen.connect(self.set_dataset)
        self._after: Callable[[], object] | None = None
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(1, self.data)
        self.loss = CurveView("Loss", "cross-entropy", log=True, object_name="training.loss")
        self.loss.set_hint("Press Start: the network learns, and its loss appears here")
        self.loss.add_line("batch", "mini-batch", 0, smoothed=True)
        self.loss.add_line("test", "test", 3, marker=True)
        self.accuracy = CurveView("Accuracy", "accuracy", unit="%", object_name="training.accuracy")
        self.accuracy.set_hint("Its share of right answers appears here")
        self.accuracy.add_line("batch", "mini-batch", 0, smoothed=True)
        self.accuracy.add_line("test", "test", 3, marker=True)
        self.rate = CurveView("Learning rate", "lr", log=True, object_name="training.lr")
        self.rate.set_hint("The learning rate as it acts appears here")
        self.rate.add_line("lr", "effective lr", 2)
        self.digits = DigitRow("Test digits and what the network says", "training.digits")
        self.digits.set_hint("The first test digits appear here with the network's answers")
        for view in (self.loss, self.accuracy, self.rate, self.digits):
            self.centre.addWidget(view)
        self.set_shares(5, 4, 3, 1)
        self.figure = Figure("Test accuracy", "training.test_accuracy", "Share of test images read correctly")
        self.figure.show_value("–", "measured at the end of each epoch")
        self.facts = Facts(
            "This run", "training.facts", ("Step", "Epoch", "Loss", "Learning rate", "Test loss")
        )
        self.confusion = ConfusionView("training.confusion")
        self.evaluate = QPushButton("Test now")
        self.evaluate.setObjectName("training.evaluate")
        self.evaluate.setToolTip("Measure the test accuracy of the network as it stands")
        self.evaluate.clicked.connect(self._on_evaluate)
        for widget in (
            self.figure,
            self.evaluate,
            self.facts,
            group_title("Confusion: true class down, answer across"),
            self.confusion,
        ):
            self.readings_layout.addWidget(widget)
        self.readings_layout.addStretch(1)
        self.steps_done = 0
        self._has_network = False  # whether the present run has prepared its data
        self._data: Digits | None = None  # of the newest network
        self._digits_shown = ""
        self._dataset_shown = dataset
        self._views = (self.loss, self.accuracy, self.rate)
        panel = self.panel
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.marked.connect(self._on_marked)
        panel.form.edited.connect(self._on_edited)
        self._on_state(JobState.IDLE)
        self.data.show_dataset(dataset)
        if complaint:
            panel.messages.say(complaint)

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """The run's and the download's."""
        return (self.panel.controller, self.data.controller)

    @property
    def _config(self) -> TrainingConfig:
        config = self.panel.form.config
        assert isinstance(config, TrainingConfig)
        return config

    def describe(self) -> None:
        """Say which data, device and thread count a run uses."""
        config = self.panel.run_config if self.panel.state.is_active else self._config
        assert isinstance(config, TrainingConfig)
        threads = "1 thread" if config.threads == 1 else f"{config.threads} threads"
        self.described.emit(f"{DATASETS[config.dataset].label}  ·  {config.device}  ·  {threads}")

    def train_once(self, then: Callable[[], object]) -> None:
        """Start a run and call `then` when it has finished."""
        self.panel.start()
        self._after = then

    def with_network(self, use: Callable[[NetworkSnapshot, Digits], None]) -> bool:
        """Hand the network as it stands, and its data, to `use`; False if nothing was trained yet.

        While a fresh run still prepares its data, or after one that failed, the newest network of the
        shelf stands in.
        """
        if self._has_network and self.panel.has_run:
            self.panel.ask("snapshot", lambda snapshot: self._pass_on(snapshot, use))
            return True
        kept = self.shelf.current
        if kept is None or self._data is None or self._data.name != kept.dataset:
            return False
        use(kept, self._data)
        return True

    def _pass_on(self, snapshot: NetworkSnapshot, use: Callable[[NetworkSnapshot, Digits], None]) -> None:
        self.shelf.add(snapshot)
        assert self._data is not None  # asked for with the run's first frame, so answered before
        use(snapshot, self._data)

    def set_dataset(self, name: str) -> None:
        """Choose another data set for the next start."""
        form = self.panel.form
        form.change("dataset", name, final=True)
        form.set_config(form.config)

    def _on_arrived(self, name: str) -> None:
        """Use a downloaded data set at once if nothing was trained yet; otherwise the bar offers it."""
        if self.panel.state is JobState.IDLE or self._config.dataset == name:
            self.set_dataset(name)

    def _on_edited(self, config: TrainingConfig, path: str) -> None:
        self.describe()
        if config.dataset != self._dataset_shown:
            self._dataset_shown = config.dataset
            self.data.show_dataset(config.dataset)

    def _on_started(self, config: TrainingConfig) -> None:
        self.steps_done, self._has_network, self._after = 0, False, None
        for view in self._views:
            view.clear()
        self.figure.show_value("–", "measured at the end of each epoch")
        self.confusion.show_table(None)

    def _on_state(self, state: JobState) -> None:
        self.describe()
        self._offer_test()
        if state in (JobState.PAUSED, JobState.FINISHED, JobState.STOPPED) and self._has_network:
            self.panel.ask("snapshot", self.shelf.add)
        if state in (JobState.FINISHED, JobState.STOPPED, JobState.FAILED):
            after, self._after = self._after, None
            if after is not None and state is JobState.FINISHED:
                after()

    def _offer_test(self) -> None:
        """A network can be tested from the moment there is one."""
        self.evaluate.setEnabled(self._has_network and self.panel.has_run)
        self.evaluate.setToolTip(
            "Measure the test accuracy of the network as it stands"
            if self.evaluate.isEnabled()
            else "Start a run first: there is no network to test yet"
        )

    def _keep_data(self, digits: Digits) -> None:
        self._data = digits

    def _on_marked(self, step: int, text: str) -> None:
        for view in self._views:
            view.mark(step, text)

    def _on_evaluate(self) -> None:
        self.panel.ask("evaluate", lambda result: self._show_test(result.accuracy, result.loss, "on demand"))

    def _show_test(self, accuracy: float, loss: float, when: str) -> None:
        self.figure.show_value(f"{100 * accuracy:.2f} %", when)
        self.facts.show_fact("Test loss", f"{loss:.4g}")

    def _on_progressed(self, progress: Progress) -> None:
        steps: list[int] = []
        losses: list[float] = []
        hits: list[float] = []
        rates: list[float] = []
        for record in progress.records:
            assert isinstance(record, TrainingRecord)
            if record.phase == "train":
                steps.append(record.step)
                losses.append(record.loss)
                hits.append(100 * record.accuracy)
                rates.append(record.lr)
            elif not math.isnan(record.test_accuracy):
                self.loss.extend("test", [record.step], [record.test_loss])
                self.accuracy.extend("test", [record.step], [100 * record.test_accuracy])
                self._show_test(record.test_accuracy, record.test_loss, f"after epoch {record.epoch}")
        if steps:
            self.loss.extend("batch", steps, losses)
            self.accuracy.extend("batch", steps, hits)
            self.rate.extend("lr", steps, rates)
            self.steps_done = steps[-1]
            self.facts.show_fact("Step", f"{steps[-1]:,}")
            self.facts.show_fact("Loss", f"{losses[-1]:.4g}")
            self.facts.show_fact("Learning rate", f"{rates[-1]:.4g}")
        if isinstance(progress.frame, TrainingFrame):
            if not self._has_network:
                self._has_network = True
                self.panel.ask("digits", self._keep_data)
                self._offer_test()
            self._show_frame(progress.frame)
        for view in self._views:
            view.refresh()

    def _show_frame(self, frame: TrainingFrame) -> None:
        for view in self._views:
            view.set_span(frame.total_steps)
        self.facts.show_fact("Epoch", str(frame.epoch))
        self.confusion.show_table(frame.confusion, frame.class_names)
        if self._digits_shown != frame.run:
            self._digits_shown = frame.run
            self.digits.show_digits(frame.digits)
        answers = frame.probabilities.argmax(1)
        names = frame.class_names
        sure = frame.probabilities.max(1)
        self.digits.show_words(
            [names[a] if len(names[a]) < 3 else names[a][:6] for a in answers],
            [bool(a == truth) for a, truth in zip(answers, frame.labels, strict=True)],
            [
                f"{names[truth]} read as {names[a]} with {share:.1%}"
                for a, truth, share in zip(answers, frame.labels, sure, strict=True)
            ],
        )

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {
            "test_accuracy": self.figure.value.text(),
            "loss": self.loss.summary(),
            "accuracy": self.accuracy.summary(),
            "lr": self.rate.summary(),
        }
