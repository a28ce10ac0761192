"""What a network reads in the test digits, and in any one image: a small job beside the attack."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.attack.inputs import checked_images, checked_victim, pixels
from optgui.core.engine import Status
from optgui.core.params import Config
from optgui.core.runtime import use_threads
from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from optgui.core.training.models import network_of

SLICE = 200  # digits a step: 4 ms for the perceptron, 25 ms for the convolutional network


class ReadingConfig(Config):
    """Nothing can be set."""


@dataclasses.dataclass(frozen=True)
class ReadingInputs:
    """A network and what it shall read."""

    snapshot: NetworkSnapshot
    images: NDArray[np.uint8]  # (n, 28, 28) of 0..255


@dataclasses.dataclass(frozen=True)
class ReadImage:
    """Ask what the network reads in one image (28, 28) in [0, 1]; the answer is probabilities (10,)."""

    image: NDArray[np.float32]


class ReadingRecord(NamedTuple):
    """How far the reading is."""

    read: int


@dataclasses.dataclass(frozen=True)
class ReadingFrame:
    """What was read so far: the first `read` digits; read-only arrays."""

    read: int
    predictions: NDArray[np.int64]  # (n,), -1 where not read yet
    confidences: NDArray[np.float32]  # (n,) in [0, 1]


class ReadingEngine:
    """Reads the digits slice by slice, and afterwards whatever it is asked.

    Raises:
        ValueError: if the network's answer to the first digit is not finite logits.
    """

    def __init__(self, config: ReadingConfig, inputs: ReadingInputs) -> None:
        use_threads(1)
        self.config = config
        self._images = inputs.images
        self._victim, _, _ = checked_victim(network_of(inputs.snapshot), pixels(inputs.images[:1]))
        self._read = 0
        self._predictions = np.full(len(inputs.images), -1, np.int64)
        self._confidences = np.zeros(len(inputs.images), np.float32)

    @property
    def done(self) -> bool:
        """Whether every digit was read."""
        return self._read >= len(self._images)

    def step(self) -> ReadingRecord:
        """Read the next digits."""
        part = slice(self._read, self._read + SLICE)
        chances = self._chances(pixels(self._images[part]))
        best = chances.max(1)
        self._predictions[part], self._confidences[part] = best.indices.cpu(), best.values.cpu()
        self._read = min(self._read + SLICE, len(self._images))
        return ReadingRecord(self._read)

    def frame(self) -> ReadingFrame:
        """What was read so far."""
        copies = frozen(self._predictions.copy()), frozen(self._confidences.copy())
        return ReadingFrame(self._read, *copies)

    def status(self) -> Status:
        """Digits read and to read."""
        return Status(self._read, len(self._images), "digits")

    def apply(self, config: ReadingConfig) -> None:
        """Nothing can be edited."""

    def answer(self, request: Any) -> NDArray[np.float32]:
        """Probabilities (10,) of the classes of one image.

        Raises:
            ValueError: if the request is another one, or the image is not (28, 28) in [0, 1].
        """
        if not isinstance(request, ReadImage):
            raise ValueError(f"request: expected ReadImage, got {request!r}")
        return frozen_copy(self._chances(checked_images(request.image[None, None]))[0])

    def _chances(self, images: torch.Tensor) -> torch.Tensor:
        return self._victim.logits(images.to(self._victim.device)).softmax(1)
