"""The training tab: a network that learns digits while its knobs are turned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.optimizers import OptimizerConfig
from optgui.core.schedulers import SchedulerConfig
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import DATASETS, Digits, TrainingConfig, TrainingFrame, TrainingRecord
from optgui.core.training.engine import BESIDE
from optgui.core.training.measures.limits import stability_limit
from optgui.core.training.models import ModelConfig
from optgui.core.training.requests import Load, Mark, PauseAfter, Rewind, Rewound, Save, Unfolded
from optgui.gui.data_bar import DataBar, first_dataset
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.networks import NetworkShelf
from optgui.gui.plot.schedule_preview import SchedulePreview
from optgui.gui.training.code_page import CodePage
from optgui.gui.training.curvature_page import CurvaturePage
from optgui.gui.training.curves_page import CurvesPage
from optgui.gui.training.finder_page import FinderPage
from optgui.gui.training.inside_page import InsidePage
from optgui.gui.training.model_preview import ModelPreview, OptimizerPreview
from optgui.gui.training.noise_page import NoisePage
from optgui.gui.training.pages import Pages
from optgui.gui.training.race_page import RacePage
from optgui.gui.training.run_control import RunControl
from optgui.gui.training.run_readings import RunReadings
from optgui.gui.training.run_tree import RunTree
from optgui.gui.training.step_page import StepPage
from optgui.gui.training.switch_bar import SwitchBar
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState, Progress

SUPPOSED = 60_000  # training images, until the data tell


class TrainingTab(TabFrame):
    """Pages of pictures above the tree of checkpoints; controls on the left, readings on the right."""

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
        self.schedule = SchedulePreview(_run_length)
        previews = {
            SchedulerConfig: lambda: self.schedule,
            ModelConfig: ModelPreview,
            OptimizerConfig: OptimizerPreview,
        }
        config = TrainingConfig.parse({"dataset": dataset})
        super().__init__(JobPanel("training", config, budget, previews=previews), parent)
        self.shelf = shelf
        self.data = DataBar(budget, download=download)
        self.control, self.switch = RunControl(), SwitchBar()
        self._after: Callable[[], object] | None = None
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        for place, bar in enumerate((self.data, self.control.spike, self.switch), 1):
            layout.insertWidget(place, bar)
        self.panel.run_bar.insert(self.control, instead_of_progress=False)
        self.picture, self.tree = CurvesPage(), RunTree()
        self.curves = self.picture.curves
        self.loss = self.curves.loss
        self.steps, self.code = StepPage(), CodePage()
        self.pages = Pages()
        self.pages.add(self.picture, "Curves", "curves", "Loss, accuracy and everything else over the steps")
        self.inside, self.curvature = InsidePage(), CurvaturePage()
        self.noise, self.finder = NoisePage(), FinderPage()
        self.race = RacePage(budget)
        self.pages.add(self.inside, "Inside", "inside", "Weights, activations, and the digits it misreads")
        self.pages.add(self.steps, "Step", "step", "What one step of training is")
        self.pages.add(self.curvature, "Curvature", "curvature", "Sharpness against the limit of the rate")
        self.pages.add(self.noise, "Noise", "noise", "How noisy the gradients of mini-batches are")
        self.pages.add(self.finder, "Finder", "finder", "Which learning rate to begin with")
        self.pages.add(self.race, "Race", "race", "Several networks side by side")
        self.pages.add(self.code, "Code", "code", "This run as a plain PyTorch script")
        self.centre.addWidget(self.pages)
        self.centre.addWidget(self.tree)
        self.set_shares(6, 1)
        self.numbers = RunReadings()
        self.figure = self.numbers.figure
        self.readings_layout.addWidget(self.numbers)
        self.readings_layout.addStretch(1)
        self.steps_done = 0
        self._has_network = False  # whether the present run has prepared its data
        self._data: Digits | None = None  # of the newest network
        self._dataset_shown = dataset
        self._pause_after: PauseAfter | None = None  # asked for before there was a run
        self._frame: TrainingFrame | None = None
        self._connect()
        self._on_state(JobState.IDLE)
        self.data.show_dataset(dataset)
        self._show_settings()
        if complaint:
            self.panel.messages.say(complaint)

    def _connect(self) -> None:
        panel = self.panel
        self.numbers.wanted.connect(self._on_evaluate)
        self.data.arrived.connect(self._on_arrived)
        self.data.chosen.connect(self.set_dataset)
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.marked.connect(self._on_marked)
        panel.form.edited.connect(self._on_edited)
        panel.form.gate = self._may_choose
        self.control.wanted.connect(self._on_control)
        self.control.spike.wanted.connect(self._on_tree)
        self.control.go.connect(self._on_go)
        self.tree.wanted.connect(self._on_tree)
        self.switch.wanted.connect(self._on_rate_wanted)
        self.switch.confirmed.connect(self._on_switch)
        self.steps.wanted.connect(lambda request: panel.ask(request, self._on_unfolded))
        self.steps.forgot.connect(lambda forgotten: self._edit({"zero_grad": not forgotten}))
        self.code.wanted.connect(
            lambda request: panel.ask(request, lambda log: self.code.show_log(log, self.steps_done))
        )
        self.code.said.connect(panel.messages.say)
        for page in (self.inside, self.curvature, self.noise, self.finder):
            page.wanted.connect(
                lambda request, page=page: panel.ask(request, page.show_answer, self._on_refused(page))
            )
        for page in (self.curvature, self.noise, self.finder):
            page.taken.connect(self._edit)
        self.curvature.preset.connect(self._on_preset)
        self.race.snapshot.connect(self._on_raced)
        self.pages.turned.connect(self._on_turned)

    @property
    def acting(self) -> JobPanel:
        """The race while its page is on screen."""
        return self.race.panel if self.pages.page is self.race else self.panel

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """The run's, the download's and the race's."""
        return (self.panel.controller, self.data.controller, *self.race.controllers)

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
        self._edit({"dataset": name})

    def _edit(self, changes: dict[str, Any]) -> None:
        """Make edits as a person does in the form."""
        form = self.panel.form
        for path, value in changes.items():
            form.change(path, value, final=True)
        form.set_config(form.config)

    def _on_arrived(self, name: str) -> None:
        """Use a downloaded data set at once if nothing was trained yet; otherwise the bar offers it."""
        if self.panel.state is JobState.IDLE or self._config.dataset == name:
            self.set_dataset(name)

    def _on_edited(self, config: TrainingConfig, path: str) -> None:
        self.describe()
        self._show_settings()
        if config.dataset != self._dataset_shown:
            self._dataset_shown = config.dataset
            self.race.set_dataset(config.dataset)
            self.data.show_dataset(config.dataset)

    def _show_settings(self) -> None:
        config = self._config
        self.steps.show_settings(config.optimizer, zero_grad=config.zero_grad)
        self.curves.set_batch_size(config.batch_size)
        self.curvature.show_live(config.sharpness)
        self.noise.show_live(config.noise_reading)
        for page in (self.noise, self.finder):
            page.show_config(config)

    def _on_started(self, config: TrainingConfig) -> None:
        self.steps_done, self._has_network, self._after, self._frame = 0, False, None, None
        pages = (self.inside, self.steps, self.curvature, self.noise, self.finder, self.code)
        for part in (self.curves, self.tree, self.numbers, *pages):
            part.clear()
        self.control.spike.hide()
        self.switch.dismiss()

    def _on_state(self, state: JobState) -> None:
        self.describe()
        self._offer_questions()
        if state is JobState.RUNNING:
            self.panel.messages.dismiss()  # why it had paused
        if not state.is_active:
            self.panel.form.set_notes({})
            self.schedule.set_present(None)
            self.switch.dismiss()
        if state in (JobState.PAUSED, JobState.FINISHED, JobState.STOPPED) and self._has_network:
            self.panel.ask("snapshot", self.shelf.add)
        if state is JobState.FAILED and self._frame is not None and self._frame.offer is not None:
            sentence = self.panel.messages.sentence
            self.panel.messages.dismiss()
            self.control.offer(sentence, self._frame.offer, can_go_on=False)
        if state in (JobState.FINISHED, JobState.STOPPED, JobState.FAILED):
            after, self._after = self._after, None
            if after is not None and state is JobState.FINISHED:
                after()

    def _offer_questions(self) -> None:
        """A network can be tested and looked into from the moment there is one."""
        ready = self._has_network and self.panel.has_run
        reason = "" if ready else "Start a run first: there is no network yet"
        for page in (self.numbers, self.steps, self.code):
            page.allow(reason)

    def _on_marked(self, step: int, text: str) -> None:
        """Mark what acts on the run; a measure beside it does not."""
        acting = [part for part in text.split(", ") if part.split(" ")[0] not in BESIDE]
        if acting:
            self.curves.mark(step, ", ".join(acting))

    def _on_evaluate(self) -> None:
        def show(result: Any) -> None:
            self.numbers.show_test(result.accuracy, result.loss, "on demand")

        self.panel.ask("evaluate", show)

    # Run control

    def _on_refused(self, page: Any) -> Callable[[str], None]:
        """What becomes of a refusal: the page is at rest again, and the sentence is said."""

        def refused(sentence: str) -> None:
            if hasattr(page, "show_refusal"):
                page.show_refusal(sentence)
            if self.panel.state.is_active:
                self.panel.messages.say(sentence)

        return refused

    def _on_control(self, request: PauseAfter | Rewind) -> None:
        if isinstance(request, Rewind):
            self._on_tree(request)
        elif self._has_network and self.panel.state in (JobState.RUNNING, JobState.PAUSED):
            self.panel.ask(request, lambda _: None)
        else:
            self._pause_after = request  # with the first picture of the run that begins now

    def _on_go(self) -> None:
        if self.panel.state is not JobState.RUNNING:
            self.panel.toggle()

    def _on_tree(self, request: Mark | Rewind | Save | Load) -> None:
        if isinstance(request, (Rewind, Load)):
            self.panel.ask(request, self._on_rewound)
        else:
            self.panel.ask(request, lambda _: None)

    def _on_rewound(self, rewound: Rewound) -> None:
        """The run stands at another place, with the settings of then."""
        self.control.spike.hide()
        self.switch.dismiss()
        self.panel.messages.dismiss()
        self.panel.take_over(rewound.config)
        self.steps_done = rewound.step
        self.numbers.show_rewound()
        self.curves.begin_branch(rewound.branch, _branch_of(self._frame, rewound.node), rewound.step)
        self._show_settings()

    def _on_preset(self, config: dict[str, Any]) -> None:
        """Begin the run that a page suggests, on the present data."""
        self.open_config(TrainingConfig.parse({"dataset": self._config.dataset, **config}))
        self.panel.start()

    def _on_raced(self, snapshot: NetworkSnapshot, digits: Digits) -> None:
        """Put a network of the race on the shelf, where the attack finds it."""
        self._data = self._data or digits
        self.shelf.add(snapshot)

    def _on_turned(self, page: QWidget) -> None:
        """A race has controls and readings of its own."""
        for part in (self.controls, self.readings, self.tree, self.panel.run_bar):
            part.setVisible(page is not self.race)

    def _on_unfolded(self, unfolded: Unfolded) -> None:
        self.steps.show_step(unfolded)
        self._take_records(unfolded.records)
        self.curves.refresh()

    # Another optimizer

    def _may_choose(self, path: str, old: str, new: str) -> bool:
        """Hold another optimizer back until its rate and its state are settled."""
        if path != "optimizer" or not self.panel.state.is_active or not self._has_network:
            return True
        wanted = OptimizerConfig.parse(self.panel.form.remembered("optimizer", new))
        self.switch.offer(self._config.optimizer, wanted, self._config.switch, self._known_curvature(wanted))
        return False

    def _known_curvature(self, wanted: OptimizerConfig) -> float | None:
        """λ_max of the plain Hessian where it was just read and limits the optimizer's rate."""
        readings = self._frame.curvature if self._frame is not None else ()
        if not readings or readings[-1].limit.preconditioned:
            return None
        limit = stability_limit(wanted, wanted.lr)
        return None if limit.preconditioned else float(readings[-1].sharpness.value)

    def _on_rate_wanted(self, request: Any) -> None:
        self.panel.ask(
            request,
            lambda proposal: self.switch.show_proposal(request, proposal),
            lambda sentence: self.switch.show_refusal(request, sentence),
        )

    def _on_switch(self, lr: float, switch: str) -> None:
        optimizer = self.switch.optimizer
        if optimizer is not None:
            values = {**optimizer.model_dump(mode="json"), "lr": lr}
            try:
                config = self._config.changed("switch", switch).changed("optimizer", values)
            except ValueError as error:
                self.panel.messages.say(str(error))
            else:
                self.open_config(config)  # both as one edit
        self.switch.dismiss()

    # Progress

    def _on_progressed(self, progress: Progress) -> None:
        frame = progress.frame
        if isinstance(frame, TrainingFrame):
            self.curves.take_frame(frame)
        self._take_records(progress.records)
        if isinstance(frame, TrainingFrame):
            self._frame = frame
            if not self._has_network:
                self._begin_questions()
            self._show_frame(frame)
        if progress.pause:
            if isinstance(frame, TrainingFrame) and frame.offer is not None:
                self.control.offer(progress.pause, frame.offer)
            else:
                self.panel.messages.say(progress.pause, note=True)
        self.curves.refresh()

    def _begin_questions(self) -> None:
        """There is a network now."""
        self._has_network = True
        self.panel.ask("digits", self._keep_data)
        if self._pause_after is not None:
            self.panel.ask(self._pause_after, lambda _: None)
            self._pause_after = None
        self._offer_questions()

    def _keep_data(self, digits: Digits) -> None:
        self._data = digits

    def _take_records(self, records: tuple[TrainingRecord, ...]) -> None:
        self.curves.take_records(records)
        self.numbers.take_records(records)
        trained = next((record for record in reversed(records) if record.phase == "train"), None)
        if trained is not None:
            self.steps_done = trained.step

    def _show_frame(self, frame: TrainingFrame) -> None:
        self.picture.show_frame(frame)
        self.numbers.show_frame(frame)
        self.tree.set_span(frame.total_steps)
        self.tree.show_tree(frame.nodes, frame.branch, frame.step, frame.here)
        self.panel.form.set_notes(frame.notes)
        self.schedule.set_present(frame.step)
        for page in (self.inside, self.curvature, self.noise, self.finder):
            page.show_frame(frame)
        self.curvature.show_readings(frame.curvature)
        self.noise.show_readings(frame.noise)

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {"test_accuracy": self.figure.value.text(), **self.curves.summary()}


def _run_length(config: Any) -> tuple[int, int]:
    """Steps of an epoch, and epochs."""
    return math.ceil((config.samples or SUPPOSED) / config.batch_size), config.epochs


def _branch_of(frame: TrainingFrame | None, node: int) -> int:
    """The branch on which a checkpoint lies."""
    nodes = frame.nodes if frame is not None else ()
    return next((found.branch for found in nodes if found.id == node), 0)
