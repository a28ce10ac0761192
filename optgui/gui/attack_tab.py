"""The attack tab: changes a digit inside a ball until the network misreads it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.attack import (
    METHODS,
    PRESETS,
    AttackConfig,
    AttackFrame,
    AttackInputs,
    AttackRecord,
    Film,
    ShowFilm,
)
from optgui.core.attack.plane import PlaneInputs
from optgui.core.snapshot import NetworkSnapshot, frozen
from optgui.core.training import DATASETS, Digits
from optgui.gui.attack.attack_curves import AttackCurves
from optgui.gui.attack.attack_readings import AttackReadings
from optgui.gui.attack.bounds_page import BoundsPage
from optgui.gui.attack.compare_page import ComparePage
from optgui.gui.attack.film_page import FilmPage
from optgui.gui.attack.honesty_page import HonestyPage
from optgui.gui.attack.network_choice import LIVE, NetworkChoice
from optgui.gui.attack.plane_page import PlanePage
from optgui.gui.attack.reader import Reader
from optgui.gui.attack.robust_page import RobustPage
from optgui.gui.attack.victim_chooser import VictimChooser
from optgui.gui.attack.words import verdict
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.widgets import group_title
from optgui.gui.job.job_panel import JobPanel, Proceed
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.pages import Pages
from optgui.gui.training.run_networks import RunNetworks
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState, Progress

TEST_DIGIT = "test digit"


class AttackTab(TabFrame):
    """A victim above, pages of pictures below it, curves below those; controls left, readings right."""

    def __init__(
        self,
        budget: PaintBudget,
        networks: RunNetworks,
        train: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(JobPanel("attack", PRESETS["PGD"], budget, restarts=True), parent)
        self._networks, self._train = networks, train
        self._digits: Digits | None = None
        self._snapshot: NetworkSnapshot | None = None  # under attack
        self._own: tuple[NDArray[np.float32], int, str] | None = None  # a drawing or an opened picture
        self._cold: AttackConfig | None = None  # as the present attack began, before any live edit
        self._frame: AttackFrame | None = None  # newest of the present attack
        self._filming = False  # whether the film was asked for
        self.was_misread = False
        self.reader = Reader(budget, self)
        self._build_controls()
        self.film, self.bounds = FilmPage(), BoundsPage(budget)
        self.plane, self.compare = PlanePage(budget), ComparePage(budget, networks.shelf)
        self.robust, self.honesty = RobustPage(budget, networks.shelf), HonestyPage(budget, networks.shelf)
        self._build_centre()
        self.numbers = AttackReadings()
        self.readings_layout.addWidget(self.numbers)
        self.readings_layout.addStretch(1)
        panel = self.panel
        panel.gather = self._gather
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.form.edited.connect(lambda *_: self._show_config())
        panel.form.settled.connect(lambda *_: self._on_settled())
        networks.shelf.current_changed.connect(self._on_newer)
        self._show_config()

    def _build_controls(self) -> None:
        self.network = NetworkChoice(self._networks.shelf, "attack.network")
        self.network.chosen.connect(lambda _: self._on_network())
        self.network.refused.connect(lambda sentence: self.panel.messages.say(sentence))
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
        self.controls_layout.insertWidget(0, self.network)
        self.controls_layout.insertLayout(1, group)

    def _build_centre(self) -> None:
        top = QWidget()
        top.setObjectName("picture")
        self.victim = VictimChooser(top)
        self.victim.set_hint("Press Start: the test digits of the network's data appear here")
        self.victim.test_digit_chosen.connect(self._on_test_digit)
        self.victim.picture_given.connect(self._on_picture)
        self.victim.previewed.connect(lambda image: self.reader.guess(image, self.victim.set_guess))
        self.victim.refused.connect(lambda sentence: self.panel.messages.say(sentence))
        self.reader.judged.connect(self.victim.show_judgement)
        self.pages = Pages("attack")
        for page, title, name, help in (
            (self.film, "Film", "film", "Every iteration of the attack"),
            (self.plane, "Plane", "plane", "The loss on a plane through the digit, with ball, box and path"),
            (self.bounds, "Smallest ε", "bounds", "How small an ε fools this digit, class by class"),
            (self.compare, "Two networks", "compare", "Two networks under the same attack, side by side"),
            (self.robust, "Test set", "robust", "How many test digits survive each ε"),
            (self.honesty, "Honesty", "honesty", "Whether the attack's number can be trusted"),
        ):
            self.pages.add(page, title, name, help)
        layout = QVBoxLayout(top)
        layout.setContentsMargins(12, 8, 12, 0)
        layout.setSpacing(4)
        layout.addWidget(self.victim)
        layout.addWidget(self.pages, 1)
        self.curves = AttackCurves()
        self.loss = self.curves.loss
        self.centre.addWidget(top)
        self.centre.addWidget(self.curves)
        self.set_shares(5, 2)
        self.film.moved.connect(self.curves.set_head)
        self.curves.clicked.connect(self.film.playback.go)
        self.pages.turned.connect(lambda page: self.curves.setVisible(page is self.film))
        for page in (self.bounds, self.compare, self.robust, self.honesty):
            page.said.connect(lambda sentence: self.panel.messages.say(sentence))
        self.bounds.epsilon_wanted.connect(lambda epsilon: self._take({"epsilon": epsilon}))
        self.bounds.target_wanted.connect(lambda target: self._take({"goal": "targeted", "target": target}))
        self.panel.controller.edited.connect(self.compare.edit)

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """Everything that must end before the program does."""
        beside = (self.reader, self.plane, self.bounds, self.compare, self.robust, self.honesty)
        return (self.panel.controller, *(part.controller for part in beside))

    @property
    def _config(self) -> AttackConfig:
        config = self.panel.form.config
        assert isinstance(config, AttackConfig)
        return config

    @property
    def _names(self) -> tuple[str, ...]:
        return self._digits.class_names if self._digits else tuple("0123456789")

    def choose_preset(self, name: str) -> None:
        """Put a preset into the form; an attack that has run is run again with it."""
        self.open_config(PRESETS[name])
        self._show_config()

    def _take(self, values: dict[str, object]) -> None:
        """Put some values into the form, as if a person had."""
        config = self._config
        for path, value in values.items():
            config = config.changed(path, value)
        self.open_config(config)

    def choose_digit(self, index: int) -> None:
        """Attack a test digit, if there was an attack before."""
        self.victim.select(index)
        self._on_test_digit(index)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_digits(self._networks.digits)

    def _show_config(self) -> None:
        config = self._config
        self.presets.setCurrentIndex(next((i for i, p in enumerate(PRESETS.values()) if p == config), -1))
        self.numbers.show_config(config)
        self.robust.set_epsilon(config.norm.name, config.epsilon)
        self._show_honesty()

    def _show_honesty(self) -> None:
        if self._snapshot is not None and self._digits is not None:
            digits = self._digits
            self.honesty.show_attack(self._config, self._snapshot, digits.test_images, digits.test_labels)

    # What is attacked

    def _gather(self, proceed: Proceed) -> None:
        """Fetch the chosen network as it stands; with none yet, offer to train one."""

        def use(snapshot: NetworkSnapshot, digits: Digits | None) -> None:
            self._show_digits(digits)
            if self._own is None and digits is not None and snapshot.dataset != digits.name:
                trained, here = DATASETS[snapshot.dataset].label, DATASETS[digits.name].label
                self.panel.messages.say(
                    f"network: expected one trained on {here}, whose test digits these are, got "
                    f"{snapshot.id}, trained on {trained}. Draw a picture for it, or train on {trained}."
                )
                return
            self._snapshot = snapshot
            proceed(AttackInputs(snapshot, *self._chosen()))

        if (chosen := self.network.selected) != LIVE:
            if self._networks.digits is None and self._own is None:
                self.panel.messages.say(
                    "The test digits come with the first training run. Train once, or draw a digit.",
                    action="Train a network now",
                    do=self._train,
                    note=True,
                )
                return
            use(self._networks.shelf.get(chosen), self._networks.digits)
        elif not self._networks.use(use):
            self.panel.messages.say(
                "There is no network to fool yet. Train one first; it takes a second or two.",
                action="Train a network now",
                do=self._train,
                note=True,
            )

    def _chosen(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The victim (1, 1, 28, 28) and its class (1,)."""
        digits = self._digits
        if self._own is not None:
            image, label, _ = self._own
            return frozen(image[None, None].copy()), frozen(np.array([label], np.int64))
        assert digits is not None  # asked for only once there is something to choose from
        index = max(0, self.victim.index)
        image = digits.test_images[index].astype(np.float32)[None, None] / 255
        return frozen(image), frozen(digits.test_labels[index : index + 1].astype(np.int64))

    def _show_digits(self, digits: Digits | None) -> None:
        if digits is None or digits is self._digits:
            return
        self._digits = digits
        self.robust.show_data(digits.test_images, digits.test_labels, digits.name)
        self.victim.show_digits(digits.test_images, digits.test_labels, digits.class_names)
        if self._own is None:
            self.victim.select(min(max(0, self.victim.index), len(digits.test_images) - 1))

    def _on_test_digit(self, index: int) -> None:
        self._own = None
        if self.panel.has_run:
            self.panel.start()

    def _on_picture(self, image: NDArray[np.float32], label: int, source: str) -> None:
        self._own = (image, label, source)
        self.panel.start()

    def _on_network(self) -> None:
        if self.panel.has_run:
            self.panel.start()

    def _on_newer(self, identity: str) -> None:
        if self._snapshot is not None and self.network.selected == LIVE and identity != self._snapshot.id:
            self.numbers.show_newer(identity)

    # What happens to it

    def _on_started(self, config: AttackConfig) -> None:
        assert self._snapshot is not None
        self._cold = config
        self._filming, self._frame = False, None
        self.plane.show_nothing("The plane is laid through the digit when the attack has ended")
        if self._digits is not None:
            self.reader.read(self._snapshot, self._digits.test_images)
        self.curves.begin(config.loss, config.steps)
        image, label = self._chosen()
        self.film.begin(image[0, 0], int(label[0]), self._names, config.steps)
        self.numbers.begin(config, self._snapshot)
        inputs = AttackInputs(self._snapshot, image, label)
        self._show_honesty()
        self.bounds.begin(inputs, config.norm, self._names)
        self.compare.begin(config, inputs, self._names)

    def _on_settled(self) -> None:
        """The hand rests: a cold, seeded attack replaces the preview."""
        if (
            self.panel.has_run
            and self._cold not in (None, self._config)
            and self.panel.run_config == self._config
        ):
            self.panel.start()

    def _on_progressed(self, progress: Progress) -> None:
        records = [record for record in progress.records if isinstance(record, AttackRecord)]
        config = self.panel.run_config
        if records and isinstance(config, AttackConfig):
            minimal = METHODS[config.method.name].minimal
            self.curves.extend(records, None if minimal else config.epsilon)
            self.numbers.show_record(config, records[-1], preview=config != self._cold)
            self.compare.extend(None, records)
        if isinstance(progress.frame, AttackFrame):
            self._show_frame(progress.frame)
        self._ask_film(progress.status.total)
        self.curves.refresh()

    def _ask_film(self, until: int) -> None:
        if self._filming or not self.panel.has_run:
            return
        self._filming = True

        def take(film: Film) -> None:
            self._filming = False
            self.film.extend(film, until)
            self.compare.extend(film, [])
            if self.panel.state in (JobState.FINISHED, JobState.STOPPED):
                self.film.end()
                self._show_plane()

        def give_up(_: str) -> None:
            self._filming = False

        self.panel.ask(ShowFilm(self.film.reel.last + 1), take, give_up)

    def _show_plane(self) -> None:
        """The attack has ended and its film is whole: lay the plane through it."""
        config, frame = self.panel.run_config, self._frame
        if frame is None or self._snapshot is None or not isinstance(config, AttackConfig):
            return
        path, change = self.film.reel.film.perturbations, frame.perturbation[0, 0]
        inputs = PlaneInputs(self._snapshot, frame.original[0], int(frame.labels[0]), change, path, config)
        self.plane.show_attack(inputs)

    def _on_state(self, state: JobState) -> None:
        if state in (JobState.PAUSED, JobState.FINISHED, JobState.STOPPED):
            self._filming = False
            self._ask_film(self.film.playback.total)

    def _show_frame(self, frame: AttackFrame) -> None:
        config = self.panel.run_config
        assert isinstance(config, AttackConfig)
        self._frame = frame
        self.was_misread = int(frame.original_probabilities[0].argmax()) != int(frame.labels[0])
        self.film.pictures.verdict.setText(verdict(config, frame, self._names))
        self.numbers.show_frame(config, frame, self._names)
        self.compare.judge(config, frame)

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {
            "fooled_at": self.numbers.fooled.value.text(),
            "verdict": self.numbers.fooled.caption.text(),
            "network": self._snapshot.id if self._snapshot else None,
            "loss": self.loss.summary(),
        }
