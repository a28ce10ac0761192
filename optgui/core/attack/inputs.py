"""What an attack works on, checked once at the door."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.victim import Victim
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training.models import CLASSES

SHAPE = (1, 28, 28)
CHUNK, CHUNK_OTHER = 500, 100  # digits: 5 ms a step of the perceptron, 30 ms of the convolutional network


@dataclasses.dataclass(frozen=True)
class AttackInputs:
    """What an attack needs besides its config, as frozen data that may cross threads."""

    snapshot: NetworkSnapshot
    images: NDArray[np.float32]  # (n, 1, 28, 28) in [0, 1], read-only
    labels: NDArray[np.int64]  # (n,) 0..9, read-only


def checked_victim(network: nn.Module, images: torch.Tensor) -> tuple[Victim, torch.Tensor, torch.Tensor]:
    """The victim, the images on its device, and its logits (n, 10) for them.

    Raises:
        ValueError: if the network's answer to the images is not finite logits (n, 10).
    """
    victim = Victim(network)
    images = images.to(victim.device)
    logits = victim.logits(images)
    if logits.shape != (len(images), CLASSES):
        raise ValueError(f"network: expected logits (n, {CLASSES}), got shape {tuple(logits.shape)}")
    if not logits.isfinite().all():
        raise ValueError("network: expected finite logits, got NaN or infinity; has its training diverged?")
    return victim, images, logits


def checked_images(images: torch.Tensor | NDArray[Any]) -> torch.Tensor:
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


def checked_labels(labels: torch.Tensor | NDArray[Any], count: int) -> torch.Tensor:
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


def pixels(images: NDArray[np.uint8]) -> torch.Tensor:
    """Digits (n, 28, 28) of 0..255 as images (n, 1, 28, 28) float32 in [0, 1]."""
    return torch.from_numpy(images.astype(np.float32))[:, None] / 255


def first_digits(
    images: NDArray[np.uint8], labels: NDArray[np.int64], count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The first digits of a test set: images (count, 1, 28, 28) in [0, 1] and labels (count,).

    Raises:
        ValueError: if the test set has fewer.
    """
    if count > len(images):
        raise ValueError(f"digits: expected at most the {len(images):,} of the test set, got {count:,}")
    return checked_images(pixels(images[:count])), checked_labels(labels[:count], count)


def digits_at_once(*victims: Victim) -> int:
    """How many digits one step of an attack may take, so that it ends soon on each of the networks."""
    layers = [layer for victim in victims for layer in victim.network.modules()]
    return CHUNK_OTHER if any(isinstance(layer, nn.Conv2d) for layer in layers) else CHUNK


def _copy(values: torch.Tensor | NDArray[Any]) -> torch.Tensor:
    """A copy on the CPU that shares nothing with `values`, a tensor or (perhaps read-only) array."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().clone()
    return torch.tensor(np.asarray(values))
