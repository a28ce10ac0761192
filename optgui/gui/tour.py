"""Drives the real window through the tutorial's story and saves what a person would see.

Waits with event loops, never with sleeps, so that the jobs run as they would for a person.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from optgui.gui.main_window import MainWindow
from optgui.jobs.messages import JobState

READY_S, JOB_S = 60.0, 180.0


class Guide:
    """Waits for things to happen in a window and takes pictures of it."""

    def __init__(self, window: MainWindow, folder: Path | None = None) -> None:
        self.window, self.folder = window, folder
        self.pictures: list[str] = []

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Keep the window alive until `condition` holds.

        Raises:
            TimeoutError: naming what was waited for.
        """
        loop = QEventLoop()
        poll = QTimer(interval=10)
        poll.timeout.connect(lambda: condition() and loop.quit())
        limit = QTimer(singleShot=True, interval=round(seconds * 1000))
        limit.timeout.connect(lambda: loop.exit(1))
        poll.start()
        limit.start()
        if not condition() and loop.exec():
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")

    def pause(self, milliseconds: int) -> None:
        """Let the window live for a while."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def wait_ready(self) -> None:
        """Wait until the tabs are there."""
        self.wait(lambda: self.window.attack is not None, READY_S, "loading torch")

    def begin(self, tab: Any) -> None:
        """Press Start."""
        self._states: list[JobState] = []
        tab.panel.state_changed.connect(self._states.append)
        tab.panel.start()

    def finish(self, tab: Any) -> None:
        """Wait until the run that was begun has ended."""
        ended = {JobState.FINISHED, JobState.STOPPED, JobState.FAILED}
        self.wait(lambda: bool(ended & set(self._states)), JOB_S, f"the end of the {tab.panel.subject} run")
        if tab.panel.state is JobState.FAILED:
            raise RuntimeError(tab.panel.messages.sentence)

    def picture(self, name: str) -> None:
        """Save the window as it is."""
        self.pause(250)
        QApplication.processEvents()
        if self.folder is not None:
            path = self.folder / f"{len(self.pictures) + 1:02}-{name}.png"
            self.window.grab().save(str(path))
            self.pictures.append(path.name)

    def edit(self, tab: Any, path: str, value: Any) -> None:
        """Change a field as a person does and let the form show it."""
        form = tab.panel.form
        form.change(path, value, final=True)
        form.set_config(form.config)


def tour(window: MainWindow, folder: Path) -> int:
    """Race, train with a live edit of the learning rate, and fool the trained network; 0 if all went well."""
    guide = Guide(window, folder)
    guide.pause(50)
    guide.picture("loading")
    guide.wait_ready()
    numbers: dict[str, Any] = {}

    window.go_to("surface")
    surface = window.surface
    surface.playback.speed = 5.0
    guide.begin(surface)
    guide.pause(600)
    guide.edit(surface, "racers.0.optimizer.lr", 0.0015)
    guide.picture("surface-racing")
    guide.finish(surface)
    guide.picture("surface-finished")
    numbers["surface"] = surface.summary()

    window.go_to("training")
    training = window.training
    guide.wait(lambda: not training.data.is_busy, JOB_S, "the data")
    guide.edit(training, "epochs", 3)
    guide.edit(training, "scheduler", {"name": "None"})
    guide.begin(training)
    guide.wait(lambda: training.steps_done > 900, JOB_S, "a third of the training")
    guide.edit(training, "optimizer.lr", 0.03)
    guide.wait(lambda: training.steps_done > 1300, JOB_S, "half of the training")
    guide.picture("training-running")
    training.networks.use(lambda *_: None)  # puts the network of now on the shelf
    guide.finish(training)
    guide.picture("training-finished")
    numbers["training"] = training.summary()

    window.go_to("attack")
    attack = window.attack
    guide.begin(attack)
    guide.finish(attack)
    while attack.was_misread and attack.victim.index < 20:  # a digit that needs no attack shows none
        attack.choose_digit(attack.victim.index + 1)
        guide.begin(attack)
        guide.finish(attack)
    guide.picture("attack-finished")
    numbers["attack"] = attack.summary()
    _turn_pages(guide, attack)
    attack.choose_preset("As in the tutorial")
    guide.begin(attack)
    guide.finish(attack)
    guide.picture("attack-tutorial")
    numbers["attack_as_in_the_tutorial"] = attack.summary()

    summary = {"pictures": guide.pictures, **numbers}
    text = json.dumps(summary, indent=2, default=float)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    print(f"Wrote {len(guide.pictures)} pictures and summary.json to {folder}")
    return 0


def _turn_pages(guide: Guide, attack: Any) -> None:
    """Show what else there is to see of an attack that has ended."""
    earlier = attack.network.shelf.ids[0]
    for page, name in (
        (attack.plane, "plane"),
        (attack.bounds, "bounds"),
        (attack.compare, "compare"),
        (attack.robust, "robust"),
    ):
        attack.pages.turn_to(page)
        if page is attack.compare:
            page.choice.select(earlier)
            page.choice.chosen.emit(earlier)
        elif page is attack.robust:
            page.start()
        guide.wait(lambda page=page: page.controller.state is JobState.FINISHED, JOB_S, f"the {name} page")
        guide.picture(f"attack-{name}")
    attack.pages.turn_to(attack.film)


def smoke(window: MainWindow) -> int:
    """Train 20 steps, attack one digit; the check of a frozen program."""
    guide = Guide(window)
    guide.wait_ready()
    training, attack = window.training, window.attack
    guide.wait(lambda: not training.data.is_busy, JOB_S, "the data")
    window.go_to("training")
    training.panel.start(paused=True)
    guide.wait(lambda: training.panel.state is JobState.PAUSED, JOB_S, "the preparation")
    heard: list[Any] = []
    training.panel.progressed.connect(heard.append)
    while training.steps_done < 20:
        heard.clear()
        training.panel.step()
        guide.wait(lambda: bool(heard), JOB_S, "a step")
    window.go_to("attack")
    guide.begin(attack)
    guide.finish(attack)
    print(f"trained {training.steps_done} steps, {attack.summary()}", file=sys.stdout)
    return 0
