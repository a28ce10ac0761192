"""One network of a race with its optimizer and its schedule."""

from __future__ import annotations

from typing import Any

import torch

from optgui.core.optimizers import quick_step, retune, wants_closure
from optgui.core.schedulers import Schedule
from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training.models import make_network
from optgui.core.training.race.config import EntrantConfig, RaceConfig


class Entrant:
    """A network that learns as `config` says; whoever trains it sets its gradients.

    Its random numbers are a training run's of the same seed: first the weights, then a permutation for each
    epoch. Its optimizer is torch's own on the network's parameters. One vectorized rule for all entrants with
    a column of rates is no quicker: for 8 networks of 120 hidden units 116 µs against 74 of gradient descent,
    and torch's fused kernels beat any rule of several passes.
    """

    def __init__(self, config: EntrantConfig, race: RaceConfig, device: torch.device) -> None:
        self.config = config
        self.generator = torch.Generator().manual_seed(race.seed_of(config))
        self.network = make_network(race.model, self.generator).to(device)
        self._make_optimizer(device)
        self.failure = ""
        self.test_accuracy: float | None = None
        self.test_loss: float | None = None
        self._tested = -1

    def _make_optimizer(self, device: torch.device) -> None:
        self.optimizer = self.config.optimizer.make(self.network.parameters(), fused=device.type != "mps")
        self.wants_closure = wants_closure(self.optimizer)
        self.update = quick_step(self.optimizer)

    def move(self, device: torch.device) -> None:
        """Go on on another device, with everything the optimizer keeps."""
        old = self.optimizer.state_dict()["state"]
        self.network.to(device)
        self._make_optimizer(device)
        self.optimizer.load_state_dict(
            {"state": old, "param_groups": self.optimizer.state_dict()["param_groups"]}
        )
        self._set_rate()

    def start(self, batches: int, epochs: int) -> None:
        """Begin the schedule: `batches` steps an epoch."""
        self.schedule = Schedule(self.config.scheduler, batches, epochs)
        self._set_rate()

    def _set_rate(self) -> None:
        self.lr = self.config.optimizer.lr * self.schedule.factor
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def end_step(self) -> None:
        """Let the schedule go on by a step."""
        if self.schedule.advance_step():
            self._set_rate()

    def end_epoch(self) -> None:
        """Let the schedule go on by an epoch, unless it waits for the test loss."""
        if not self.schedule.wants_metric and self.schedule.advance_epoch():
            self._set_rate()

    def tested(self, step: int, accuracy: float, loss: float) -> None:
        """Take the test results of the weights of `step`."""
        self.test_accuracy, self.test_loss, self._tested = accuracy, loss, step
        if self.schedule.wants_metric and self.schedule.advance_epoch(loss):
            self._set_rate()

    def edit(self, config: EntrantConfig, epochs: int) -> None:
        """Go on with other numbers, which torch has accepted before."""
        if config.optimizer != self.config.optimizer:
            retune(self.optimizer, config.optimizer)
            self.update = quick_step(self.optimizer)
        self.config = config
        self.schedule.set_epochs(epochs)
        self._set_rate()

    def snapshot(self, run: str, step: int, model: dict[str, Any], dataset: str) -> NetworkSnapshot:
        """A frozen copy of the network."""
        return NetworkSnapshot(
            id=f"{run}-{self.config.id}@{step}",
            model=model,
            arrays={name: frozen_copy(value) for name, value in self.network.state_dict().items()},
            dataset=dataset,
            step=step,
            test_accuracy=self.test_accuracy if self._tested == step else None,
        )
