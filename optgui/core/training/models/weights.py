"""INITIALIZATIONS: how the weights of a network are drawn before the first step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import nn

from optgui.core.params import Config
from optgui.core.registry import Entry, Registry

Draw = Callable[[torch.Tensor, torch.Tensor, torch.Generator], None]


class NoParams(Config):
    """Nothing to set."""


@dataclasses.dataclass(frozen=True)
class Initialization(Entry):
    """A way to draw: `draw(weight, bias, generator)` fills both in place."""

    draw: Draw | None = None


def _inputs(weight: torch.Tensor) -> int:
    """How many numbers each unit adds up."""
    return weight[0].numel()


def _torchs_own(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    bound = 1 / math.sqrt(_inputs(weight))
    nn.init.uniform_(bias, -bound, bound, generator=generator)


def _he(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(bias)


def _xavier(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
    nn.init.xavier_uniform_(weight, generator=generator)
    nn.init.zeros_(bias)


def _orthogonal(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
    nn.init.orthogonal_(weight, generator=generator)
    nn.init.zeros_(bias)


def _zeros(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
    nn.init.zeros_(weight)
    nn.init.zeros_(bias)


INITIALIZATIONS: Registry[Initialization] = Registry(
    Initialization(
        "torch",
        "torch's own",
        NoParams,
        help="Uniform, narrower the more inputs a unit has; biases too.",
        formula="W, b ~ U(−1/√n, 1/√n), n inputs",
        reference="torch.nn.Linear and torch.nn.Conv2d",
        draw=_torchs_own,
    ),
    Initialization(
        "He",
        "He",
        NoParams,
        help="Keeps the size of signals from layer to layer under ReLU; biases 0.",
        formula="W ~ N(0, 2/n), n inputs",
        reference="K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015",
        draw=_he,
    ),
    Initialization(
        "Xavier",
        "Xavier",
        NoParams,
        help="Keeps the size of signals forwards and backwards, for units like tanh; biases 0.",
        formula="W ~ U(−a, a), a = √(6/(n + m)), n inputs, m outputs",
        reference="X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural "
        "networks, AISTATS 2010",
        draw=_xavier,
    ),
    Initialization(
        "orthogonal",
        "Orthogonal",
        NoParams,
        help="Turns the signal and keeps its length as far as the widths allow; biases 0.",
        formula="W Wᵀ = I or Wᵀ W = I",
        reference="A. Saxe, J. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of "
        "learning in deep linear neural networks, ICLR 2014",
        draw=_orthogonal,
    ),
    Initialization(
        "zeros",
        "All zero",
        NoParams,
        help="All units of a layer stay alike, so a network with hidden layers learns next to nothing.",
        formula="W = 0",
        reference="I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, 2016, section 8.4",
        draw=_zeros,
    ),
)


@torch.no_grad()
def draw_weights(network: nn.Module, initialization: str, generator: torch.Generator) -> None:
    """Draw the weights and biases of every layer that has some, in the order of the layers."""
    draw = INITIALIZATIONS[initialization].draw
    assert draw is not None, initialization
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            assert layer.bias is not None
            draw(layer.weight, layer.bias, generator)
