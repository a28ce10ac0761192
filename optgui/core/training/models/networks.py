"""MODELS: networks that classify 28 x 28 images with pixels in [0, 1]."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training.models.layers import ACTIVATIONS, Normalize
from optgui.core.training.models.weights import INITIALIZATIONS, draw_weights

PIXELS, CLASSES = 784, 10
KERNEL = 5  # LeNet-5's: 28 pixels become 24, pooled 12, then 8, pooled 4

Layers = OrderedDict[str, nn.Module]


def _activation() -> Any:
    return param(
        "ReLU",
        title="Activation",
        help="What each hidden unit does to its sum.",
        choices=tuple((name, name) for name in ACTIVATIONS),
    )


def _dropout() -> Any:
    return param(
        0.0,
        title="Dropout",
        help="Share of the hidden units of fully connected layers switched off at random in each step.",
        low=0,
        high=0.9,
        slider=(0, 0.9),
        live=True,
    )


def _init() -> Any:
    return param(
        "torch",
        title="Initial weights",
        help="How weights are drawn before the first step.",
        choices=INITIALIZATIONS.choices,
        rare=True,
    )


class MLPParams(Config):
    """Parameters of the multilayer perceptron."""

    hidden: tuple[int, ...] = param(
        (120,),
        title="Hidden units",
        help="Width of each hidden layer, e.g. 120 or 256, 64.",
        low=1,
        high=8192,
    )
    activation: str = _activation()
    dropout: float = _dropout()
    init: str = _init()


class CNNParams(Config):
    """Parameters of the convolutional network."""

    filters: tuple[int, int] = param(
        (16, 32),
        title="Filters",
        help="How many patterns the first and the second layer look for.",
        low=1,
        high=512,
        slider=(1, 128),
    )
    hidden: int = param(
        128,
        title="Hidden units",
        help="Width of the fully connected layer behind the filters.",
        low=1,
        high=8192,
        scale="log",
        slider=(8, 1024),
    )
    activation: str = _activation()
    dropout: float = _dropout()
    init: str = _init()


class SoftmaxParams(Config):
    """Parameters of softmax regression."""

    init: str = _init()


@dataclasses.dataclass(frozen=True)
class ModelEntry(Entry):
    """A network: `make(values)` gives the layers behind normalization, (n, 1, 28, 28) to logits (n, 10)."""

    make: Callable[[Mapping[str, Any]], Layers] | None = None

    def parameters(self, values: Mapping[str, Any]) -> int:
        """How many numbers are learned; counted on the meta device, so nothing is allocated."""
        return sum(parameter.numel() for parameter in self.blank(values).parameters())

    def blank(self, values: Mapping[str, Any]) -> nn.Sequential:
        """The network on the meta device: shapes and names, no numbers."""
        assert self.make is not None, self.name
        with torch.device("meta"):
            return nn.Sequential(OrderedDict(normalize=Normalize(), **self.make(values)))


def _mlp(values: Mapping[str, Any]) -> Layers:
    layers: Layers = OrderedDict(flatten=nn.Flatten())
    width = PIXELS
    for index, units in enumerate(values["hidden"], start=1):
        layers[f"linear{index}"] = nn.Linear(width, units)
        layers[f"activation{index}"] = ACTIVATIONS[values["activation"]]()
        width = units
    layers[f"linear{len(values['hidden']) + 1}"] = nn.Linear(width, CLASSES)
    return layers


def _softmax(values: Mapping[str, Any]) -> Layers:
    return OrderedDict(flatten=nn.Flatten(), linear1=nn.Linear(PIXELS, CLASSES))


def _cnn(values: Mapping[str, Any]) -> Layers:
    layers: Layers = OrderedDict()
    channels, side, activation = 1, 28, ACTIVATIONS[values["activation"]]
    for index, filters in enumerate(values["filters"], start=1):
        layers[f"conv{index}"] = nn.Conv2d(channels, filters, KERNEL)
        layers[f"activation{index}"] = activation()
        layers[f"pool{index}"] = nn.MaxPool2d(2)
        channels, side = filters, (side - KERNEL + 1) // 2
    layers["flatten"] = nn.Flatten()
    layers["linear1"] = nn.Linear(channels * side * side, values["hidden"])
    layers["activation3"] = activation()
    layers["linear2"] = nn.Linear(values["hidden"], CLASSES)
    return layers


MODELS: Registry[ModelEntry] = Registry(
    ModelEntry(
        "MLP",
        "Multilayer perceptron",
        MLPParams,
        help="Fully connected layers. No hidden layer makes it softmax regression.",
        formula="h₀ = x;  hₖ = φ(Wₖ hₖ₋₁ + bₖ);  p = softmax(W h + b)",
        reference="D. Rumelhart, G. Hinton and R. Williams, Learning representations by back-propagating "
        "errors, Nature 1986",
        make=_mlp,
    ),
    ModelEntry(
        "CNN",
        "Convolutional network",
        CNNParams,
        help="Two layers of 5 × 5 filters, each pooled 2 × 2, and a fully connected one. Best of the three, "
        "and about 15 times as slow as the perceptron.",
        formula="hₖ = pool(φ(Wₖ ∗ hₖ₋₁ + bₖ)), k = 1, 2;  h₃ = φ(W₃ h₂ + b₃);  p = softmax(W₄ h₃ + b₄)",
        reference="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to "
        "document recognition, Proceedings of the IEEE 1998",
        make=_cnn,
    ),
    ModelEntry(
        "Softmax",
        "Softmax regression",
        SoftmaxParams,
        help="One template of 28 × 28 weights for each class. Its loss is convex: one lowest value.",
        formula="p = softmax(W x + b)",
        reference="C. Bishop, Pattern Recognition and Machine Learning, 2006, section 4.3.4",
        make=_softmax,
    ),
)


class ModelConfig(EntryConfig):
    """A network by name and size: `{"name": "MLP", "hidden": [120], "activation": "ReLU"}`."""

    registry: ClassVar[Registry[ModelEntry]] = MODELS

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned."""
        return MODELS[self.name].parameters(self.values)

    @property
    def dropout_rate(self) -> float:
        """The rate of the dropout layers; 0 for a network without hidden layers."""
        rate: float = self.values.get("dropout", 0.0)
        return rate


def blank_network(config: ModelConfig) -> nn.Sequential:
    """The network on the meta device: shapes and names, no numbers."""
    return MODELS[config.name].blank(config.values)


def make_network(config: ModelConfig, generator: torch.Generator | None = None) -> nn.Sequential:
    """A fresh float32 network on the CPU: images (n, 1, 28, 28) in [0, 1] to logits (n, 10).

    Weights are drawn from `generator`, so that torch's global random generator stays untouched; without
    one they are left uninitialized, for a state dict that follows. It has no dropout layers, which belong
    to training and not to the network: see `with_dropout`.
    """
    network = blank_network(config).to_empty(device="cpu")
    if generator is not None:
        draw_weights(network, config.values["init"], generator)
    return network


def network_of(snapshot: NetworkSnapshot) -> nn.Sequential:
    """The network of a snapshot, on the CPU, in evaluation mode."""
    network = make_network(ModelConfig.parse(snapshot.model))
    network.load_state_dict({name: torch.tensor(array) for name, array in snapshot.arrays.items()})
    return network.eval()
