"""Networks: torch's own layers with torch's own initial weights."""

import itertools

import pytest
import torch
from torch import nn

from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training.models import (
    ACTIVATIONS,
    CLASSES,
    MEAN,
    MODELS,
    PIXELS,
    STD,
    ModelConfig,
    make_network,
    network_of,
)

HIDDEN = [(), (120,), (64, 32), (1, 1, 1)]


def config(hidden=(120,), activation="ReLU"):
    return ModelConfig.parse({"name": "MLP", "hidden": list(hidden), "activation": activation})


def plain_network(hidden, activation, seed):
    """What a person would write with torch, and torch's global seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Flatten()]
        for before, after in itertools.pairwise((PIXELS, *hidden, CLASSES)):
            layers += [nn.Linear(before, after), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])


def images(count=5):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("seed", [0, 7])
def test_initial_weights_equal_torchs_own_under_the_same_seed(hidden, seed):
    ours = make_network(config(hidden), torch.Generator().manual_seed(seed))
    theirs = plain_network(hidden, "ReLU", seed)
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    assert len(pairs) == 2 * len(hidden) + 2
    for own, torchs in pairs:
        assert torch.equal(own, torchs)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_network_computes_what_torchs_layers_do(hidden, activation):
    ours = make_network(config(hidden, activation), torch.Generator().manual_seed(0))
    logits = ours(images())
    assert logits.shape == (5, CLASSES)
    assert torch.equal(logits, plain_network(hidden, activation, 0)((images() - MEAN) / STD))


def test_activations_differ():
    answers = [
        make_network(config(activation=name), torch.Generator().manual_seed(0))(images())
        for name in ACTIVATIONS
    ]
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(answers, 2))


@pytest.mark.parametrize("name", MODELS)
def test_every_model_with_its_defaults_gives_finite_logits_and_gradients(name):
    network = make_network(ModelConfig.parse({"name": name}), torch.Generator().manual_seed(0))
    logits = network(images())
    nn.functional.cross_entropy(logits, torch.arange(5)).backward()
    assert logits.isfinite().all()
    for parameter in network.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()


@pytest.mark.parametrize("hidden", [(), (64, 32)])
def test_a_snapshot_rebuilds_the_network(hidden):
    model = config(hidden)
    network = make_network(model, torch.Generator().manual_seed(0))
    arrays = {name: frozen_copy(value) for name, value in network.state_dict().items()}
    snapshot = NetworkSnapshot("run1@0", model.model_dump(mode="json"), arrays, "mnist", 0)
    rebuilt = network_of(snapshot)
    assert not rebuilt.training
    assert torch.equal(rebuilt(images()), network(images()))


def test_making_a_network_leaves_torchs_global_random_numbers_alone():
    before = torch.get_rng_state()
    make_network(config(), torch.Generator().manual_seed(0))
    make_network(config())
    assert torch.equal(torch.get_rng_state(), before)
