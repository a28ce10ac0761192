"""Going back in a run: checkpoints, files and branches; and the pauses that were asked for."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import TrainingFrame
from optgui.core.training.requests import Load, Mark, NetworkAt, PauseAfter, Rewind, Save
from optgui.gui.training.run_control import RunControl
from optgui.gui.training.run_networks import RunNetworks
from optgui.gui.training.run_panel import RunPanel
from optgui.gui.training.run_tree import RunTree
from optgui.jobs.messages import JobState, Progress

_GO_ON = "Resume goes on from here"


class Returns(QObject):
    """Carries what the tree, the run control and the spike offer want to the run."""

    rewound = Signal(object)  # Rewound: the run stands at another place, with the settings of then
    said = Signal(str, str)  # why the run waits, and what is next; or where a network is

    def __init__(
        self,
        panel: RunPanel,
        networks: RunNetworks,
        tree: RunTree,
        control: RunControl,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._panel, self._networks, self._tree, self._control = panel, networks, tree, control
        self._pause_after: PauseAfter | None = None  # asked for before there was a run
        self.frame: TrainingFrame | None = None
        control.wanted.connect(self._on_control)
        control.go.connect(self._on_go)
        tree.wanted.connect(self._on_tree)
        networks.came.connect(self._on_network)
        panel.started.connect(self._on_started)
        panel.state_changed.connect(self._on_state)

    def show_progress(self, progress: Progress) -> None:
        """Show the tree of a new frame, and why the run waits if it does."""
        frame = progress.frame
        if isinstance(frame, TrainingFrame):
            self.frame = frame
            self._tree.set_span(frame.total_steps)
            self._tree.show_tree(frame.nodes, frame.branch, frame.step, frame.here)
        if not progress.pause:
            return
        if isinstance(frame, TrainingFrame) and frame.offer is not None:
            self._control.offer(progress.pause, frame.offer)
        else:
            self.said.emit(progress.pause, _GO_ON)

    def branch_of(self, node: int) -> int:
        """The branch on which a checkpoint lies."""
        nodes = self.frame.nodes if self.frame is not None else ()
        return next((found.branch for found in nodes if found.id == node), 0)

    def _on_started(self) -> None:
        self.frame = None
        self._tree.clear()
        self._control.spike.hide()

    def _on_network(self) -> None:
        if self._pause_after is not None:
            self._panel.ask(self._pause_after, lambda _: None)
            self._pause_after = None

    def _on_state(self, state: JobState) -> None:
        if state is JobState.RUNNING:
            self._control.spike.hide()  # whoever resumes goes on as well
        if state is JobState.FAILED and self.frame is not None and self.frame.offer is not None:
            sentence = self._panel.messages.sentence
            self._panel.messages.dismiss()
            self._control.offer(sentence, self.frame.offer, can_go_on=False)

    def _on_control(self, request: PauseAfter | Rewind) -> None:
        if isinstance(request, Rewind):
            self._on_tree(request)
        elif self._networks.ready and self._panel.state in (JobState.RUNNING, JobState.PAUSED):
            self._panel.ask(request, lambda _: None)
        else:
            self._pause_after = request  # with the first picture of the run that begins now

    def _on_go(self) -> None:
        if self._panel.state is not JobState.RUNNING:
            self._panel.toggle()

    def _on_tree(self, request: Mark | Rewind | NetworkAt | Save | Load) -> None:
        if isinstance(request, (Rewind, Load)):
            self._panel.ask(request, self._on_rewound)
        elif isinstance(request, NetworkAt):
            self._panel.ask(request, self._on_network_at)
        else:
            self._panel.ask(request, lambda _: None)

    def _on_rewound(self, rewound: object) -> None:
        self._control.spike.hide()
        self._panel.messages.dismiss()
        self.rewound.emit(rewound)

    def _on_network_at(self, snapshot: NetworkSnapshot) -> None:
        self._networks.keep(snapshot)
        self.said.emit(f"The network of step {snapshot.step:,}", f"in the attack tab it is {snapshot.id}")
