"""The network's answers to the pictures of a plane."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.victim import Victim
from optgui.core.training.models import Normalize

PRODUCTS = 120_000_000  # of one slice: 5 to 15 ms


class PlaneNetwork:
    """A network seen along the plane x + a u + b v of pictures.

    Up to its first weights a perceptron is affine,
    h(x + a u + b v) = h(x) + a (h(u) - h(0)) + b (h(v) - h(0)),
    so that without clipping three products serve all points. A clipped picture is no affine function of a and
    b and passes the whole network; so does any picture of a convolution, whose units outnumber the pixels.

    Args:
        victim: the network.
        image: (1, 1, 28, 28) float32.
        basis: (2, 784) float64, u and v.
    """

    def __init__(self, victim: Victim, image: torch.Tensor, basis: NDArray[np.float64]) -> None:
        self._victim = victim
        self._image = image.flatten()
        directions = torch.from_numpy(basis)
        self._basis = directions.float()
        self.block = max(16, PRODUCTS // _products(victim.network, image))  # points of one slice
        parts = _split(victim.network)
        if parts is not None:
            head, self._tail = parts
            pictures = torch.cat([self._image[None].double(), directions, torch.zeros(1, image.numel())])
            with torch.no_grad():
                units = copy.deepcopy(head).double()(pictures.view(-1, 1, 28, 28))
            here, along, across, nothing = units
            self._here = here.float()
            self._slopes = torch.stack([along - nothing, across - nothing]).float()
        self.is_affine = parts is not None

    def pictures(self, points: torch.Tensor, *, clipped: bool) -> torch.Tensor:
        """The pictures (n, 1, 28, 28) of points (n, 2)."""
        flat = torch.addmm(self._image, points, self._basis)
        return (flat.clamp_(0, 1) if clipped else flat).view(-1, 1, 28, 28)

    def logits(self, points: torch.Tensor, *, clipped: bool) -> torch.Tensor:
        """The answers (n, 10) to the pictures of points (n, 2) float32."""
        if clipped or not self.is_affine:
            return self._victim.logits(self.pictures(points, clipped=clipped))
        with torch.no_grad():
            logits: torch.Tensor = self._tail(torch.addmm(self._here, points, self._slopes))
        return logits


def _split(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential] | None:
    """The affine layers at the beginning of a network, and the others; None if it does not begin so."""
    layers = list(network.children()) if isinstance(network, nn.Sequential) else []
    for place, layer in enumerate(layers, 1):
        if isinstance(layer, nn.Linear):
            return nn.Sequential(*layers[:place]), nn.Sequential(*layers[place:])
        if not isinstance(layer, (Normalize, nn.Flatten)):
            return None
    return None


def _products(network: nn.Module, image: torch.Tensor) -> int:
    """About how many numbers are multiplied for one picture."""
    counts = [4 * image.numel()]

    def count(layer: nn.Module, inputs: Any, outputs: torch.Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        counts.append(weight[0].numel() * outputs.numel())

    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return sum(counts)
