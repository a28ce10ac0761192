"""Reader: what the network under attack reads in the test digits, found beside the attack."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from optgui.core.attack.reading import ReadImage, ReadingConfig, ReadingFrame, ReadingInputs
from optgui.core.snapshot import NetworkSnapshot
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Answer, JobState, Progress


class Reader(QObject):
    """Has one network read all test digits once, and single images when asked."""

    judged = Signal(object, object)  # predictions (n,), confidences (n,); both None while they are found

    def __init__(self, budget: PaintBudget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.controller = JobController(budget, self)
        self.controller.progressed.connect(self._on_progress)
        self.controller.answered.connect(self._on_answered)
        self._read = ""  # id of the network
        self._images: NDArray[np.uint8] | None = None  # that it has read
        self._guesses: dict[int, Callable[[int], None]] = {}

    def read(self, snapshot: NetworkSnapshot, images: NDArray[np.uint8]) -> None:
        """Read the test digits (n, 28, 28), unless this network has."""
        if len(images) and (snapshot.id != self._read or images is not self._images):
            self._read, self._images, self._guesses = snapshot.id, images, {}
            self.judged.emit(None, None)
            self.controller.start("reading", ReadingConfig(), ReadingInputs(snapshot, images))

    def guess(self, image: NDArray[np.float32], then: Callable[[int], None]) -> None:
        """Tell `then` the class the network reads in an image (28, 28); nothing without a network."""
        if self.controller.state not in (JobState.IDLE, JobState.FAILED):
            self._guesses[self.controller.ask(ReadImage(image))] = then

    def _on_progress(self, progress: Progress) -> None:
        frame = progress.frame
        if isinstance(frame, ReadingFrame) and frame.read >= len(frame.predictions):
            self.judged.emit(frame.predictions, frame.confidences)

    def _on_answered(self, answer: Answer) -> None:
        then = self._guesses.pop(answer.request_id, None)
        if then is not None and not answer.refusal:
            then(int(np.argmax(answer.reply)))
