"""MODELS: networks that classify 28 x 28 images with pixels in [0, 1]."""

from __future__ import annotations

import dataclasses
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry
from optgui.core.snapshot import NetworkSnapshot

MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels; the tutorial normalizes with them
PIXELS, CLASSES = 784, 10

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


class MLPParams(Config):
    """Parameters of the multilayer perceptron."""

    hidden: tuple[int, ...] = param(
        (120,),
        title="Hidden units",
        help="Width of each hidden layer, e.g. 120 or 256, 64.",
        low=1,
        high=8192,
    )
    activation: str = param(
        "ReLU",
        title="Activation",
        help="What each hidden unit does to its sum.",
        choices=tuple((name, name) for name in ACTIVATIONS),
    )


@dataclasses.dataclass(frozen=True)
class ModelEntry(Entry):
    """A network: `make(values)` gives the layers behind normalization, (n, 1, 28, 28) to logits (n, 10)."""

    make: Callable[[Mapping[str, Any]], OrderedDict[str, nn.Module]] | None = None


def _mlp(values: Mapping[str, Any]) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    width = PIXELS
    for index, units in enumerate(values["hidden"], start=1):
        layers[f"linear{index}"] = nn.Linear(width, units)
        layers[f"activation{index}"] = ACTIVATIONS[values["activation"]]()
        width = units
    layers[f"linear{len(values['hidden']) + 1}"] = nn.Linear(width, CLASSES)
    return layers


MODELS: Registry[ModelEntry] = Registry(
    ModelEntry(
        "MLP",
        "Multilayer perceptron",
        MLPParams,
        help="Fully connected layers. No hidden layer makes it softmax regression.",
        make=_mlp,
    )
)


class ModelConfig(EntryConfig):
    """A network by name and size: `{"name": "MLP", "hidden": [120], "activation": "ReLU"}`."""

    registry: ClassVar[Registry[ModelEntry]] = MODELS


def make_network(config: ModelConfig, generator: torch.Generator | None = None) -> nn.Sequential:
    """A fresh float32 network on the CPU: images (n, 1, 28, 28) in [0, 1] to logits (n, 10).

    Weights are drawn as torch draws them (He et al., "Delving deep into rectifiers", ICCV 2015, with
    a = sqrt 5), but from `generator`, so that torch's global random generator stays untouched. Without
    a generator they are left uninitialized, for a state dict that follows.
    """
    make = MODELS[config.name].make
    assert make is not None, config.name
    with torch.device("meta"):
        body = make(config.values)
    network = nn.Sequential(OrderedDict(normalize=Normalize(), **body)).to_empty(device="cpu")
    if generator is not None:
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, nn.Linear):
                    nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
                    bound = 1 / math.sqrt(module.in_features)
                    nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    return network


def network_of(snapshot: NetworkSnapshot) -> nn.Sequential:
    """The network of a snapshot, on the CPU, in evaluation mode."""
    network = make_network(ModelConfig.parse(snapshot.model))
    network.load_state_dict({name: torch.tensor(array) for name, array in snapshot.arrays.items()})
    return network.eval()
