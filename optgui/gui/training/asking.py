"""The questions of the pages: who asks the run what, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from optgui.core.training.requests import Unfolded
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.training.code_page import CodePage
from optgui.gui.training.run_networks import RunNetworks
from optgui.gui.training.run_readings import RunReadings
from optgui.gui.training.step_page import StepPage

WAIT = "Start a run first: there is no network yet"


class Asking(QObject):
    """Carries the questions of pages and readings to the run, and its answers back.

    Args:
        panel: of the run.
        networks: who knows whether there is one to ask about.
        pages: those with `wanted` and `show_answer`.
        steps: the page that makes one step.
        code: the page that shows the run's log as a script.
        numbers: the readings, which ask for a test.
    """

    unfolded = Signal(object)  # Unfolded: one step was made

    def __init__(
        self,
        panel: JobPanel,
        networks: RunNetworks,
        pages: Sequence[Any],
        steps: StepPage,
        code: CodePage,
        numbers: RunReadings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._panel, self._networks = panel, networks
        self._steps, self._code, self._numbers = steps, code, numbers
        self.step = 0  # the run is at
        for page in pages:
            refused = self._on_refused(page)
            page.wanted.connect(lambda request, p=page, no=refused: panel.ask(request, p.show_answer, no))
        steps.wanted.connect(lambda request: panel.ask(request, self._on_unfolded))
        code.wanted.connect(lambda request: panel.ask(request, self._on_log))
        code.said.connect(panel.messages.say)
        numbers.wanted.connect(lambda: panel.ask("evaluate", self._on_tested))
        networks.came.connect(self.offer)
        panel.state_changed.connect(self.offer)
        self.offer()

    def offer(self, *_: object) -> None:
        """A network can be tested and looked into from the moment there is one."""
        reason = "" if self._networks.can_be_asked else WAIT
        for page in (self._numbers, self._steps, self._code):
            page.allow(reason)

    def _on_refused(self, page: Any) -> Callable[[str], None]:
        """The page is at rest again; the sentence is said, unless the run has ended before the answer."""

        def refused(sentence: str) -> None:
            page.show_refusal(sentence)
            if sentence:
                self._panel.messages.say(sentence)

        return refused

    def _on_unfolded(self, unfolded: Unfolded) -> None:
        self._steps.show_step(unfolded)
        self.unfolded.emit(unfolded)

    def _on_log(self, log: Any) -> None:
        self._code.show_log(log, self.step)

    def _on_tested(self, result: Any) -> None:
        self._numbers.show_test(result.accuracy, result.loss, "on demand")
