"""Looking inside a network: activations, first weights, hard digits, dead units, sizes of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.training.measures.slices import Slices, evaluating, slice_length


class Layer(NamedTuple):
    """What one layer makes of a digit; float32, of any shape."""

    name: str
    kind: str  # the layer's class: "Linear", "ReLU", ...
    values: NDArray[np.float32]


class FirstWeights(NamedTuple):
    """The first layer's weights as images, to be shown from −`scale` to `scale`."""

    images: NDArray[np.float32]  # (n, 28, 28), or (n, height, width) of a convolution's kernels
    scale: float  # the largest |weight|


class Judged(NamedTuple):
    """What a network says to every image of a set; arrays (n,), read-only."""

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    losses: NDArray[np.float32]  # cross-entropy

    def worst(self, count: int) -> NDArray[np.int64]:
        """Indices of the images with the largest losses, worst first; ties by index, NaN before all."""
        return np.argsort(-np.nan_to_num(self.losses, nan=np.inf), kind="stable")[:count]

    def cell(self, true: int, predicted: int) -> NDArray[np.int64]:
        """Indices of one cell of the confusion matrix, largest loss first."""
        inside = np.flatnonzero((self.labels == true) & (self.predictions == predicted))
        return inside[np.argsort(-self.losses[inside], kind="stable")]


class DeadUnits(NamedTuple):
    """Share of a ReLU layer's units (of a convolution: channels) that are 0 for every image of a batch."""

    name: str
    share: float


def activations(body: nn.Module, image: torch.Tensor) -> tuple[Layer, ...]:
    """What every layer makes of one digit, in the order they run, dropout off.

    Args:
        body: takes normalized images, to logits.
        image: (1, 28, 28) or (1, 1, 28, 28), normalized.
    """
    found: list[Layer] = []
    _watch(
        body,
        image if image.ndim == 4 else image.unsqueeze(0),
        nn.Module,
        lambda name, module, output: found.append(
            Layer(name, type(module).__name__, frozen_copy(output.squeeze(0)))
        ),
    )
    return tuple(found)


def dead_units(body: nn.Module, images: torch.Tensor) -> tuple[DeadUnits, ...]:
    """The share of dead units of each ReLU layer over a batch of normalized images (n, ...), dropout off.

    L. Lu, Y. Shin, Y. Su and G. E. Karniadakis, Dying ReLU and Initialization, 2020.
    """
    found: list[DeadUnits] = []

    def look(name: str, _: nn.Module, output: torch.Tensor) -> None:
        alive = (output > 0).transpose(0, 1).flatten(1).any(1)
        found.append(DeadUnits(name, 1 - float(alive.float().mean())))

    _watch(body, images, nn.ReLU, look)
    return tuple(found)


def first_weights(body: nn.Module) -> FirstWeights:
    """The weights of the first linear or convolutional layer, copied.

    Raises:
        ValueError: if there is no such layer, or its weights are no images.
    """
    layers = (module for module in body.modules() if isinstance(module, (nn.Linear, nn.Conv2d)))
    first = next(layers, None)
    if first is None:
        raise ValueError("network: expected a linear or convolutional layer, got none")
    weight = first.weight.detach()
    if isinstance(first, nn.Linear):
        if first.in_features != 28 * 28:
            raise ValueError(f"network: expected a first layer of 784 inputs, got {first.in_features}")
        weight = weight.view(-1, 28, 28)
    images = frozen_copy(weight.flatten(0, -3))
    return FirstWeights(images, float(np.abs(images).max()))


def judge(body: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Slices[Judged]:
    """Predictions and losses of images (n, ...) with labels (n,), dropout off.

    The weights must be held still between slices.
    """
    length = slice_length(body, images)
    predictions, losses = [], []
    for start in range(0, len(images), length):
        truth = labels[start : start + length]
        with torch.no_grad(), evaluating(body):
            logits = body(images[start : start + length])
        predictions.append(logits.argmax(1))
        losses.append(nn.functional.cross_entropy(logits, truth, reduction="none"))
        yield
    return Judged(frozen_copy(labels), frozen_copy(torch.cat(predictions)), frozen_copy(torch.cat(losses)))


class UpdateRatios:
    """|Δw| / |w| of each parameter over a step: 1e-3 is a healthy pace (A. Karpathy, CS231n, 2015).

    Call `keep` before a step and `read` after it.
    """

    def __init__(self, body: nn.Module) -> None:
        self.names = tuple(name for name, _ in body.named_parameters())
        self._weights = [value.detach() for value in body.parameters()]  # the same memory
        self._kept = [torch.empty_like(value) for value in self._weights]

    def keep(self) -> None:
        """Remember the weights as they are."""
        for kept, weight in zip(self._kept, self._weights, strict=True):
            kept.copy_(weight)

    def read(self) -> NDArray[np.float64]:
        """The ratios since `keep`, in the order of `names`; inf where a weight of length 0 moved."""
        sizes = torch.stack([torch.linalg.vector_norm(kept) for kept in self._kept])
        moved = [weight - kept for weight, kept in zip(self._weights, self._kept, strict=True)]
        steps = torch.stack([torch.linalg.vector_norm(step) for step in moved])
        ratios = torch.where(steps > 0, steps / sizes, steps)
        return frozen(ratios.double().cpu().numpy())


def gradient_norm(parameters: Sequence[torch.Tensor]) -> float:
    """Length of the whole gradient in `.grad`; a parameter without one counts as 0."""
    norms = [torch.linalg.vector_norm(value.grad) for value in parameters if value.grad is not None]
    return float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0


def _watch(
    body: nn.Module,
    images: torch.Tensor,
    kind: type[nn.Module],
    look: Callable[[str, nn.Module, torch.Tensor], None],
) -> None:
    """Run the network once and show `look` every layer of a kind with its output."""
    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: look(name, module, output))
        for name, module in body.named_modules()
        if isinstance(module, kind) and not list(module.children())
    ]
    try:
        with torch.no_grad(), evaluating(body):
            body(images)
    finally:
        for hook in hooks:
            hook.remove()
