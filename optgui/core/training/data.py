"""A run's images on its device, and which of them make the next mini-batch."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import torch

from optgui.core.snapshot import frozen_copy
from optgui.core.training.config import TrainingConfig
from optgui.core.training.digits import Digits
from optgui.core.training.models import Normalize
from optgui.core.training.records import SHOWN
from optgui.core.training.samples import chosen, noisy

PREPARED_AT_ONCE = 5_000  # images normalized in one step, about 15 ms


class TrainingData:
    """The data set, normalized once: images (n, 1, 28, 28) float32, labels (n,) int64.

    Of the training images those that `samples` takes, with the labels that `label_noise` leaves.
    """

    def __init__(self, digits: Digits, config: TrainingConfig, device: torch.device) -> None:
        self.digits = digits
        self._device = device
        self._indices = None
        labels = digits.train_labels.astype(np.int64)
        if config.samples:
            self._indices = chosen(labels, config.samples, config.seed)
            labels = labels[self._indices]
        labels = noisy(labels, config.label_noise, config.seed)
        self.train_labels = torch.tensor(labels).to(device)
        self.test_labels = torch.tensor(digits.test_labels.astype(np.int64)).to(device)
        self.train_images = torch.empty(len(labels), 1, 28, 28, device=device)
        self.train_pixels = self.train_images.flatten(1)  # the same memory
        self.test_images = torch.empty(len(digits.test_images), 1, 28, 28, device=device)
        self.shown_digits = digits.test_images[:SHOWN]
        self.shown_labels = frozen_copy(digits.test_labels[:SHOWN].astype(np.int64))

    def __len__(self) -> int:
        return len(self.train_labels)

    def load(self) -> Generator[float, None, None]:
        """Normalize in slices; yields the fraction done."""
        normalize = Normalize()
        digits = self.digits
        for source, indices, target in (
            (digits.train_images, self._indices, self.train_images),
            (digits.test_images, None, self.test_images),
        ):
            for start in range(0, len(target), PREPARED_AT_ONCE):
                part = slice(start, start + PREPARED_AT_ONCE)
                pixels = torch.tensor(source[part if indices is None else indices[part]]).to(self._device)
                target[part] = normalize(pixels.unsqueeze(1).float() / 255)
                yield start / len(target)


class Sampler:
    """The order of the images of one epoch; an epoch is as many draws as there are images.

    An edited batch size cuts the rest of the order anew. Drawing with replacement or not acts at once: the
    rest of the epoch is drawn anew, or is what a new order leaves when its beginning is passed over.
    """

    def __init__(self, count: int, generator: torch.Generator, device: torch.device) -> None:
        self._count, self._generator, self._device = count, generator, device
        self.order = torch.empty(0, dtype=torch.int64)  # never written to: checkpoints share it
        self.position = 0

    def draw(self, replacement: bool) -> None:
        """Begin an epoch."""
        self.order, self.position = self._drawn(replacement), 0

    def draw_rest(self, replacement: bool) -> None:
        """Draw the rest of the epoch anew."""
        new = self._drawn(replacement)
        self.order = torch.cat([self.order[: self.position], new[self.position :]])

    def _drawn(self, replacement: bool) -> torch.Tensor:
        if replacement:
            order = torch.randint(self._count, (self._count,), generator=self._generator)
        else:
            order = torch.randperm(self._count, generator=self._generator)
        return order.to(self._device)

    def next(self, size: int) -> torch.Tensor:
        """The indices of the next mini-batch, the last of an epoch maybe smaller."""
        start, self.position = self.position, min(self.position + size, self._count)
        return self.order[start : self.position]

    @property
    def is_empty(self) -> bool:
        """Whether the epoch is through."""
        return self.position >= self.order.shape[0]

    def steps_left(self, size: int) -> int:
        """Mini-batches left in this epoch."""
        return math.ceil((len(self.order) - self.position) / size)

    def steps_per_epoch(self, size: int) -> int:
        """Mini-batches of a whole epoch."""
        return math.ceil(self._count / size)
