"""Loss and gradient of k networks at once.

Activations lie as (k, units, batch), so the first layer of all networks on a shared batch is one product
W Xᵀ with W of shape (k · units, pixels), and its gradient is one product Δ X. Measured for 8 networks of 120
hidden units at batch 64: one wide product takes 0.94 of the time of 8 products with MKL, as `torch.bmm`
does, and 0.8 with oneDNN. What counts most is that it is oneDNN's: see `product`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import torch
from torch import nn

_relu_backward = torch.ops.aten.threshold_backward.grad_input


class Stack(Protocol):
    """k networks of one shape that are trained together."""

    def gradient(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Set `.grad` of every parameter; mean cross-entropies (k,) and numbers of right answers (k,).

        Args:
            images: normalized, (b, 1, 28, 28) for all networks or (k, b, 1, 28, 28), each its own.
            labels: int64, (b,) or (k, b).
        """

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(k, 10, n) of normalized images (n, 1, 28, 28), without a graph."""


def stack_of(networks: Sequence[nn.Sequential]) -> Stack:
    """The quickest stack for networks of one shape; each begins with normalization, which is left out."""
    layers = [_linear_layers(network) for network in networks]
    if all(layers):
        return StackedPerceptron(cast("list[list[nn.Linear]]", layers))
    return Separate(networks)


def _linear_layers(network: nn.Sequential) -> list[nn.Linear] | None:
    """The linear layers of normalization, flatten, linear, ReLU, ..., linear; None of any other network."""
    _, first, *rest = network.children()
    linear, between = rest[0::2], rest[1::2]
    fits = (
        type(first) is nn.Flatten
        and len(rest) % 2 == 1
        and all(type(layer) is nn.Linear and layer.bias is not None for layer in linear)
        and all(type(layer) is nn.ReLU for layer in between)
    )
    return cast("list[nn.Linear]", linear) if fits else None


@functools.cache
def _onednn() -> Callable[..., torch.Tensor] | None:
    """The product of dense float32 matrices by oneDNN, None where torch was built without it."""
    found: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if found is None:
        return None
    try:
        found(torch.ones(1, 1), torch.ones(1, 1), None, "none", [], "")
    except (RuntimeError, NotImplementedError):
        return None
    return cast("Callable[..., torch.Tensor]", found)


def product(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """`one` (m, n) times `other` (p, n) transposed, without a graph.

    On a CPU oneDNN does it where it is there: on an AMD Zen 5 it takes 0.43 of the time of torch's own, which
    is MKL's and keeps to AVX2 on CPUs that are not Intel's.
    """
    quick = _onednn() if one.device.type == "cpu" and one.dtype == torch.float32 else None
    return torch.mm(one, other.t()) if quick is None else quick(one, other, None, "none", [], "")


class Separate:
    """Any networks, one after another with autograd.

    For a small CNN on a CPU it takes 0.8 of the time of `torch.func.vmap`, which makes grouped convolutions.
    """

    def __init__(self, networks: Sequence[nn.Sequential]) -> None:
        self._bodies = [network[1:] for network in networks]

    def gradient(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One backward pass each."""
        losses, right = [], []
        for index, body in enumerate(self._bodies):
            own_images, own = (images, labels) if labels.dim() == 1 else (images[index], labels[index])
            body.zero_grad()
            with torch.enable_grad():
                logits = body(own_images)
                loss = nn.functional.cross_entropy(logits, own)
                loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
            right.append(logits.detach().argmax(1).eq(own).sum())
        return torch.stack(losses), torch.stack(right)

    @torch.no_grad()
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """One forward pass each, in evaluation mode."""
        found = []
        for body in self._bodies:
            found.append(body.eval()(images).t())
            body.train()
        return torch.stack(found)


class StackedPerceptron:
    """k perceptrons with ReLU, their gradient by hand: backpropagation through stacked layers.

    The networks' parameters become views of stacked ones.
    Source: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", 1986.

    Args:
        networks: the linear layers of each network.
    """

    def __init__(self, networks: Sequence[Sequence[nn.Linear]]) -> None:
        self._count = len(networks)
        layers = list(zip(*networks, strict=True))
        self._first = [network[0] for network in networks]
        self._weights = [_stacked([layer.weight for layer in same]) for same in layers]
        self._biases = [_stacked([layer.bias for layer in same]) for same in layers]
        self._weight_grads = [_gradients([layer.weight for layer in same]) for same in layers[1:]]
        self._bias_grads = [_gradients([layer.bias for layer in same]) for same in layers]

    def _forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """The outputs (k, units, n) of every layer, of pixels (n, 784) or (k, n, 784)."""
        first = self._weights[0]
        if pixels.dim() == 2:
            output = product(first.flatten(0, 1), pixels).view(self._count, -1, len(pixels))
        else:
            output = torch.stack([product(weight, own) for weight, own in zip(first, pixels, strict=True)])
        outputs = [output.add_(self._biases[0].unsqueeze(2))]
        for weight, bias in zip(self._weights[1:], self._biases[1:], strict=True):
            outputs.append(torch.baddbmm(bias.unsqueeze(2), weight, outputs[-1].relu_()))
        return outputs

    @torch.no_grad()
    def gradient(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """All networks at once."""
        pixels = images.flatten(-3)
        outputs = self._forward(pixels)
        logs = torch.log_softmax(outputs[-1], 1)
        truth = labels.unsqueeze(-2).expand(self._count, 1, -1)
        chosen = logs.gather(1, truth)
        losses = -chosen.mean((1, 2))
        right = outputs[-1].max(1).indices.eq(labels).sum(1)
        delta = logs.exp_().scatter_(1, truth, chosen.exp_().sub_(1)).div_(labels.shape[-1])
        for layer in range(len(outputs) - 1, 0, -1):
            below = outputs[layer - 1]
            torch.sum(delta, 2, out=self._bias_grads[layer])
            torch.bmm(delta, below.transpose(1, 2), out=self._weight_grads[layer - 1])
            delta = torch.bmm(self._weights[layer].transpose(1, 2), delta)
            _relu_backward(delta, below, 0, grad_input=delta)
        torch.sum(delta, 2, out=self._bias_grads[0])
        self._set_first(delta, pixels)
        return losses, right

    def _set_first(self, delta: torch.Tensor, pixels: torch.Tensor) -> None:
        """The gradient of the first weights; its memory is new each time, which is quicker than a copy."""
        if pixels.dim() == 2:
            found = product(delta.flatten(0, 1), pixels.t()).view_as(self._weights[0]).unbind(0)
        else:
            found = tuple(product(one, own.t()) for one, own in zip(delta, pixels, strict=True))
        for layer, gradient in zip(self._first, found, strict=True):
            layer.weight.grad = gradient

    @torch.no_grad()
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """All networks at once."""
        return self._forward(images.flatten(1))[-1]


def _stacked(parameters: Sequence[nn.Parameter]) -> torch.Tensor:
    """One tensor (k, ...) of k parameters, which become views of it."""
    stacked = torch.stack([parameter.detach() for parameter in parameters])
    for parameter, view in zip(parameters, stacked.unbind(0), strict=True):
        parameter.data = view
    return stacked


def _gradients(parameters: Sequence[nn.Parameter]) -> torch.Tensor:
    """Memory (k, ...) for the gradients of k parameters, whose `.grad` are views of it."""
    memory = torch.stack([torch.zeros_like(parameter) for parameter in parameters])
    for parameter, view in zip(parameters, memory.unbind(0), strict=True):
        parameter.grad = view
    return memory
