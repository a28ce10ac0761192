"""A small network, images it reads, and attacks on them."""

import itertools

import torch
from torch import nn

from optgui.core.attack import METHODS, NORMS, STEP_RULES, AttackConfig, AttackEngine
from optgui.core.training.models import ModelConfig, make_network

MODEL = ModelConfig(name="MLP", hidden=(24,))


def network(scale=1.0):
    made = make_network(MODEL, torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= scale
    return made.eval()


def digits(count=12, seed=0):
    """Images of black, grey and white pixels; the labels are what `network()` reads."""
    generator = torch.Generator().manual_seed(seed)
    images = (3 * torch.rand((count, 1, 28, 28), generator=generator) - 1).clamp(0, 1)
    return images, network()(images).argmax(1)


def engine(settings, module=None, images=None, labels=None):
    own_images, own_labels = digits()
    return AttackEngine(
        AttackConfig.parse(settings),
        network() if module is None else module,
        own_images if images is None else images,
        own_labels if labels is None else labels,
    )


def run(attack):
    records = []
    while not attack.done:
        records.append(attack.step())
    return records


EVERY = list(itertools.product(METHODS, NORMS, STEP_RULES))


class Indifferent(nn.Module):
    """Answers every image alike; with `attached` autograd sees a way from image to answer, of slope zero."""

    def __init__(self, attached):
        super().__init__()
        self.attached = attached
        self.bias = nn.Parameter(torch.arange(10.0))

    def forward(self, images):
        zeros = images.flatten(1)[:, :10] * 0 if self.attached else torch.zeros(len(images), 10)
        return zeros + self.bias
