"""Digits of a small network, attacked, as the plane takes them."""

import numpy as np
import torch

from optgui.core.attack import AttackConfig, AttackEngine, AttackInputs, ShowFilm
from optgui.core.attack.plane import PlaneConfig, PlaneEngine, PlaneInputs
from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from optgui.core.training.models import ModelConfig, make_network, network_of

L2 = {"norm": "L2", "epsilon": 1.5, "step_size": 0.2, "steps": 12}
SMALL = {"resolution": 32}


def snapshot(name="MLP", scale=1.0, **values):
    """An untrained network; a perceptron has 24 hidden units unless said otherwise."""
    model = ModelConfig.parse({"name": name, **({"hidden": [24]} if name == "MLP" else {}), **values})
    network = make_network(model, torch.Generator().manual_seed(3))
    arrays = {key: frozen_copy(scale * value) for key, value in network.state_dict().items()}
    return NetworkSnapshot("made@0", {"name": model.name, **model.values}, arrays, "mnist", 0)


def digit(net, seed=0):
    """An image of black, grey and white pixels, and what the network reads."""
    generator = torch.Generator().manual_seed(seed)
    image = (3 * torch.rand((1, 1, 28, 28), generator=generator) - 1).clamp(0, 1)
    return frozen_copy(image), frozen_copy(network_of(net)(image).argmax(1))


def attacked(settings=None, net=None, seed=0):
    """The inputs of a plane: an attack run to its end."""
    net = net or snapshot()
    image, label = digit(net, seed)
    config = AttackConfig.parse({**L2, **(settings or {})})
    engine = AttackEngine.from_inputs(config, AttackInputs(net, image, label))
    while not engine.done:
        engine.step()
    added, path = engine.frame().perturbation[0, 0], engine.answer(ShowFilm()).perturbations
    return PlaneInputs(net, image[0], int(label[0]), frozen(added.copy()), path, config)


def sampled(inputs, **settings):
    """The engine of a plane, run to its end."""
    engine = PlaneEngine(PlaneConfig.parse({**SMALL, **settings}), inputs)
    while not engine.done:
        engine.step()
    return engine


def directions(inputs, engine):
    """The plane's two directions (784,), read off the pictures that the engine shows of an open plane."""
    from optgui.core.attack.plane import PointImage

    assert not engine.config.clipped
    origin, along, across = (
        engine.answer(PointImage(a, b)).image.astype(np.float64).ravel() for a, b in ((0, 0), (1, 0), (0, 1))
    )
    return along - origin, across - origin
