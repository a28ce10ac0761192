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
)
from optgui.core.attack.plane import PlaneInputs
from optgui.gui.attack.attack_readings import AttackReadings
from optgui.gui.attack.bounds.page import BoundsPage
from optgui.gui.attack.compare.page import ComparePage
from optgui.gui.attack.film.curves import AttackCurves
from optgui.gui.attack.film.fetching import ENDED, Fetching
from optgui.gui.attack.film.page import FilmPage
from optgui.gui.attack.honesty.page import HonestyPage
from optgui.gui.attack.network_choice import LIVE, NetworkChoice
from optgui.gui.attack.opponents import Opponents, Picture
from optgui.gui.attack.plane.page import PlanePage
from optgui.gui.attack.reader import Reader
from optgui.gui.attack.robust.page import RobustPage
from optgui.gui.attack.victim.chooser import VictimChooser
from optgui.gui.attack.welcome import TRAIN, Welcome
from optgui.gui.attack.words import notes, verdict
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.widgets import group_title
from optgui.gui.job.job_panel import JobPanel, Proceed
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.pages import Pages
from optgui.gui.training.run_networks import RunNetworks
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Edit, JobState, Progress

PATH = 2_000  # points of the attack's path on the plane


class AttackTab(TabFrame):
    """A victim above, pages of pictures below it, curves below those; controls left, readings right.

    An edit acts at once on the attack there is, as a preview; when the hand rests, a cold, seeded attack
    replaces it.
    """

    def __init__(
        self,
        budget: PaintBudget,
        networks: RunNetworks,
        train: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(JobPanel("attack", PRESETS["PGD"], budget, restarts=True), parent)
        self._networks, self._train = networks, train
        self._cold: AttackConfig | None = None  # as the present attack began, before any live edit
        self._inputs: AttackInputs | None = None  # of the present attack
        self._fresh = False  # nothing of the present attack is on screen yet
        self._warm = False  # what there is was warm-started by an edit
        self._rests = True  # no control is being moved
        self._again = False  # the next attack is about the same network
        self._frame: AttackFrame | None = None  # newest of the present attack
        self.was_misread = False
        self.reader = Reader(budget, self)
        self._build_controls()
        self.film, self.bounds = FilmPage(), BoundsPage(budget)
        self.plane, self.compare = PlanePage(budget), ComparePage(budget, networks.shelf, self.film.reel)
        self.robust, self.honesty = RobustPage(budget, networks.shelf), HonestyPage(budget, networks.shelf)
        self.fetching = Fetching(self.panel, self.film.reel, self)
        self._build_centre()
        self.numbers = AttackReadings()
        self.readings_layout.addWidget(self.numbers)
        self.readings_layout.addStretch(1)
        self.opponents = Opponents(networks, self.network, self.victim, self)
        self._connect()
        self._show_config()
        self._show_parts()

    def _build_controls(self) -> None:
        self.network = NetworkChoice(self._networks.shelf, "attack.network")
        self.presets = ChoiceBox()
        self.presets.setObjectName("attack.preset")
        self.presets.setAccessibleName("Preset")
        self.presets.setToolTip("Settings to start from")
        self.presets.setPlaceholderText("Own settings")
        for name in PRESETS:
            self.presets.offer(name, name)
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
        self.victim.set_hint("The test digits of the network's data appear here")
        self.welcome = Welcome(self._train)
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
        layout.addWidget(self.welcome, 1)
        layout.addWidget(self.pages, 1)
        self.curves = AttackCurves()
        self.loss = self.curves.loss
        self.centre.addWidget(top)
        self.centre.addWidget(self.curves)
        self.set_shares(5, 2)

    def _connect(self) -> None:
        panel, shelf, say = self.panel, self._networks.shelf, self.panel.messages.say
        panel.gather = self._gather
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.controller.edited.connect(self._on_engine_edited)
        panel.form.edited.connect(lambda *_: self._on_edited())
        panel.form.settled.connect(lambda *_: self._on_settled())
        self.presets.activated.connect(lambda _: self.choose_preset(self.presets.currentData()))
        self.opponents.digits_changed.connect(
            lambda digits: self.robust.show_data(digits.test_images, digits.test_labels, digits.name)
        )
        self.opponents.refused.connect(lambda sentence: say(sentence))
        self.opponents.missing.connect(
            lambda sentence: say(sentence, action=TRAIN, do=self._train, note=True)
        )
        self.network.chosen.connect(lambda _: self._attack_again())
        self.network.refused.connect(lambda sentence: say(sentence))
        self.victim.test_digit_chosen.connect(self._on_test_digit)
        self.victim.picture_given.connect(self._on_picture)
        self.victim.previewed.connect(lambda image: self.reader.guess(image, self.victim.set_guess))
        self.victim.refused.connect(lambda sentence: say(sentence))
        self.reader.judged.connect(self.victim.show_judgement)
        self.fetching.came.connect(self.film.extend)
        self.fetching.came.connect(lambda film, _: self.compare.extend(film, []))
        self.fetching.whole.connect(self._end_film)
        self.film.moved.connect(self.curves.set_head)
        self.curves.clicked.connect(self.film.playback.go)
        self.pages.turned.connect(lambda _: self._show_parts())
        self.pages.turned.connect(lambda _: self._show_honesty())
        for page in (self.bounds, self.compare, self.robust, self.honesty):
            page.said.connect(lambda sentence: say(sentence))
        self.bounds.epsilon_wanted.connect(lambda epsilon: self._take({"epsilon": epsilon}))
        self.bounds.target_wanted.connect(lambda target: self._take({"goal": "targeted", "target": target}))
        shelf.added.connect(lambda _: self._show_parts())
        shelf.current_changed.connect(self._on_newer)

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

    def choose_preset(self, name: str) -> None:
        """Put a preset into the form; an attack that has run is run again with it."""
        self.open_config(PRESETS[name])

    def choose_digit(self, index: int) -> None:
        """Attack a test digit, if there was an attack before."""
        self.victim.select(index)
        self._on_test_digit(index)

    def _take(self, values: dict[str, object]) -> None:
        """Put some values into the form, as if a person had."""
        config = self._config
        for path, value in values.items():
            config = config.changed(path, value)
        self.open_config(config)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.opponents.show_digits(self._networks.digits)
        self._show_parts()
        self._show_waiting_digit()

    def _show_config(self) -> None:
        config = self._config
        self.presets.setCurrentIndex(next((i for i, p in enumerate(PRESETS.values()) if p == config), -1))
        self.numbers.show_config(config)
        self.panel.form.set_notes(notes(config))
        self.robust.set_epsilon(config.norm.name, config.epsilon)
        self._show_honesty()

    def _show_honesty(self) -> None:
        """Once on screen, the honesty panel would check the form's attack on the last network attacked."""
        digits = self.opponents.digits
        if self.pages.page is self.honesty and digits is not None and self._inputs is not None:
            snapshot = self._inputs.snapshot
            self.honesty.show_attack(self._config, snapshot, digits.test_images, digits.test_labels)

    def _show_parts(self) -> None:
        """The pages, or before there is any network what to do."""
        empty = not self._networks.shelf.ids and not self._networks.can_be_asked
        self.welcome.setVisible(empty)
        self.pages.setVisible(not empty)
        self.curves.setVisible(not empty and self.pages.page is self.film)

    def _show_waiting_digit(self) -> None:
        """Before the first attack the film shows what will be attacked."""
        picture = self.opponents.chosen
        if picture is not None and self.panel.run_config is None:
            self.film.show_digit(picture.image, picture.label, self.opponents.names)

    # Who is attacked

    def _gather(self, proceed: Proceed) -> None:
        """Fetch what is chosen; an edit or another digit is about the same network as before."""
        config, again = self._config, self._again
        self._again = False

        def begin(inputs: AttackInputs) -> None:
            self._inputs = inputs
            proceed(inputs)

        self.opponents.gather(config, begin, again=again or self._cold not in (None, config))

    def _attack_again(self, *, same_network: bool = False, paused: bool = False) -> None:
        """Begin anew what was begun once."""
        if self.panel.run_config is not None:
            self._again = same_network
            self.panel.start(paused=paused)

    def _on_test_digit(self, index: int) -> None:
        self.opponents.picture = None
        self._show_waiting_digit()
        self._attack_again(same_network=True)

    def _on_picture(self, image: NDArray[np.float32], label: int, source: str) -> None:
        self.opponents.picture = Picture(image, label)
        self._show_waiting_digit()
        self._again = True
        self.panel.start()

    def _on_newer(self, identity: str) -> None:
        attacked = self._inputs
        if attacked is not None and self.network.selected == LIVE and identity != attacked.snapshot.id:
            self.numbers.show_newer(identity)

    # A hand at the controls

    def _on_edited(self) -> None:
        self._rests = False
        self._show_config()

    def _on_settled(self) -> None:
        self._rests = True
        self._replace_preview()

    def _on_engine_edited(self, edit: Edit) -> None:
        """The attack has taken an edit, or refused it and the form shows again what it has."""
        if edit.refusal:
            self._show_config()
            self._choose_target(edit.config)
        else:
            self._warm = True
            self.compare.edit(edit)
            self._replace_preview()

    def _choose_target(self, wanted: AttackConfig) -> None:
        """Who asks for a target and has the digit's own class there gets the likeliest wrong one."""
        if self._frame is None or wanted.goal != "targeted" or self._config.goal == "targeted":
            return
        chances = self._frame.original_probabilities[0].copy()
        chances[self._frame.labels[0]] = -1
        self.panel.messages.dismiss()
        self._take({"goal": "targeted", "target": int(chances.argmax())})

    def _replace_preview(self) -> None:
        """The hand rests and the attack has taken every edit: a cold, seeded one replaces the preview."""
        if self._warm and self._rests and self.panel.run_config == self._config:
            self._attack_again(same_network=True, paused=self.panel.state is JobState.PAUSED)

    # What happens to it

    def _on_started(self, config: AttackConfig) -> None:
        """What is on screen stays until there is something new to show."""
        self._cold = config
        self._fresh, self._warm, self._frame = True, False, None
        self.fetching.begin()

    def _begin(self, config: AttackConfig) -> None:
        """The attack has something to show."""
        assert self._inputs is not None
        self._fresh = False
        inputs, names = self._inputs, self.opponents.names
        self.plane.show_nothing("The plane is laid through the digit when the attack has ended")
        if self.opponents.digits is not None:
            self.reader.read(inputs.snapshot, self.opponents.digits.test_images)
        self._show_honesty()
        self.curves.begin(config)
        self.film.begin(inputs.images[0, 0], int(inputs.labels[0]), names, config.steps)
        self.numbers.begin(config, inputs.snapshot)
        self.bounds.begin(inputs, config.norm, names)
        self.compare.begin(config, inputs, names)

    def _on_progressed(self, progress: Progress) -> None:
        config = self.panel.run_config
        assert isinstance(config, AttackConfig)
        if self._fresh:
            self._begin(config)
        records = [record for record in progress.records if isinstance(record, AttackRecord)]
        if records:
            minimal = METHODS[config.method.name].minimal
            self.curves.extend(records, None if minimal else config.epsilon)
            self.numbers.show_record(config, records[-1], preview=self._warm)
            self.compare.extend(None, records)
        if isinstance(progress.frame, AttackFrame):
            self._show_frame(config, progress.frame)
        self.fetching.go_on(progress.status.total)
        self.curves.refresh()

    def _end_film(self) -> None:
        """The attack has ended and its film is whole: lay the plane through it, unless it is a preview."""
        config, frame = self.panel.run_config, self._frame
        if frame is None or self._inputs is None or not isinstance(config, AttackConfig):
            return
        change = frame.perturbation[0, 0]
        self.film.end(change)
        if self._warm:
            return
        path = self.film.reel.pictures(PATH)
        snapshot, image, label = self._inputs.snapshot, frame.original[0], int(frame.labels[0])
        self.plane.show_attack(PlaneInputs(snapshot, image, label, change, path, config))

    def _on_state(self, state: JobState) -> None:
        if state in (JobState.PAUSED, *ENDED) and not self._fresh:
            self.fetching.ask(self.film.playback.total)
        elif state is JobState.FAILED:
            self.film.end()

    def _show_frame(self, config: AttackConfig, frame: AttackFrame) -> None:
        self._frame = frame
        self.was_misread = int(frame.original_probabilities[0].argmax()) != int(frame.labels[0])
        names = self.opponents.names
        self.film.judge(frame, verdict(config, frame, names))
        self.numbers.show_frame(config, frame, names)
        self.compare.judge(config, frame)

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {
            "fooled_at": self.numbers.fooled.value.text(),
            "verdict": self.numbers.fooled.caption.text(),
            "network": self._inputs.snapshot.id if self._inputs else None,
            "loss": self.loss.summary(),
        }
