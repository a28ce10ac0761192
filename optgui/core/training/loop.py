"""One update: the gradient of a mini-batch, and the optimizer's step along it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from optgui.core.optimizers import OptimizerConfig, quick_step, retune, wants_closure
from optgui.core.training.closed_gradient import ClosedGradient
from optgui.core.training.config import TrainingConfig
from optgui.core.training.data import TrainingData
from optgui.core.training.measures.inside import UpdateRatios
from optgui.core.training.models import make_network, set_dropout, with_dropout

Numbers = tuple[torch.Tensor, torch.Tensor]  # loss () and right answers (), of a mini-batch


class Loop:
    """A network, its optimizer and how its gradient is found: by hand where that is faster, else by autograd.

    `body` takes normalized images and drops nothing; `trained` is the same with its dropout layers.
    """

    def __init__(self, config: TrainingConfig, generator: torch.Generator, device: torch.device) -> None:
        self._generator = generator
        self._execution = {"foreach": False} if device.type == "cpu" else {}
        self.network = make_network(config.model, generator).to(device)
        self.body = self.network[1:]
        self.parameters = list(self.network.parameters())
        self.watching = False  # whether the next step measures how far it goes
        self.ratios: dict[str, float] = {}  # of the last step that did, by the name of the weight
        self._watch = UpdateRatios(self.body)
        self.closed: ClosedGradient | None = None
        self.trained, self._rate, self._zeroes = self.body, 0.0, True
        self.set_gradient(config)
        self.use(self.make(config.optimizer))

    def make(self, config: OptimizerConfig) -> torch.optim.Optimizer:
        """A fresh optimizer of the network's weights.

        Raises:
            ValueError: torch's own sentence, if it refuses the values.
        """
        return config.make(self.parameters, **self._execution)

    def use(self, optimizer: torch.optim.Optimizer) -> None:
        """Step with an optimizer from now on."""
        self.optimizer = optimizer
        self.update = quick_step(optimizer)
        self.wants_closure = wants_closure(optimizer)

    def retune(self, config: OptimizerConfig) -> None:
        """Give the optimizer new values and keep its state.

        Raises:
            ValueError: torch's own sentence, if it refuses the values; then nothing has changed.
        """
        retune(self.optimizer, config)
        self.update = quick_step(self.optimizer)

    def set_rate(self, lr: float) -> None:
        """Take an effective learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def set_gradient(self, config: TrainingConfig) -> None:
        """Choose how the gradient is found; only gradients that pile up are kept."""
        rate, piled = config.model.dropout_rate, not (self._zeroes or config.zero_grad)
        if not (rate and self._rate):
            self.trained = with_dropout(self.network, rate, self._generator)[1:]
        set_dropout(self.trained, rate)
        self._rate, self._zeroes, self._augmentation = rate, config.zero_grad, config.augmentation
        self._moves = config.augmentation.name != "None"
        if not piled:
            for parameter in self.parameters:
                parameter.grad = None
        self.closed = ClosedGradient.of(self.body) if config.zero_grad and not rate else None

    def step(self, data: TrainingData, batch: torch.Tensor) -> Numbers:
        """One update; loss and right answers before it."""
        gradient = self.gradient_of(data, batch)
        if self.watching:
            self._watch.keep()
        if self.wants_closure:
            first: list[Numbers] = []

            def closure() -> torch.Tensor:
                loss, correct = gradient()
                first.append((loss.clone(), correct))
                return loss

            self.optimizer.step(closure)  # type: ignore[arg-type]
            numbers = first[0]
        else:
            numbers = gradient()
            self.update()
        if self.watching:
            self.watching = False
            ratios = np.asarray(self._watch.read()).tolist()
            self.ratios = dict(zip(self._watch.names, ratios, strict=True))
        return numbers

    def gradient_of(self, data: TrainingData, batch: torch.Tensor) -> Callable[[], Numbers]:
        """Collect a mini-batch; what is returned sets the gradients and gives loss and right answers."""
        labels = data.train_labels.index_select(0, batch)
        closed = self.closed
        if closed is not None:
            buffers = closed.buffers(batch.shape[0])
            if self._moves:
                buffers.inputs.copy_(self.images(data, batch).flatten(1))
            else:
                torch.index_select(data.train_pixels, 0, batch, out=buffers.inputs)

            def by_hand() -> Numbers:
                loss, logits = closed(buffers, labels)
                return loss, logits.argmax(1).eq_(labels).count_nonzero()

            return by_hand
        images = self.images(data, batch)

        def by_autograd() -> Numbers:
            if self._zeroes:
                self.optimizer.zero_grad()
            return self.backward(images, labels)

        return by_autograd

    def images(self, data: TrainingData, batch: torch.Tensor) -> torch.Tensor:
        """The images of a mini-batch, moved by the augmentation: (n, 1, 28, 28)."""
        return self._augmentation.apply(data.train_images.index_select(0, batch), self._generator)

    def backward(self, images: torch.Tensor, labels: torch.Tensor) -> Numbers:
        """Add the gradient of the mean cross-entropy to `.grad`, by autograd."""
        logits = self.trained(images)
        loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), logits.detach().argmax(1).eq(labels).sum()

    def grad_norm(self) -> torch.Tensor:
        """Length of the gradient in `.grad`, ()."""
        flat = [parameter.grad.reshape(-1) for parameter in self.parameters if parameter.grad is not None]
        if not flat:
            return torch.zeros((), device=self.parameters[0].device)
        return torch.stack([torch.dot(part, part) for part in flat]).sum().sqrt()

    def state(self) -> dict[str, Any]:
        """Copies of weights and optimizer; of the gradients too where they pile up."""
        return {
            "network": {name: value.detach().clone() for name, value in self.network.state_dict().items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()["state"]),
            "gradients": None if self._zeroes else [_copy(p.grad) for p in self.parameters],
        }

    def restore(self, state: Mapping[str, Any], config: TrainingConfig) -> None:
        """Become what `state` was under `config`; the state itself stays as it is."""
        optimizer = self.make(config.optimizer)
        groups = optimizer.state_dict()["param_groups"]
        kept = copy.deepcopy(state["optimizer"])
        self.network.load_state_dict(state["network"])
        optimizer.load_state_dict({"state": kept, "param_groups": groups})
        self._zeroes = True
        self.set_gradient(config)
        self.use(optimizer)
        for parameter, gradient in zip(self.parameters, state["gradients"] or (), strict=False):
            parameter.grad = None if gradient is None else gradient.to(parameter.device).clone()


def _copy(tensor: torch.Tensor | None) -> torch.Tensor | None:
    return None if tensor is None else tensor.clone()
