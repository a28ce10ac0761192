"""The network under attack, held still: its answers, and their gradients by the pixels."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import nn

from optgui.core.training.models import CLASSES, MEAN, STD, Dropout, Normalize

if TYPE_CHECKING:
    from optgui.core.attack.losses import Goal, Loss

_relu_backward = torch.ops.aten.threshold_backward


class Pulled(NamedTuple):
    """Answers to n images, what is climbed, and its gradient by the pixels."""

    logits: torch.Tensor  # (n, 10)
    losses: torch.Tensor  # (n,)
    gradient: torch.Tensor  # (n, 1, 28, 28)


class Victim:
    """A copy of a network in float32 and evaluation mode, on the network's device.

    A ReLU perceptron's gradient by its pixels is written out by hand, with the normalization folded into the
    first layer: no graph, and none of the products that only weights need. Other networks use autograd.
    Source: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", 1986.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().float().requires_grad_(False)
        self._layers = _perceptron(self.network)

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return next(self.network.parameters(), torch.empty(0)).device

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """The network's own answer (n, 10) to images (n, 1, 28, 28) in [0, 1]."""
        with torch.no_grad():
            logits: torch.Tensor = self.network(images)
        return logits

    def pull(self, images: torch.Tensor, goal: Goal, loss: Loss) -> Pulled:
        """What `loss` says of the answers to images (n, 1, 28, 28), and its gradient by their pixels."""
        if self._layers is None:
            return self._by_autograd(images, goal, loss)
        with torch.no_grad():
            *hidden, logits = self._forward(images)
            losses, slopes = loss(logits, goal)
            return Pulled(logits, losses, self._backward(slopes, hidden).view(images.shape))

    def jacobian(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (n, 10), and the gradient of each by the pixels: (n, 10, 1, 28, 28)."""
        shape = (len(images), CLASSES, *images.shape[1:])
        if self._layers is not None:
            with torch.no_grad():
                *hidden, logits = self._forward(images)
                slopes = torch.eye(CLASSES, device=logits.device).repeat(len(images), 1)
                wide = [units.repeat_interleave(CLASSES, 0) for units in hidden]
                return logits, self._backward(slopes, wide).view(shape)
        with torch.inference_mode(False), torch.enable_grad():
            wide_images = images.detach().repeat_interleave(CLASSES, 0).requires_grad_()
            logits = self.network(wide_images)
            own = logits.view(len(images), CLASSES, CLASSES).diagonal(dim1=1, dim2=2)
            gradient = _gradient(own.sum(), wide_images)
        return own.detach(), gradient.view(shape)

    def _forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The units of every layer, (n, width) each; the last are the logits."""
        assert self._layers is not None
        below = images.reshape(len(images), -1)
        units: list[torch.Tensor] = []
        for weight, bias in self._layers:
            if units:
                below.relu_()
            below = torch.addmm(bias, below, weight.t())
            units.append(below)
        return units

    def _backward(self, slopes: torch.Tensor, hidden: list[torch.Tensor]) -> torch.Tensor:
        """The gradient by the pixels, (n, 784), of what has the slopes (n, 10) by the logits."""
        assert self._layers is not None
        for (weight, _), units in zip(self._layers[:0:-1], reversed(hidden), strict=True):
            slopes = _relu_backward(slopes @ weight, units, 0)
        return slopes @ self._layers[0][0]

    def _by_autograd(self, images: torch.Tensor, goal: Goal, loss: Loss) -> Pulled:
        with torch.inference_mode(False), torch.enable_grad():
            variable = images.detach().clone().requires_grad_()
            logits = self.network(variable)
            losses, slopes = loss(logits.detach(), goal)
            gradient = _gradient(logits, variable, slopes)
        return Pulled(logits.detach(), losses, gradient)


def _gradient(
    outputs: torch.Tensor, images: torch.Tensor, slopes: torch.Tensor | None = None
) -> torch.Tensor:
    """Autograd's gradient; zero for a network whose answer does not depend on the image."""
    if not outputs.requires_grad:
        return torch.zeros_like(images)
    (gradient,) = torch.autograd.grad(outputs, images, slopes, allow_unused=True, materialize_grads=True)
    return gradient


def _perceptron(network: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]] | None:
    """Weights and biases of a ReLU perceptron behind normalization, or None for any other network.

    With x -> (x - mean) / std in front, W (x - mean) / std + b = (W / std) x + b - W mean / std.
    """
    layers = [layer for layer in network.children() if not isinstance(layer, (nn.Dropout, Dropout))]
    if len(layers) < 3 or type(layers[0]) is not Normalize or type(layers[1]) is not nn.Flatten:
        return None
    linear, between = layers[2::2], layers[3::2]
    plain = all(type(layer) is nn.Linear and layer.bias is not None for layer in linear)
    if not plain or len(linear) != len(between) + 1 or any(type(layer) is not nn.ReLU for layer in between):
        return None
    found = [(layer.weight, layer.bias) for layer in cast("list[nn.Linear]", linear)]
    weight, bias = found[0]
    return [(weight / STD, bias - weight.sum(1) * (MEAN / STD)), *found[1:]]
