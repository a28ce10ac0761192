"""The attack in the window: an engine round the loop, with records, pictures, a film and live edits."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.film import Camera, Film, ShowFilm
from optgui.core.attack.inputs import AttackInputs, checked_images, checked_labels, checked_victim
from optgui.core.attack.loop import Attack
from optgui.core.attack.verdict import verified
from optgui.core.engine import RunFailed, Status
from optgui.core.params import changes, refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen_copy
from optgui.core.training.models import network_of


class AttackRecord(NamedTuple):
    """The numbers of one step; means over the images still under attack, as they are after it."""

    step: int
    until: int  # the step at which the attack ends, as things stand
    restart: int  # from 0
    loss: float  # mean of what is climbed, the cross-entropy in nats say
    confidence: float  # mean probability the network gives the true class
    gradient_norm: float  # mean L2 norm of the gradient by pixels; 0 where a method asks for none
    norm: float  # mean norm of the perturbations, in the config's norm, in its unit
    fooled: int  # images read as is wanted now, or left alone because they were
    skipped: int  # images that did not move in this step because their gradient was exactly zero


class _Note(NamedTuple):
    """What a record is made from, k images still under attack."""

    step: int
    until: int
    restart: int
    skipped: int
    losses: list[float]  # (k,)
    lengths: list[float]  # (k,) of the gradients; empty without
    active: torch.Tensor  # (k,)
    labels: torch.Tensor  # (k,), the same tensor while the images are the same
    delta: torch.Tensor  # (k, 1, 28, 28)
    logits: torch.Tensor  # (k, 10)
    sizes: torch.Tensor  # (k,) of the perturbations
    fooled: torch.Tensor  # (k,) bool


@dataclasses.dataclass(frozen=True)
class AttackFrame:
    """The best of every image so far; read-only arrays.

    `predictions`, `probabilities` and `success` come from a fresh forward pass on exactly `adversarial`.
    """

    step: int
    original: NDArray[np.float32]  # (n, 1, 28, 28)
    adversarial: NDArray[np.float32]  # (n, 1, 28, 28)
    perturbation: NDArray[np.float32]  # (n, 1, 28, 28), adversarial - original
    labels: NDArray[np.int64]  # (n,)
    targets: NDArray[np.int64] | None  # (n,), the answers wanted; None if any wrong one will do
    predictions: NDArray[np.int64]  # (n,)
    probabilities: NDArray[np.float32]  # (n, 10)
    original_probabilities: NDArray[np.float32]  # (n, 10)
    success: NDArray[np.bool_]  # (n,), the prediction is what is wanted
    norms: NDArray[np.float32]  # (n,), in the config's norm
    fooled_at: NDArray[np.int64]  # (n,), the first step after which it was misread, 0 at the start, -1 never
    network_id: str


class AttackEngine:
    """Changes images within a ball so that a network misreads them.

    Args:
        config: the attack.
        network: any module that maps (n, 1, 28, 28) in [0, 1] to logits (n, 10). The engine works on a copy,
            in float32 and evaluation mode, on the network's device; the network itself stays as it is.
        images: (n, 1, 28, 28) in [0, 1].
        labels: (n,) whole numbers from 0 to 9.
        network_id: what a frame calls the network.

    Raises:
        ValueError: if images or labels are not that, the network's answer to them is not finite logits, or
            the target is an image's own class.
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
        self._network_id = network_id
        self._victim, self._images, logits = checked_victim(network, checked_images(images))
        self._labels = checked_labels(labels, len(self._images)).to(self._images.device)
        self._original = frozen_copy(self._images)
        self._original_probabilities = frozen_copy(logits.softmax(1))
        self._frozen_labels = frozen_copy(self._labels)
        self._fooled_at = torch.full_like(self._labels, -1)
        self._camera = Camera() if len(self._images) == 1 else None
        self._begun_at = 0  # the step from which the attack's own count
        self._attack = Attack(config, self._victim, self._images, self._labels)
        self._records([self._note()])

    @classmethod
    def from_inputs(cls, config: AttackConfig, inputs: AttackInputs) -> AttackEngine:
        """The engine of frozen inputs, made in the thread that will step it, which computes with one core."""
        use_threads(1)
        return cls(config, network_of(inputs.snapshot), inputs.images, inputs.labels, inputs.snapshot.id)

    @property
    def done(self) -> bool:
        """Whether the steps are used up or, if that ends it, every image is fooled."""
        return self._attack.done

    @property
    def until(self) -> int:
        """The step at which the attack ends, as things stand."""
        return self._begun_at + self._attack.until

    def status(self) -> Status:
        """Iterations done and to do."""
        return Status(self.step_count, self.until, "iterations")

    @torch.inference_mode()
    def step(self) -> AttackRecord:
        """One iteration on all images.

        Raises:
            RunFailed: if the network's answer or gradient is not finite; the images stay as they were.
        """
        self._attack.step()
        self.step_count += 1
        return self._records([self._note()])[0]

    @torch.inference_mode()
    def run_slice(self, seconds: float) -> list[AttackRecord]:
        """Step for about `seconds`, and read the numbers of all steps at once: half the time for one digit.

        Raises:
            RunFailed: as `step`, if not one step was possible.
        """
        deadline = time.perf_counter() + seconds
        notes: list[_Note] = []
        while time.perf_counter() < deadline and not self._attack.done:
            try:
                self._attack.step()
            except RunFailed:
                if not notes:
                    raise
                break  # hand over what was done; the next slice raises it again
            self.step_count += 1
            notes.append(self._note())
        return self._records(notes)

    def frame(self) -> AttackFrame:
        """The best of every image so far, judged once more by the network."""
        attack = self._attack
        adversarial = attack.changed(attack.result())
        verdict = verified(self._victim, self._images, adversarial, attack.goal, attack.norm)
        targets = attack.goal.targets
        return AttackFrame(
            step=self.step_count,
            original=self._original,
            adversarial=frozen_copy(adversarial),
            perturbation=frozen_copy(adversarial - self._images),
            labels=self._frozen_labels,
            targets=None if targets is None else frozen_copy(targets),
            predictions=frozen_copy(verdict.logits.argmax(1)),
            probabilities=frozen_copy(verdict.logits.softmax(1)),
            original_probabilities=self._original_probabilities,
            success=frozen_copy(verdict.reached),
            norms=frozen_copy(verdict.sizes.float()),
            fooled_at=frozen_copy(self._fooled_at),
            network_id=self._network_id,
        )

    def apply(self, config: AttackConfig) -> None:
        """Take a live edit.

        Another number of steps only moves the end. Anything else attacks anew from the present images, for
        as many steps as are set: an attack warm-started from what is there.

        Raises:
            ValueError: if a field differs that is not live, or the target is an image's own class; then
                nothing has changed.
        """
        refuse_locked(self.config, config)
        if {change.path for change in changes(self.config, config)} <= {"steps"}:
            self._attack.extend(config)
        else:
            present = self._attack.present()
            attack = Attack(config, self._victim, self._images, self._labels, start=present)
            self._attack, self._begun_at = attack, self.step_count
            self._fooled_at.fill_(-1)
            self._records([self._note()])
        self.config = config

    def answer(self, request: Any) -> Film:
        """The film, or a part of it, of an attack on one image.

        Raises:
            ValueError: if the request is another one, or there are several images.
        """
        if not isinstance(request, ShowFilm):
            raise ValueError(f"request: expected ShowFilm, got {request!r}")
        if self._camera is None:
            raise ValueError(f"film: expected an attack on one image, got one on {len(self._images):,}")
        return self._camera.film(request.since)

    def _note(self) -> _Note:
        attack = self._attack
        now, delta = attack.now, attack.current
        return _Note(
            self.step_count,
            self.until,
            attack.restart,
            attack.skipped,
            attack.losses,
            attack.lengths,
            attack.active,
            attack.labels,
            delta,
            now.logits,
            attack.norm.norm(delta),
            attack.reached,
        )

    def _records(self, notes: list[_Note]) -> list[AttackRecord]:
        """The records of some steps, which are noted in the film and in `fooled_at`."""
        records: list[AttackRecord] = []
        for _, same in itertools.groupby(notes, key=lambda note: id(note.labels)):
            records += self._records_of_same(list(same))
        return records

    def _records_of_same(self, notes: list[_Note]) -> Iterable[AttackRecord]:
        """The records of m steps with the same k images."""
        active, labels = notes[0].active, notes[0].labels
        if not len(labels):
            return
        left_alone = len(self._images) - len(active)
        chances = torch.stack([note.logits for note in notes]).softmax(2)
        own = chances.gather(2, labels.expand(len(notes), -1).unsqueeze(2)).squeeze(2)
        norms = torch.stack([note.sizes for note in notes])
        fooled = torch.stack([note.fooled for note in notes])
        steps = torch.tensor([note.step for note in notes], device=labels.device)
        first = torch.where(fooled.any(0), steps[fooled.int().argmax(0)], -1)
        self._fooled_at[active] = torch.where(self._fooled_at[active] < 0, first, self._fooled_at[active])
        columns = torch.stack([own.mean(1), norms.mean(1), fooled.sum(1)], 1).tolist()
        for note, (confidence, norm, count) in zip(notes, columns, strict=True):
            loss = sum(note.losses) / len(note.losses)
            gradient_norm = sum(note.lengths) / max(1, len(note.lengths))
            if self._camera is not None:
                self._camera.take(note.step, note.delta, note.logits, loss, norm, gradient_norm, bool(count))
            yield AttackRecord(
                note.step,
                note.until,
                note.restart,
                loss,
                confidence,
                gradient_norm,
                norm,
                left_alone + int(count),
                note.skipped,
            )
