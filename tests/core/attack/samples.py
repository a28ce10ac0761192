"""A small network, images it reads, and attacks on them."""

import itertools

import numpy as np
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


EVERY = [
    (method, norm, rule)
    for method, norm, rule in itertools.product(METHODS, NORMS, STEP_RULES)
    if norm in METHODS[method].norms and not METHODS[method].minimal
    if rule == "normalized" or "step_rule" in METHODS[method].uses
]


# A radius for each norm in which the small network is misled on some of the images, and a step to match.
EPSILON = {"L2": 0.5, "Linf": 0.05, "L1": 4.0, "L0": 12.0, "Subspace": 0.5, "HalfSpace": 0.5}
STEP = {"L2": 0.15, "Linf": 0.015, "L1": 1.5, "L0": 0.5, "Subspace": 0.15, "HalfSpace": 0.15}


def sizes(change, norm):
    """The sizes (n,) of changes (n, 1, 28, 28), written out in float64."""
    flat = np.asarray(change, np.float64).reshape(len(change), -1)
    if norm == "HalfSpace":
        return np.maximum(0, flat.sum(1) / 28)
    if norm == "L0":
        return (flat != 0).sum(1).astype(float)
    return np.linalg.norm(flat, {"Linf": np.inf, "L1": 1}.get(norm, 2), axis=1)


def settings_of(method, norm, rule="normalized", **more):
    """Settings of an attack with the radius and the step that belong to its norm."""
    shared = {"method": method, "norm": norm, "step_rule": rule, "epsilon": EPSILON[norm]}
    return {**shared, "step_size": STEP[norm], "steps": 6, **more}


class Indifferent(nn.Module):
    """Answers every image alike; with `attached` autograd sees a way from image to answer, of slope zero."""

    def __init__(self, attached):
        super().__init__()
        self.attached = attached
        self.bias = nn.Parameter(torch.arange(10.0))

    def forward(self, images):
        zeros = images.flatten(1)[:, :10] * 0 if self.attached else torch.zeros(len(images), 10)
        return zeros + self.bias
