"""The training tab: a network that learns digits while its knobs are turned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.optimizers import OptimizerConfig
from optgui.core.schedulers import SchedulerConfig
from optgui.core.training import DATASETS, TrainingConfig, TrainingFrame, TrainingRecord
from optgui.core.training.engine import BESIDE
from optgui.core.training.models import ModelConfig
from optgui.core.training.requests import Rewound, Unfolded
from optgui.gui.data_bar import DataBar, first_dataset
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.networks import NetworkShelf
from optgui.gui.pages import Pages
from optgui.gui.plot.schedule_preview import SchedulePreview
from optgui.gui.training.asking import Asking
from optgui.gui.training.code_page import CodePage
from optgui.gui.training.curvature_page import CurvaturePage
from optgui.gui.training.curves_page import CurvesPage
from optgui.gui.training.finder_page import FinderPage
from optgui.gui.training.inside_page import InsidePage
from optgui.gui.training.model_preview import ModelPreview, OptimizerPreview
from optgui.gui.training.noise_page import NoisePage
from optgui.gui.training.race_page import RacePage
from optgui.gui.training.returns import Returns
from optgui.gui.training.run_control import RunControl
from optgui.gui.training.run_networks import RunNetworks
from optgui.gui.training.run_note import RunNote, plain
from optgui.gui.training.run_panel import RunPanel
from optgui.gui.training.run_readings import RunReadings
from optgui.gui.training.run_tree import RunTree
from optgui.gui.training.schedule_previews import run_length
from optgui.gui.training.step_page import StepPage
from optgui.gui.training.switch_bar import SwitchBar
from optgui.gui.training.switching import Switching
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState, Progress


class TrainingTab(TabFrame):
    """Pages of pictures above the tree of checkpoints; controls on the left, readings on the right.

    What is drawn where. How going back, another optimizer, questions and the shelf work is theirs:
    `Returns`, `Switching`, `Asking` and `RunNetworks`.
    """

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
        self.schedule = SchedulePreview(run_length)
        previews = {
            SchedulerConfig: lambda: self.schedule,
            ModelConfig: ModelPreview,
            OptimizerConfig: OptimizerPreview,
        }
        panel = RunPanel(TrainingConfig.parse({"dataset": dataset}), budget, previews=previews)
        super().__init__(panel, parent)
        self.shelf = shelf
        self.data = DataBar(budget, download=download)
        self.steps_done = 0
        self._dataset_shown = dataset
        self._make_controls(panel)
        self._make_pages(budget)
        self._make_readings()
        self.networks = RunNetworks(panel, shelf, self)
        self.returns = Returns(panel, self.networks, self.tree, self.control, self)
        self.switching = Switching(panel, self.networks, self.switch, self)
        asked = (self.inside, self.curvature, self.noise, self.finder)
        self.asking = Asking(panel, self.networks, asked, self.steps, self.code, self.numbers, self)
        self._connect(panel)
        self._on_state(JobState.IDLE)
        self.data.show_dataset(dataset)
        self._show_settings()
        if complaint:
            panel.messages.say(complaint)

    # The parts

    def _make_controls(self, panel: RunPanel) -> None:
        self.control, self.switch, self.note = RunControl(), SwitchBar(), RunNote(panel)
        layout, side = self.layout(), self.controls.layout()
        assert isinstance(layout, QVBoxLayout)
        assert side is not None
        for place, bar in enumerate((self.data, self.control.spike, self.switch), 1):
            layout.insertWidget(place, bar)
        side.addWidget(self.note)
        panel.run_bar.insert(self.control, instead_of_progress=False)

    def _make_pages(self, budget: PaintBudget) -> None:
        self.picture, self.tree = CurvesPage(), RunTree()
        self.curves = self.picture.curves
        self.loss = self.curves.loss
        self.inside, self.steps, self.curvature = InsidePage(), StepPage(), CurvaturePage()
        self.noise, self.finder, self.code = NoisePage(), FinderPage(), CodePage()
        self.race = RacePage(budget)
        self.pages = Pages("training")
        for page, title, help in (
            (self.picture, "Curves", "Loss, accuracy and everything else over the steps"),
            (self.inside, "Inside", "Weights, activations, and the digits it misreads"),
            (self.steps, "Step", "What one step of training is"),
            (self.curvature, "Curvature", "Sharpness against the limit of the rate"),
            (self.noise, "Noise", "How noisy the gradients of mini-batches are"),
            (self.finder, "Finder", "Which learning rate to begin with"),
            (self.race, "Race", "Several networks side by side"),
            (self.code, "Code", "This run as a plain PyTorch script"),
        ):
            self.pages.add(page, title, title.lower(), help)
        self.centre.addWidget(self.pages)
        self.centre.addWidget(self.tree)
        self.set_shares(6, 1)

    def _make_readings(self) -> None:
        self.numbers = RunReadings()
        self.figure = self.numbers.figure
        self.readings_layout.addWidget(self.numbers)
        self.readings_layout.addStretch(1)

    def _connect(self, panel: RunPanel) -> None:
        self.data.arrived.connect(self._on_arrived)
        self.data.chosen.connect(self.set_dataset)
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.applied.connect(self._on_applied)
        panel.form.edited.connect(self._on_edited)
        self.returns.rewound.connect(self._on_rewound)
        self.returns.said.connect(self.note.say)
        self.switching.chosen.connect(self.open_config)  # both as one edit
        self.asking.unfolded.connect(self._on_unfolded)
        self.steps.forgot.connect(lambda forgotten: self._edit({"zero_grad": not forgotten}))
        for page in (self.curvature, self.noise, self.finder):
            page.taken.connect(self._edit)
        self.curvature.preset.connect(self._on_preset)
        self.race.snapshot.connect(self.networks.take_raced)
        self.pages.turned.connect(self._on_turned)

    # What others want of it

    @property
    def acting(self) -> JobPanel:
        """The race while its page is on screen."""
        return self.race.panel if self.pages.page is self.race else self.panel

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """The run's, the download's and the race's."""
        return (self.panel.controller, self.data.controller, *self.race.controllers)

    def describe(self) -> None:
        """Say which data, device and thread count a run uses."""
        config = self.panel.run_config if self.panel.state.is_active else self._config
        assert isinstance(config, TrainingConfig)
        threads = "1 thread" if config.threads == 1 else f"{config.threads} threads"
        self.described.emit(f"{DATASETS[config.dataset].label}  ·  {config.device}  ·  {threads}")

    def train_once(self, then: Callable[[], object]) -> None:
        """Start a run and call `then` when it has finished."""
        self.networks.train_once(then)

    def set_dataset(self, name: str) -> None:
        """Choose another data set for the next start."""
        self._edit({"dataset": name})

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {"test_accuracy": self.figure.value.text(), **self.curves.summary()}

    # Settings

    @property
    def _config(self) -> TrainingConfig:
        config = self.panel.form.config
        assert isinstance(config, TrainingConfig)
        return config

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

    def _on_applied(self, step: int, text: str) -> None:
        """Mark what acts on the run; a measure beside it does not."""
        self.note.show_applied(step, text)
        acting = [part for part in text.split(", ") if part.split(" ")[0] not in BESIDE]
        if acting:
            self.curves.mark(step, plain(", ".join(acting)))

    def _on_preset(self, config: dict[str, Any]) -> None:
        """Begin the run that a page suggests, on the present data."""
        self.open_config(TrainingConfig.parse({"dataset": self._config.dataset, **config}))
        self.panel.start()

    # The run

    def _on_started(self, config: TrainingConfig) -> None:
        self.steps_done = self.asking.step = 0
        pages = (self.inside, self.steps, self.curvature, self.noise, self.finder, self.code)
        for part in (self.curves, self.numbers, *pages):
            part.clear()

    def _on_state(self, state: JobState) -> None:
        self.describe()
        if state is JobState.RUNNING:
            self.panel.messages.dismiss()  # what was said while it waited
        if not state.is_active:
            self.panel.form.set_notes({})
            self.schedule.set_present(None)

    def _on_rewound(self, rewound: Rewound) -> None:
        """The run stands at another place, with the settings of then."""
        self.switch.dismiss()
        self.panel.take_over(rewound.config)
        words = f"Back at step {rewound.step:,}", f"branch {rewound.branch}, with the settings of then"
        self.note.begin(rewound.config, *words)
        self.steps_done = self.asking.step = rewound.step
        self.numbers.show_rewound(rewound.step)
        self.curves.begin_branch(rewound.branch, self.returns.branch_of(rewound.node), rewound.step)
        self._show_settings()

    def _on_unfolded(self, unfolded: Unfolded) -> None:
        self._take_records(unfolded.records)
        self.curves.refresh()

    def _on_turned(self, page: QWidget) -> None:
        """A race has controls and readings of its own."""
        for part in (self.controls, self.readings, self.tree, self.panel.run_bar):
            part.setVisible(page is not self.race)
        self.numbers.set_confusion_visible(page is not self.inside)

    def _on_progressed(self, progress: Progress) -> None:
        frame = progress.frame
        if isinstance(frame, TrainingFrame):
            self.curves.take_frame(frame)
        self._take_records(progress.records)
        if isinstance(frame, TrainingFrame):
            self.networks.take_first_frame()
            self._show_frame(frame)
        self.returns.show_progress(progress)
        self.curves.refresh()

    def _take_records(self, records: tuple[TrainingRecord, ...]) -> None:
        self.curves.take_records(records)
        self.numbers.take_records(records)
        trained = next((record for record in reversed(records) if record.phase == "train"), None)
        if trained is not None:
            self.steps_done = self.asking.step = trained.step

    def _show_frame(self, frame: TrainingFrame) -> None:
        self.picture.show_frame(frame)
        self.numbers.show_frame(frame)
        self.panel.form.set_notes(frame.notes)
        self.schedule.set_present(frame.step)
        self.switching.show_frame(frame)
        for page in (self.inside, self.curvature, self.noise, self.finder):
            page.show_frame(frame)
        self.curvature.show_readings(frame.curvature)
        self.noise.show_readings(frame.noise)
