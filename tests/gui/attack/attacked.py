"""An attack tab with networks that need no training run: what its tests share."""

import dataclasses
import functools

import numpy as np

from optgui.core.attack import Film
from optgui.core.snapshot import frozen
from optgui.gui.attack_tab import AttackTab
from optgui.gui.networks import NetworkShelf
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.samples import finish, made_up_digits, training

ENDED = (JobState.FINISHED, JobState.STOPPED)


@functools.cache
def learned(hidden=(16,), seed=0):
    """A network that reads the made-up digits."""
    model, optimizer = {"name": "MLP", "hidden": list(hidden)}, {"name": "Adam", "lr": 3e-3}
    engine = training(model=model, optimizer=optimizer, epochs=5, seed=seed)
    finish(engine)
    return dataclasses.replace(engine.snapshot(), id=f"run-{seed}@32")


class Networks:
    """The training tab's networks, without a training tab."""

    def __init__(self, *snapshots):
        self.shelf = NetworkShelf()
        self.digits = made_up_digits()
        self.asked = []
        for snapshot in snapshots:
            self.shelf.add(snapshot)

    @property
    def can_be_asked(self):
        return self.shelf.current is not None

    def use(self, use):
        if self.shelf.current is None:
            return False
        self.asked.append(self.shelf.current.id)
        use(self.shelf.current, self.digits)
        return True


def film(iterations, **values):
    """Pictures at some iterations; each one's pixels hold its iteration / 1e5."""
    iterations = np.asarray(iterations, np.int64)
    count = len(iterations)
    parts = {
        "iterations": iterations,
        "perturbations": np.broadcast_to(iterations[:, None, None] / 1e5, (count, 28, 28)).astype(np.float32),
        "probabilities": np.full((count, 10), 0.1, np.float32),
        "losses": np.zeros(count, np.float32),
        "norms": iterations.astype(np.float32),
        "gradient_norms": np.ones(count, np.float32),
        "fooled": np.zeros(count, bool),
        **values,
    }
    return Film(**{name: frozen(np.array(part)) for name, part in parts.items()})


def close(part):
    """End the threads of a widget with one or more controllers."""
    controllers = getattr(part, "controllers", None) or (part.controller,)
    for controller in controllers:
        controller.quit()
    assert all(controller.wait(5000) for controller in controllers)


def make_tab(qtbot, networks, train=lambda: None):
    tab = AttackTab(PaintBudget(), networks, train)
    qtbot.addWidget(tab)
    tab.resize(1280, 740)
    tab.show()
    return tab


def whole(tab):
    """Whether the attack has ended and all of its film is there."""
    return tab.panel.state in ENDED and not tab._fresh and not tab.fetching.is_waiting


def attack(qtbot, tab):
    tab.panel.start()
    qtbot.waitUntil(lambda: whole(tab), timeout=10_000)
