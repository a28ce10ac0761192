"""Side: what one network makes of an attack, beside another that suffers the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from optgui.core.attack import AttackConfig, AttackFrame
from optgui.core.snapshot import NetworkSnapshot
from optgui.gui.attack.class_columns import ClassColumns
from optgui.gui.attack.film.pictures import size_words
from optgui.gui.attack.film.reel import Reel
from optgui.gui.attack.network_choice import words_of
from optgui.gui.attack.words import verdict
from optgui.gui.form.widgets import Remark, group_title
from optgui.gui.plot.digits import PictureView, grey_image, signed_image


class Bout(NamedTuple):
    """One attack on one digit: what both sides are shown of."""

    image: NDArray[np.float32]  # (28, 28)
    label: int
    names: tuple[str, ...]
    steps: int


class Side(QWidget):
    """The change, the picture and the probabilities of one network.

    Args:
        key: In the object names.
        reel: The film, if somebody else has it already.
        parent: Owner.
    """

    def __init__(self, key: str, reel: Reel | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reel = Reel() if reel is None else reel
        self._bout: Bout | None = None
        self._before: NDArray[np.float32] | None = None  # probabilities (10,) of the digit itself
        self._result: NDArray[np.float32] | None = None  # (28, 28), the best change so far
        self._target = -1
        self._shown = -1
        self.title = group_title("")
        self.title.setObjectName(f"attack.{key}.network")
        self.perturbation = PictureView("Perturbation", f"attack.{key}.perturbation")
        self.adversarial = PictureView("Adversarial", f"attack.{key}.adversarial")
        self.classes = ClassColumns("Probability of each class, before and now", f"attack.{key}.classes")
        self.verdict = Remark()
        self.verdict.setObjectName(f"attack.{key}.verdict")
        self.verdict.setMinimumHeight(2 * self.verdict.fontMetrics().height())
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        pictures.addWidget(self.perturbation, 1)
        pictures.addWidget(self.adversarial, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addLayout(pictures, 1)
        layout.addWidget(self.classes)
        layout.addWidget(self.verdict)

    def begin(self, bout: Bout, snapshot: NetworkSnapshot) -> None:
        """A new attack on a network."""
        self.clear(words_of(snapshot))
        self._bout = bout

    def clear(self, title: str, hint: str = "") -> None:
        """Show nothing but a title and a hint."""
        self._bout = self._before = self._result = None
        self._target = self._shown = -1
        self.reel.clear()
        self.title.setText(title)
        self.adversarial.set_hint(hint)
        for part in (self.perturbation, self.adversarial, self.classes):
            part.clear()
        self.verdict.setText("")

    def judge(self, config: AttackConfig, frame: AttackFrame) -> None:
        """What became of the attack so far."""
        if self._bout is not None:
            self._before = frame.original_probabilities[0]
            self._result = frame.perturbation[0, 0]
            self._target = -1 if frame.targets is None else int(frame.targets[0])
            self.verdict.setText(verdict(config, frame, self._bout.names))

    def show_iteration(self, iteration: int) -> None:
        """Show the picture of an iteration, or the newest before it; at the end what the attack found."""
        if self._bout is None or not len(self.reel):
            return
        if iteration >= self.reel.last and self._result is not None:
            found = self.reel.find(self._result)
            iteration = found if found >= 0 else iteration
        film, place, bout = self.reel.film, self.reel.place(iteration), self._bout
        if self._shown == film.iterations[place]:
            return
        self._shown = int(film.iterations[place])
        change, now = film.perturbations[place], film.probabilities[place]
        result = np.clip(bout.image + change, 0, 1)
        limit = float(np.abs(change).max())
        words = size_words(float(film.norms[place]), limit)
        self.perturbation.show_image(signed_image(change, limit), change, words)
        self.adversarial.show_image(grey_image(result), result, f"read as: {bout.names[int(now.argmax())]}")
        before = film.probabilities[0] if self._before is None else self._before
        self.classes.show_probabilities(before, now, bout.label, bout.names, self._target)
