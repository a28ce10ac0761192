"""The attack: one step is one iteration on all images at once."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import NORMS, per_image
from optgui.core.engine import RunFailed, Status
from optgui.core.params import refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training.models import CLASSES, network_of

SHAPE = (1, 28, 28)


@dataclasses.dataclass(frozen=True)
class AttackInputs:
    """What an attack needs besides its config, as frozen data that may cross threads."""

    snapshot: NetworkSnapshot
    images: NDArray[np.float32]  # (n, 1, 28, 28) in [0, 1], read-only
    labels: NDArray[np.int64]  # (n,) 0..9, read-only


class AttackRecord(NamedTuple):
    """The numbers of one step, of the images as they are after it."""

    step: int
    until: int  # the step at which the attack ends, as things stand
    loss: float  # mean of what is climbed: the cross-entropy, in nats
    confidence: float  # mean probability the network gives the true class
    gradient_norm: float  # mean L2 norm of the gradient by pixels
    norm: float  # mean norm of the perturbations, in the config's norm, in pixel units
    fooled: int  # images misread now
    skipped: int  # images that did not move in this step because their gradient was exactly zero


@dataclasses.dataclass(frozen=True)
class AttackFrame:
    """All images as they are now; read-only arrays.

    `predictions`, `probabilities` and `success` come from a fresh forward pass on exactly `adversarial`.
    """

    step: int
    original: NDArray[np.float32]  # (n, 1, 28, 28)
    adversarial: NDArray[np.float32]  # (n, 1, 28, 28)
    perturbation: NDArray[np.float32]  # (n, 1, 28, 28), adversarial - original
    labels: NDArray[np.int64]  # (n,)
    predictions: NDArray[np.int64]  # (n,)
    probabilities: NDArray[np.float32]  # (n, 10)
    original_probabilities: NDArray[np.float32]  # (n, 10)
    success: NDArray[np.bool_]  # (n,), the prediction is not the label
    norms: NDArray[np.float32]  # (n,), in the config's norm
    fooled_at: NDArray[np.int64]  # (n,), the first step after which it was misread, 0 at the start, -1 never
    network_id: str


class _Look(NamedTuple):
    """The network's answer to the images as they are: (n, 10), (n,), (n, 1, 28, 28), (n,)."""

    logits: torch.Tensor
    losses: torch.Tensor
    gradient: torch.Tensor
    fooled: torch.Tensor


class AttackEngine:
    """Changes images within a ball so that a network misreads them.

    Args:
        config: the attack.
        network: any module that maps (n, 1, 28, 28) in [0, 1] to logits (n, 10). The engine works on a copy,
            in float32 and evaluation mode, on the network's device; the network itself stays as it is.
        images: (n, 1, 28, 28) in [0, 1].
        labels: (n,) whole numbers from 0 to 9; the network is fooled if it says anything else.
        network_id: what a frame calls the network.

    Raises:
        ValueError: if images or labels are not that, or the network's answer to them is not finite logits.
    """

    def __init__(
        self,
        config: AttackConfig,
        network: nn.Module,
        images: torch.Tensor | NDArray[Any],
        labels: torch.Tensor | NDArray[Any],
        network_id: str = "",
    ) -> None:
        self.config = config
        self.step_count = 0
        self._network = copy.deepcopy(network).eval().float().requires_grad_(False)
        device = next(self._network.parameters(), torch.empty(0)).device
        self._images = _checked_images(images).to(device)
        self._labels = _checked_labels(labels, len(self._images)).to(device)
        self._network_id = network_id
        with torch.no_grad():
            logits = self._network(self._images)
        if logits.shape != (len(self._images), CLASSES):
            raise ValueError(f"network: expected logits (n, {CLASSES}), got shape {tuple(logits.shape)}")
        if not logits.isfinite().all():
            raise ValueError(
                "network: expected finite logits, got NaN or infinity; has its training diverged?"
            )
        self._original = frozen_copy(self._images)
        self._original_probabilities = frozen_copy(logits.softmax(1))
        self._frozen_labels = frozen_copy(self._labels)

        self._method = METHODS[config.method.name].make()
        self._budget_from = 0  # the step from which config.steps counts
        self._fooled_at = torch.full_like(self._labels, -1)
        start = torch.zeros(self._images.shape)
        if config.random_start:
            generator = torch.Generator().manual_seed(config.seed)
            start = NORMS[config.norm].random(tuple(self._images.shape), config.epsilon, generator)
        self._delta = self._confined(start.to(device), config)
        self._now: _Look | None = None

    @classmethod
    def from_inputs(cls, config: AttackConfig, inputs: AttackInputs) -> AttackEngine:
        """The engine of frozen inputs, made in the thread that will step it, which computes with one core."""
        use_threads(1)
        return cls(config, network_of(inputs.snapshot), inputs.images, inputs.labels, inputs.snapshot.id)

    @property
    def done(self) -> bool:
        """Whether the steps are used up or, if that ends it, every image is misread."""
        if self.step_count >= self.until:
            return True
        return self.config.stop_when_fooled and bool(self._look().fooled.all())

    @property
    def until(self) -> int:
        """The step at which the attack ends, as things stand."""
        return self._budget_from + self.config.steps

    def status(self) -> Status:
        """Iterations done and to do."""
        return Status(self.step_count, self.until, "iterations")

    def step(self) -> AttackRecord:
        """One iteration on all images.

        Raises:
            RunFailed: if the network's answer or gradient is not finite; the images stay as they were.
        """
        if self.done:
            raise RuntimeError("step: expected an attack that is not done, got one that is")
        now = self._look()
        flat = now.gradient.flatten(1).abs().amax(1) == 0
        left_alone = now.fooled if self.config.stop_when_fooled else torch.zeros_like(flat)
        delta = self._confined(self._method.propose(self.config, self._delta, now.gradient), self.config)
        if (held := flat | left_alone).any():
            delta = torch.where(per_image(held, delta), self._delta, delta)
        now = _finite(self._evaluated(delta))
        self._delta = delta
        self.step_count += 1
        self._keep(now)
        loss, confidence, gradient_norm, norm, fooled, skipped = torch.stack(
            [
                now.losses.mean(),
                now.logits.softmax(1).gather(1, self._labels[:, None]).mean(),
                NORMS["L2"].norm(now.gradient).mean(),
                NORMS[self.config.norm].norm(self._delta).mean(),
                now.fooled.sum(),
                (flat & ~left_alone).sum(),
            ]
        ).tolist()  # one transfer from the device
        return AttackRecord(
            self.step_count, self.until, loss, confidence, gradient_norm, norm, int(fooled), int(skipped)
        )

    def frame(self) -> AttackFrame:
        """The images as they are, judged once more by the network."""
        self._look()
        adversarial = self._adversarial(self._delta)
        perturbation = adversarial - self._images
        with torch.no_grad():
            logits = self._network(adversarial)
        predictions = logits.argmax(1)
        return AttackFrame(
            step=self.step_count,
            original=self._original,
            adversarial=frozen_copy(adversarial),
            perturbation=frozen_copy(perturbation),
            labels=self._frozen_labels,
            predictions=frozen_copy(predictions),
            probabilities=frozen_copy(logits.softmax(1)),
            original_probabilities=self._original_probabilities,
            success=frozen_copy(predictions != self._labels),
            norms=frozen_copy(NORMS[self.config.norm].norm(perturbation)),
            fooled_at=frozen_copy(self._fooled_at),
            network_id=self._network_id,
        )

    def apply(self, config: AttackConfig) -> None:
        """Take a live edit: epsilon (the images are projected at once), step size or steps.

        More steps, or a larger epsilon (which grants `steps` further ones), revive a finished attack.

        Raises:
            ValueError: if another field differs; then nothing has changed.
        """
        refuse_locked(self.config, config)
        if config.epsilon != self.config.epsilon:
            if config.epsilon > self.config.epsilon and self.step_count >= self.until:
                self._budget_from = self.step_count
            self._delta = self._confined(self._delta, config)
            self._now = None
        self.config = config

    def answer(self, request: Any) -> Any:
        """An attack answers no request: its frame holds everything.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected none during an attack, got {request!r}")

    def _confined(self, delta: torch.Tensor, config: AttackConfig) -> torch.Tensor:
        """The perturbation projected onto the ball, then clipped if that is asked for.

        Clipping never leaves the ball: the image lies in [0, 1] itself, so it only shortens.
        """
        delta = NORMS[config.norm].project(delta, config.epsilon)
        return (self._images + delta).clamp(0, 1) - self._images if config.clip else delta

    def _adversarial(self, delta: torch.Tensor) -> torch.Tensor:
        adversarial = self._images + delta
        return adversarial.clamp(0, 1) if self.config.clip else adversarial

    def _look(self) -> _Look:
        """The network's answer to the images as they are, computed once for each state."""
        return self._keep(self._evaluated(self._delta)) if self._now is None else self._now

    def _keep(self, now: _Look) -> _Look:
        first = now.fooled & (self._fooled_at < 0)
        self._fooled_at = torch.where(first, self.step_count, self._fooled_at)
        self._now = now
        return now

    def _evaluated(self, delta: torch.Tensor) -> _Look:
        """The network's answer to the images changed by `delta`, and the gradient there."""
        with torch.enable_grad():
            images = self._adversarial(delta).requires_grad_()
            logits = self._network(images)
            losses = self._method.objective(logits, self._labels)
            gradient = torch.zeros_like(images)
            if losses.requires_grad:  # not so for a network whose answer does not depend on the image
                (gradient,) = torch.autograd.grad(
                    losses.sum(), images, allow_unused=True, materialize_grads=True
                )
        logits, losses = logits.detach(), losses.detach()
        return _Look(logits, losses, gradient, logits.argmax(1) != self._labels)


def _finite(look: _Look) -> _Look:
    if not (look.losses.sum() + look.gradient.sum()).isfinite():
        raise RunFailed("network: expected a finite loss and gradient, got NaN or infinity")
    return look


def _checked_images(images: torch.Tensor | NDArray[Any]) -> torch.Tensor:
    """A float32 copy of `images` on the CPU, or ValueError."""
    tensor = _copy(images)
    expected = "images: expected real numbers in [0, 1] of shape (n, 1, 28, 28) with n >= 1"
    if tensor.ndim != 4 or tuple(tensor.shape[1:]) != SHAPE or not len(tensor):
        raise ValueError(f"{expected}, got shape {tuple(tensor.shape)}")
    if not tensor.is_floating_point():
        raise ValueError(f"{expected}, got {tensor.dtype}")
    if not ((tensor >= 0) & (tensor <= 1)).all():
        raise ValueError(f"{expected}, got numbers from {tensor.min():g} to {tensor.max():g}")
    return tensor.float()


def _checked_labels(labels: torch.Tensor | NDArray[Any], count: int) -> torch.Tensor:
    """An int64 copy of `labels` on the CPU, or ValueError."""
    tensor = _copy(labels)
    expected = f"labels: expected {count} whole numbers from 0 to {CLASSES - 1}, one for each image"
    if tuple(tensor.shape) != (count,):
        raise ValueError(f"{expected}, got shape {tuple(tensor.shape)}")
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype is torch.bool:
        raise ValueError(f"{expected}, got {tensor.dtype}")
    tensor = tensor.long()
    if not ((tensor >= 0) & (tensor < CLASSES)).all():
        raise ValueError(f"{expected}, got numbers from {tensor.min()} to {tensor.max()}")
    return tensor


def _copy(values: torch.Tensor | NDArray[Any]) -> torch.Tensor:
    """A copy on the CPU that shares nothing with `values`, a tensor or (perhaps read-only) array."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().clone()
    return torch.tensor(np.asarray(values))
