"""Small untrained networks, one of which masks its gradients, and digits that they read."""

import dataclasses

import numpy as np
import torch

from optgui.core.attack import AttackConfig
from optgui.core.attack.honesty import HonestyConfig, HonestyEngine, HonestyInputs
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training.models import ModelConfig, make_network, network_of

MODEL = {"name": "MLP", "hidden": [24]}
COUNT = 30
EPSILON = 0.4  # of PGD in L2: some of the digits below are fooled, and some are not


def network(seed=3, scale=1.0, name="plain"):
    """A network whose logits are multiplied by `scale`: a large one saturates softmax."""
    made = make_network(ModelConfig.parse(MODEL), torch.Generator().manual_seed(seed))
    arrays = {key: value.detach().numpy().copy() for key, value in made.state_dict().items()}
    for key in list(arrays)[-2:]:
        arrays[key] *= scale
    return NetworkSnapshot(name, MODEL, arrays, "mnist", 0)


PLAIN = network()
MASKED = network(scale=1e5, name="masked")
OTHER = network(seed=8, name="other")
_random = np.random.default_rng(0)
IMAGES = np.clip(_random.integers(-200, 500, (COUNT, 28, 28)), 0, 255).astype(np.uint8)
PIXELS = torch.from_numpy(IMAGES.astype(np.float32))[:, None] / 255


def read(snapshot, images=PIXELS):
    with torch.no_grad():
        return network_of(snapshot)(images).argmax(1).numpy()


LABELS = read(PLAIN)


def inputs(attack=None, network=PLAIN, other=None, labels=LABELS):
    settings = {"epsilon": EPSILON, "step_size": 0.1, "steps": 20, **(attack or {})}
    return HonestyInputs(AttackConfig.parse(settings), network, other, IMAGES, labels)


def engine(attack=None, network=PLAIN, other=None, labels=LABELS, digits=COUNT, seed=0):
    return HonestyEngine(HonestyConfig(digits=digits, seed=seed), inputs(attack, network, other, labels))


def run(made):
    while not made.done:
        made.step()
    return made.frame()


def by_key(frame):
    return {row.key: row for row in frame.rows}


def without_seconds(frame):
    return dataclasses.replace(frame, rows=tuple(dataclasses.replace(row, seconds=0.0) for row in frame.rows))
