"""Layers of our own: normalization, and dropout that draws from a generator of the run's own."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels; the tutorial normalizes with them

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "ReLU": nn.ReLU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "GELU": nn.GELU,
    "LeakyReLU": nn.LeakyReLU,
}


class Normalize(nn.Module):
    """(x - mean) / std with MNIST's figures, so that pixels stay in [0, 1] at every public door."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images of any shape in [0, 1] to normalized ones."""
        return (images - MEAN) / STD


class Dropout(nn.Module):
    """Sets each unit to 0 with probability `rate` and divides the others by 1 - rate; in eval mode nothing.

    Masks come from `generator`, never from torch's global one; they are drawn where it lives, so a run on a
    GPU with a generator of the CPU has the masks of a run on the CPU.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent
    neural networks from overfitting", JMLR 2014; the division is torch's.
    """

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate = rate
        self.generator = generator

    def forward(self, units: torch.Tensor) -> torch.Tensor:
        """Units of any shape; without a draw if nothing is to be dropped."""
        if not self.training or self.rate == 0:
            return units
        keep = 1 - self.rate
        mask = torch.empty(units.shape, dtype=units.dtype, device=self.generator.device)
        return units * mask.bernoulli_(keep, generator=self.generator).div_(keep).to(units.device)

    def extra_repr(self) -> str:
        """What torch prints of the layer."""
        return f"rate={self.rate:g}"


def with_dropout(network: nn.Sequential, rate: float, generator: torch.Generator) -> nn.Sequential:
    """The network to train: `network` itself for rate 0, else its own layers with dropout between them.

    A dropout layer stands behind the activation of every fully connected layer. All other layers are those
    of `network`, not copies, so it has what is learned at once, and the names of the weights are the same.
    """
    if rate == 0:
        return network
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before: nn.Module | None = None
    for name, layer in network.named_children():
        layers[name] = layer
        if isinstance(before, nn.Linear):
            layers[name.replace("activation", "dropout")] = Dropout(rate, generator)
        before = layer
    return nn.Sequential(layers)


def set_dropout(network: nn.Module, rate: float) -> None:
    """Change the rate of every dropout layer; it acts at the next forward pass."""
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.rate = rate
