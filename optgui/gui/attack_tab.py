"""The attack tab: changes a test digit inside a ball until the network misreads it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from optgui.core.attack import PRESETS, AttackConfig, AttackFrame, AttackInputs, AttackRecord
from optgui.core.snapshot import NetworkSnapshot, frozen
from optgui.core.training import Digits
from optgui.gui.form.editors import ChoiceBox
from optgui.gui.form.param_form import group_title, small_button
from optgui.gui.job.job_panel import JobPanel, Proceed
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.digits import PAGE, ClassBars, DigitRow, PictureView, grey_image, signed_image
from optgui.gui.readings import Facts, Figure
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import Progress

NetworkSource = Callable[[Callable[[NetworkSnapshot, Digits], None]], bool]
STD = 0.3081  # of the pixels; the network's first layer divides by it


class AttackTab(TabFrame):
    """Original, perturbation and result side by side; loss and confidence by iteration below."""

    def __init__(
        self,
        budget: PaintBudget,
        network: NetworkSource,
        train: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(JobPanel("attack", PRESETS["PGD"], budget, restarts=True), parent)
        self._network, self._train = network, train
        self._digits: Digits | None = None
        self._snapshot: NetworkSnapshot | None = None
        self._build_presets()
        self._build_pictures()
        self._build_curves()
        self._build_readings()
        panel = self.panel
        panel.gather = self._gather
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.marked.connect(self._on_marked)
        panel.form.edited.connect(lambda *_: self._show_equivalents())
        self._show_equivalents()

    def _build_presets(self) -> None:
        self.presets = ChoiceBox()
        self.presets.setObjectName("attack.preset")
        self.presets.setAccessibleName("Preset")
        self.presets.setToolTip("Settings to start from")
        self.presets.setPlaceholderText("Own settings")
        for name in PRESETS:
            self.presets.offer(name, name)
        self.presets.activated.connect(lambda _: self.choose_preset(self.presets.currentData()))
        group = QVBoxLayout()
        group.setSpacing(6)
        group.addWidget(group_title("Preset"))
        group.addWidget(self.presets)
        self.controls_layout.insertLayout(0, group)

    def _build_pictures(self) -> None:
        top = QWidget()
        top.setObjectName("picture")
        layout = QVBoxLayout(top)
        layout.setContentsMargins(12, 8, 12, 4)
        layout.setSpacing(4)
        chooser = QHBoxLayout()
        chooser.addWidget(QLabel("Test digit"))
        self.index = QSpinBox()
        self.index.setObjectName("attack.index")
        self.index.setAccessibleName("Number of the test digit")
        self.index.setToolTip("Which test digit to attack, from 0")
        self.index.setRange(0, 9_999)
        self.index.setKeyboardTracking(False)
        self.index.valueChanged.connect(self._on_index)
        chooser.addWidget(self.index)
        self._back = small_button("◀", "attack.page_back", "Earlier test digits")
        self._forth = small_button("▶", "attack.page_forth", "Later test digits")
        self._back.clicked.connect(lambda: self._turn_page(-1))
        self._forth.clicked.connect(lambda: self._turn_page(1))
        chooser.addWidget(self._back)
        self.strip = DigitRow("Test digits to choose from", "attack.strip", selectable=True)
        self.strip.set_hint("Press Start: the test digits of the network's data appear here")
        self.strip.chosen.connect(lambda place: self.index.setValue(self._page + place))
        chooser.addWidget(self.strip, 1)
        chooser.addWidget(self._forth)
        layout.addLayout(chooser)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        self.original = PictureView("Original", "attack.original")
        self.perturbation = PictureView("Perturbation", "attack.perturbation")
        self.adversarial = PictureView("Adversarial", "attack.adversarial")
        self.original.set_hint("The digit as it is")
        self.perturbation.set_hint("What the attack adds: red brightens, blue darkens")
        self.adversarial.set_hint("The sum of both, until the network misreads it")
        self.before = ClassBars("Probabilities before the attack", "attack.bars_before")
        self.after = ClassBars("Probabilities now", "attack.bars_after")
        for column, picture in enumerate((self.original, self.perturbation, self.adversarial)):
            grid.addWidget(picture, 0, column)
            grid.setColumnStretch(column, 1)
        grid.addWidget(self.before, 1, 0)
        self.verdict = QLabel()
        self.verdict.setObjectName("attack.verdict")
        self.verdict.setWordWrap(True)
        grid.addWidget(self.verdict, 1, 1)
        grid.addWidget(self.after, 1, 2)
        grid.setRowStretch(0, 1)
        layout.addLayout(grid, 1)
        self.centre.addWidget(top)
        self._page = 0
        self.was_misread = False

    def _build_curves(self) -> None:
        self.loss = CurveView(
            "Loss", "cross-entropy", x_label="iteration", log=True, object_name="attack.loss"
        )
        self.loss.set_hint("Press Start: the loss climbs here, iteration by iteration")
        self.loss.add_line("loss", "loss", 3)
        self.confidence = CurveView(
            "Confidence", "true class", unit="%", x_label="iteration", object_name="attack.confidence"
        )
        self.confidence.set_hint("How sure the network stays of the true class")
        self.confidence.add_line("confidence", "true class", 0)
        curves = QSplitter(Qt.Orientation.Horizontal)
        curves.setHandleWidth(1)
        curves.setChildrenCollapsible(False)
        curves.addWidget(self.loss)
        curves.addWidget(self.confidence)
        self.centre.addWidget(curves)
        self.set_shares(5, 2)

    def _build_readings(self) -> None:
        self.fooled = Figure("Fooled at iteration", "attack.fooled_at")
        self.fooled.show_value("–", "no attack has run yet")
        self.facts = Facts(
            "This attack", "attack.facts", ("Iteration", "Loss", "Gradient norm", "Perturbation", "Network")
        )
        self.equivalents = Facts("Epsilon in other words", "attack.equivalents")
        for widget in (self.fooled, self.facts, self.equivalents):
            self.readings_layout.addWidget(widget)
        self.readings_layout.addStretch(1)

    @property
    def _config(self) -> AttackConfig:
        config = self.panel.form.config
        assert isinstance(config, AttackConfig)
        return config

    def choose_preset(self, name: str) -> None:
        """Put a preset into the form; an attack that has run is run again with it."""
        self.open_config(PRESETS[name])
        self._show_equivalents()

    def _show_equivalents(self) -> None:
        config = self._config
        self.presets.setCurrentIndex(next((i for i, p in enumerate(PRESETS.values()) if p == config), -1))
        self.equivalents.show_fact("in pixels (0 to 1)", f"{config.epsilon:.4g}")
        self.equivalents.show_fact("in normalized units", f"{config.epsilon / STD:.4g}")
        if config.norm == "Linf":
            self.equivalents.show_fact("in grey levels of 255", f"{255 * config.epsilon:.3g}")
        else:
            self.equivalents.show_fact("in grey levels of 255", f"{255 * config.epsilon / 28:.3g} a pixel")

    def _gather(self, proceed: Proceed) -> None:
        """Fetch the network as it stands; with none yet, offer to train one."""

        def use(snapshot: NetworkSnapshot, digits: Digits) -> None:
            self._snapshot = snapshot
            self._show_digits(digits)
            image, label = self._chosen(digits)
            proceed(AttackInputs(snapshot, image, label))

        if not self._network(use):
            self.panel.messages.say(
                "There is no network to fool yet. Train one first; it takes a few seconds.",
                action="Train a network now",
                do=self._train,
                note=True,
            )

    def _chosen(self, digits: Digits) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        index = self.index.value()
        image = digits.test_images[index].astype(np.float32)[None, None] / 255
        return frozen(image), frozen(digits.test_labels[index : index + 1].astype(np.int64))

    def _show_digits(self, digits: Digits) -> None:
        if digits is self._digits:
            return
        self._digits = digits
        self.index.setMaximum(len(digits.test_images) - 1)
        self._set_page(self._page)

    def _show_page(self) -> None:
        if self._digits is None:
            return
        self.strip.show_digits(self._digits.test_images[self._page : self._page + PAGE])
        labels = self._digits.test_labels[self._page : self._page + PAGE]
        names = [self._digits.class_names[label] for label in labels]
        tips = [f"test digit {self._page + i}: {name}" for i, name in enumerate(names)]
        self.strip.show_words([name[:6] for name in names], [None] * len(names), tips)
        self.strip.select(self.index.value() - self._page)

    def _turn_page(self, direction: int) -> None:
        self._set_page(self._page + direction * self.strip.capacity())

    def _set_page(self, first: int) -> None:
        """Show the page that begins with a digit, moved so that a whole page is seen."""
        last = max(0, self.index.maximum() + 1 - self.strip.capacity())
        self._page = min(max(0, first), last)
        self._back.setEnabled(self._page > 0)
        self._forth.setEnabled(self._page < last)
        self._show_page()

    def _on_index(self, index: int) -> None:
        if not self._page <= index < self._page + max(1, self.strip.visible_count()):
            self._set_page(index)
        self.strip.select(index - self._page)
        if self.panel.has_run:
            self.panel.start()

    def _on_started(self, config: AttackConfig) -> None:
        self.loss.clear()
        self.confidence.clear()
        for view in (self.loss, self.confidence):
            view.set_span(config.steps)

    def _on_marked(self, step: int, text: str) -> None:
        self.loss.mark(step, text)
        self.confidence.mark(step, text)

    def _on_progressed(self, progress: Progress) -> None:
        records = [record for record in progress.records if isinstance(record, AttackRecord)]
        if records:
            steps = [record.step for record in records]
            self.loss.extend("loss", steps, [record.loss for record in records])
            self.confidence.extend("confidence", steps, [100 * record.confidence for record in records])
            last = records[-1]
            self.facts.show_fact("Iteration", f"{last.step:,} of {last.until:,}")
            self.facts.show_fact("Loss", f"{last.loss:.4g}")
            self.facts.show_fact("Gradient norm", f"{last.gradient_norm:.3g}")
            for view in (self.loss, self.confidence):
                view.set_span(last.until)
        if isinstance(progress.frame, AttackFrame):
            self._show_frame(progress.frame)
        self.loss.refresh()
        self.confidence.refresh()

    def _show_frame(self, frame: AttackFrame) -> None:
        config = self._config
        names = self._digits.class_names if self._digits else tuple("0123456789")
        label, answer = int(frame.labels[0]), int(frame.predictions[0])
        original, result = frame.original[0, 0], frame.adversarial[0, 0]
        change = frame.perturbation[0, 0]
        limit = float(np.abs(change).max())
        self.original.show_image(grey_image(original), original, f"true class: {names[label]}")
        self.perturbation.show_image(
            signed_image(change, limit), change, f"‖δ‖ = {frame.norms[0]:.4g}, largest pixel {limit:.3g}"
        )
        self.adversarial.show_image(grey_image(result), result, f"read as: {names[answer]}")
        self.before.show_probabilities(frame.original_probabilities[0], label, names)
        self.after.show_probabilities(frame.probabilities[0], label, names)
        self.facts.show_fact("Perturbation", f"{frame.norms[0]:.4g} of {config.epsilon:.4g} px")
        self.facts.show_fact("Network", frame.network_id)
        self.was_misread = int(frame.original_probabilities[0].argmax()) != label
        fooled_at, sure = int(frame.fooled_at[0]), float(frame.probabilities[0, answer])
        if frame.success[0]:
            self.fooled.show_value(f"{fooled_at:,}", f"the network reads {names[answer]}, {sure:.1%} sure")
            words = f"<b>Fooled.</b> A {names[label]} is read as {names[answer]}, {sure:.1%} sure."
            if self.was_misread:
                words += " The network misreads this digit without any attack; choose another to fool it."
        else:
            self.fooled.show_value("–", "not fooled yet" if frame.step else "ready to start")
            words = f"The network reads {names[answer]}, {sure:.1%} sure."
            if frame.step and config.epsilon == 0:
                words += " With ε = 0 nothing may change."
            elif frame.step:
                words += " It is not fooled yet: give the attack a larger ε, a larger step or more steps."
        self.verdict.setText(words)

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {
            "fooled_at": self.fooled.value.text(),
            "verdict": self.fooled.caption.text(),
            "network": self._snapshot.id if self._snapshot else None,
            "loss": self.loss.summary(),
        }
