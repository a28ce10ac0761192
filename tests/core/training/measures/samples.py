"""Small networks and made-up images for every measure."""

import torch
from torch import nn

from optgui.core.training.measures.slices import finish
from optgui.core.training.models import ModelConfig, make_network


def made(count=40, seed=0, dtype=torch.float32):
    """Images (count, 1, 28, 28), as if normalized, and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (count,), generator=generator)
    patterns = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(99))
    images = patterns[labels] + torch.randn(count, 1, 28, 28, generator=generator)
    return images.to(dtype), labels


def perceptron(hidden=(20,), activation="ReLU", seed=0):
    """The network behind normalization."""
    config = ModelConfig.parse({"name": "MLP", "hidden": list(hidden), "activation": activation})
    return make_network(config, torch.Generator().manual_seed(seed))[1:]


def tiny(activation=nn.Tanh, dropout=0.0):
    """6 inputs, 5 hidden units, 3 classes, float64, and 30 inputs with labels."""
    generator = torch.Generator().manual_seed(3)
    layers = [nn.Flatten(), nn.Linear(6, 5), activation(), nn.Dropout(dropout), nn.Linear(5, 3)]
    body = nn.Sequential(*layers).double()
    with torch.no_grad():
        for parameter in body.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    inputs = torch.randn(30, 6, generator=generator, dtype=torch.float64)
    return body, inputs, torch.randint(3, (30,), generator=generator)


def convolutional():
    """A small network with a convolution, float32."""
    body = nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    )
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in body.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return body


def flat(tensors):
    """All in one vector, without history."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


__all__ = ["convolutional", "finish", "flat", "made", "perceptron", "tiny"]
