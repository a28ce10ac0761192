"""One step in its three lines, each with what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.snapshot import frozen_copy
from optgui.core.training.data import TrainingData
from optgui.core.training.loop import Loop, Numbers
from optgui.core.training.requests import Part


def unfolded(
    loop: Loop, data: TrainingData, batch: torch.Tensor, units: int, *, zeroes: bool
) -> tuple[tuple[Part, ...], Numbers]:
    """One update as a script writes it, by autograd; and loss and right answers before it.

    Args:
        loop: the network and its optimizer.
        data: where the mini-batch comes from.
        batch: its indices.
        units: of the first layer, that are shown.
        zeroes: whether `optimizer.zero_grad()` is among the lines.

    Raises:
        ValueError: if the optimizer evaluates the loss several times a step.
    """
    if loop.wants_closure:
        raise ValueError("optimizer: LBFGS evaluates the loss several times a step; it has no three parts")
    images, labels = loop.images(data, batch), data.train_labels.index_select(0, batch)
    parts = [_part("before", loop, units, 0.0)]
    if zeroes:
        loop.optimizer.zero_grad()
        parts.append(_part("optimizer.zero_grad()", loop, units, 0.0))
    numbers = loop.backward(images, labels)
    parts.append(_part("loss.backward()", loop, units, 0.0))
    before = [parameter.detach().clone() for parameter in loop.parameters]
    loop.update()
    moved = [(p.detach() - b).norm() for p, b in zip(loop.parameters, before, strict=True)]
    parts.append(_part("optimizer.step()", loop, units, float(torch.stack(moved).norm())))
    return tuple(parts), numbers


def _part(line: str, loop: Loop, units: int, moved: float) -> Part:
    weight = next(_weights(loop.body))
    gradient = weight.grad
    return Part(
        line,
        None if gradient is None else _images(gradient, units),
        _images(weight, units),
        float(loop.grad_norm()),
        moved,
    )


def _weights(body: nn.Module) -> Iterator[torch.Tensor]:
    """The weights of linear and convolutional layers, first layer first."""
    return (layer.weight for layer in body.modules() if isinstance(layer, (nn.Linear, nn.Conv2d)))


def _images(values: torch.Tensor, units: int) -> NDArray[np.float32]:
    """As pictures of the inputs, (units, height, width)."""
    shown = values.detach()[:units]
    shown = shown.view(-1, 28, 28) if shown.ndim == 2 else shown.flatten(0, 1)
    return frozen_copy(shown)
