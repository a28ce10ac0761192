"""AttackPictures: the digit, what is added to it, and the sum, with what the network says of both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.attack.class_columns import ClassRows
from optgui.gui.form.widgets import Remark
from optgui.gui.plot.digits import PictureView, grey_image, signed_image


class AttackPictures(QWidget):
    """Three pictures and the probabilities of the classes side by side, and a sentence below them."""

    def __init__(self, subject: str = "attack", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.original = PictureView("Original", f"{subject}.original")
        self.perturbation = PictureView("Perturbation", f"{subject}.perturbation")
        self.adversarial = PictureView("Adversarial", f"{subject}.adversarial")
        self.original.set_hint("The digit as it is")
        self.perturbation.set_hint("What the attack adds: red brightens, blue darkens")
        self.adversarial.set_hint("The sum of both, until the network misreads it")
        words = "Probability of each class, before and now"
        self.classes = ClassRows(words, f"{subject}.classes", self.original)
        self.verdict = Remark()
        self.verdict.setObjectName(f"{subject}.verdict")
        theme.sized(self.verdict, theme.BODY)
        self.verdict.setMinimumHeight(self.verdict.fontMetrics().height())
        row = QHBoxLayout()
        row.setSpacing(8)
        for picture in (self.original, self.perturbation, self.adversarial):
            row.addWidget(picture, 5)
        row.addWidget(self.classes, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row, 1)
        layout.addWidget(self.verdict)

    def show_digit(self, image: NDArray[np.float32], label: int, names: tuple[str, ...]) -> None:
        """Show a digit (28, 28) that is not attacked yet."""
        self.clear()
        self.original.show_image(grey_image(image), image, f"true class: {names[label]}")

    def show_attack(
        self,
        image: NDArray[np.float32],
        change: NDArray[np.float32],
        norm: float,
        before: NDArray[np.float32],
        now: NDArray[np.float32],
        label: int,
        names: tuple[str, ...],
        target: int = -1,
    ) -> None:
        """Show a digit (28, 28), its change of a norm, and the probabilities (10,) before and now."""
        limit = float(np.abs(change).max())
        result = np.clip(image + change, 0, 1)
        self.original.show_image(grey_image(image), image, f"true class: {names[label]}")
        self.perturbation.show_image(signed_image(change, limit), change, size_words(norm, limit))
        self.adversarial.show_image(grey_image(result), result, f"read as: {names[int(now.argmax())]}")
        self.classes.show_probabilities(before, now, label, names, target)

    def clear(self) -> None:
        """Show nothing."""
        for part in (self.original, self.perturbation, self.adversarial, self.classes):
            part.clear()
        self.verdict.setText("")


def size_words(norm: float, limit: float) -> str:
    """How large a change is, and how much its picture magnifies it: its largest pixel is drawn as 1."""
    return f"‖δ‖ = {norm:.4g}, shown × {1 / limit:.2g}" if limit else f"‖δ‖ = {norm:.4g}"
